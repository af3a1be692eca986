package replay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/internal/unpack"
	"kinesis-snowflake/transform"
)

// Line is one failed message as the log tells of it.
type Line struct {
	Logged      time.Time // zero where the line does not say
	Stream      string
	StreamID    string // ARN @ creation time; this and the next two are empty in lines of older versions
	Application string
	Table       string
	Shard       string
	At          row.Position
	Arrival     time.Time
	Rows        []uint32 // which of its rows failed
	Count       int      // lines of this message
}

// Log is what was read of logs. It keeps about half a kilobyte of each different message, however long the logs are.
type Log struct {
	Lines      []Line // one a message, in the order in which they came
	Older      int    // lines of failed messages from before the time that was asked for
	PassedOver int    // other lines
	Unreadable int    // lines of failed messages that do not name a record

	at    map[lineKey]int
	texts map[string]string // those that many lines have alike
}

// lineKey is what tells one message from another.
type lineKey struct {
	stream, streamID, application, table, shard string
	at                                          row.Position
}

// maxLine bounds a line. The longest that is written holds a payload of 10 MiB in base64.
const maxLine = 64 << 20

// Read adds the lines of one log that were written at or after since: in the connector's formats json, snowflake and text,
// also behind the prefix or in the envelope of what collected them ("log" or "message"), and all that by gzip or zstd.
func (l *Log) Read(r io.Reader, since time.Time) error {
	in, err := unpack.Text(r)
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	var long []byte
	for {
		text, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			if long = append(long, text...); len(long) > maxLine {
				return fmt.Errorf("read the log: a line of over %d MiB: this is no log of the connector", maxLine>>20)
			}
			continue
		}
		if len(long) > 0 {
			long = append(long, text...)
			text = long
		}
		l.line(bytes.TrimSpace(text), since)
		long = long[:0]
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the log: %w", err)
		}
	}
}

var failedMessage = []byte(transform.FailedMessage)

func (l *Log) line(text []byte, since time.Time) {
	if len(text) == 0 {
		return
	}
	if !bytes.Contains(text, failedMessage) {
		l.PassedOver++
		return
	}
	f, ok := parse(text, 0)
	if !ok {
		if looksFailed(text) {
			l.Unreadable++
		} else {
			l.PassedOver++
		}
		return
	}
	line, ok := f.line()
	switch {
	case !ok:
		l.Unreadable++
	case !since.IsZero() && line.when().Before(since):
		l.Older++
	default:
		l.add(&line)
	}
}

// add counts a line to its message.
func (l *Log) add(line *Line) {
	if l.at == nil {
		l.at, l.texts = map[lineKey]int{}, map[string]string{}
	}
	for _, text := range []*string{&line.Stream, &line.StreamID, &line.Application, &line.Table, &line.Shard} {
		same, ok := l.texts[*text]
		if !ok {
			same = *text
			l.texts[same] = same
		}
		*text = same
	}
	key := lineKey{line.Stream, line.StreamID, line.Application, line.Table, line.Shard, line.At}
	i, known := l.at[key]
	if !known {
		i = len(l.Lines)
		l.at[key] = i
		l.Lines = append(l.Lines, *line)
		l.Lines[i].Rows = nil
	}
	have := &l.Lines[i]
	have.Count++
	for _, n := range line.Rows {
		if at, found := slices.BinarySearch(have.Rows, n); !found {
			have.Rows = slices.Insert(have.Rows, at, n)
		}
	}
}

// when is the time that --since is about.
func (l *Line) when() time.Time {
	if l.Logged.IsZero() {
		return l.Arrival
	}
	return l.Logged
}
