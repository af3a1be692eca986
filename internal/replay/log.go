package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"kinesis-snowflake/internal/row"
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
	Stage       row.Stage
	Reason      string
}

// Log is what was read of logs.
type Log struct {
	Lines      []Line
	Older      int // lines of failed messages from before the time that was asked for
	PassedOver int // other lines
	Unreadable int // lines of failed messages that do not name a record
}

// maxLine bounds a line. The longest that is written holds a payload of 10 MiB in base64.
const maxLine = 64 << 20

// Read adds the lines of one log that were written at or after since: in the connector's formats json, snowflake and text,
// also behind the prefix or in the envelope of what collected them ("log" or "message"), and all that by gzip.
func (l *Log) Read(r io.Reader, since time.Time) error {
	in := bufio.NewReaderSize(r, 64<<10)
	if magic, err := in.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		in = bufio.NewReaderSize(z, 64<<10)
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
		l.PassedOver++
		return
	}
	line, ok := f.line()
	switch {
	case !ok:
		l.Unreadable++
	case !since.IsZero() && line.when().Before(since):
		l.Older++
	default:
		l.Lines = append(l.Lines, line)
	}
}

// when is the time that --since is about.
func (l *Line) when() time.Time {
	if l.Logged.IsZero() {
		return l.Arrival
	}
	return l.Logged
}

// fields are those of a line, in whatever format.
type fields struct {
	Time        string `json:"time"`
	Stream      string `json:"stream"`
	StreamID    string `json:"stream_id"`
	Application string `json:"application"`
	Table       string `json:"table"`
	Shard       string `json:"shard"`
	Sequence    number `json:"sequence"`
	Subsequence number `json:"subsequence"`
	Arrival     string `json:"arrival"`
	Stage       string `json:"stage"`
	Reason      string `json:"reason"`
}

// number is a number or a text of one.
type number string

// UnmarshalJSON implements [json.Unmarshaler].
func (n *number) UnmarshalJSON(b []byte) error {
	*n = number(strings.Trim(string(b), `"`))
	return nil
}

// wrapped is a line with what may stand around its fields.
type wrapped struct {
	fields
	Msg        string          `json:"msg"`
	Timestamp  string          `json:"timestamp"`
	Body       json.RawMessage `json:"body"`
	Attributes *fields         `json:"attributes"`
	Log        json.RawMessage `json:"log"`
	Message    json.RawMessage `json:"message"`
}

// maxWraps bounds the envelopes around a line: a collector's, and that of the runtime below it.
const maxWraps = 3

func parse(text []byte, depth int) (*fields, bool) {
	at := bytes.IndexByte(text, '{')
	if at < 0 || bytes.Contains(text[:at], []byte("msg=")) {
		return parseText(string(text))
	}
	var w wrapped
	if json.Unmarshal(text[at:], &w) != nil {
		return parseText(string(text))
	}
	var body string
	_ = json.Unmarshal(w.Body, &body) // anything but a text is not the connector's
	switch {
	case w.Msg == transform.FailedMessage:
		return &w.fields, true
	case body == transform.FailedMessage && w.Attributes != nil:
		if w.Attributes.Time == "" {
			w.Attributes.Time = w.Timestamp
		}
		return w.Attributes, true
	case depth >= maxWraps:
		return nil, false
	}
	for _, inner := range []json.RawMessage{w.Log, w.Message} {
		var line string
		if json.Unmarshal(inner, &line) != nil {
			line = string(inner) // an object, perhaps
		}
		if strings.Contains(line, transform.FailedMessage) {
			return parse([]byte(line), depth+1)
		}
	}
	return nil, false
}

// parseText reads key=value pairs, values quoted as in Go where they must be.
func parseText(text string) (*fields, bool) {
	f, found := &fields{}, false
	to := map[string]*string{"time": &f.Time, "stream": &f.Stream, "stream_id": &f.StreamID, "application": &f.Application, "table": &f.Table, "shard": &f.Shard,
		"sequence": (*string)(&f.Sequence), "subsequence": (*string)(&f.Subsequence), "arrival": &f.Arrival, "stage": &f.Stage, "reason": &f.Reason}
	for text != "" {
		key, rest, ok := strings.Cut(text, "=")
		if !ok {
			break
		}
		key = key[strings.LastIndexByte(key, ' ')+1:]
		var value string
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			text = rest[len(quoted):]
			if value, err = strconv.Unquote(quoted); err != nil {
				return nil, false
			}
		} else {
			value, text, _ = strings.Cut(rest, " ")
		}
		if key == "msg" && value == transform.FailedMessage {
			found = true
		}
		if field := to[key]; field != nil {
			*field = value
		}
	}
	return f, found
}

// maxSequence is the length of the longest sequence number.
const maxSequence = 129

func (f *fields) line() (Line, bool) {
	l := Line{
		Logged: timeOf(f.Time), Stream: f.Stream, StreamID: f.StreamID, Application: f.Application, Table: f.Table, Shard: f.Shard,
		At: row.Position{Sequence: string(f.Sequence)}, Arrival: timeOf(f.Arrival), Stage: row.Stage(f.Stage), Reason: f.Reason,
	}
	sub, err := strconv.ParseInt(string(f.Subsequence), 10, 64)
	if f.Subsequence == "" {
		err = nil
	}
	l.At.Subsequence = sub
	return l, err == nil && sub >= 0 && l.At.IsNumber() && len(l.At.Sequence) <= maxSequence && l.Shard != "" && l.Stream != ""
}

// timeOf reads the times that loggers and Snowflake's event table write; zero for any other.
func timeOf(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999 -0700", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}
