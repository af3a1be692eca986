package transform

import (
	"context"
	"encoding/base64"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"kinesis-snowflake/internal/row"
)

// PayloadMode says how much of a failed message's payload its log line carries.
type PayloadMode string

// The payload modes.
const (
	PayloadFull PayloadMode = "full"
	PayloadCut  PayloadMode = "cut" // the first MaxBytes bytes
	PayloadNone PayloadMode = "none"
)

// Reason returns what a line may say of why a message failed: where none of the payload may reach the log, no value of it
// may do so in the reason.
func (m PayloadMode) Reason(f *row.Failure) string {
	if m == PayloadFull || m == PayloadCut {
		return f.Reason
	}
	return f.Unquoted()
}

// FailureLogOptions configure a FailureLog.
type FailureLogOptions struct {
	Logger *slog.Logger // required
	Stream string       // name or ARN, as it shall stand in the line
	// StreamID tells the stream from another of its name (its ARN @ its creation time), Application and Table say whose
	// message it was. They stand in the line if they are not empty.
	StreamID, Application, Table string
	Payload                      PayloadMode // "" means PayloadNone, so that nothing leaks by omission
	MaxBytes                     int         // of payload before base64; only for PayloadCut
}

// FailureLog writes one line for each failed message and counts them by stage. There is no dead-letter queue: the line
// names the record exactly, so that it can be read from the stream again for as long as the stream keeps it. A record
// that is read twice makes two lines. It is safe for concurrent use.
type FailureLog struct {
	o      FailureLogOptions
	counts [len(stages)]atomic.Uint64
}

// Stages lists the stages that a FailureLog counts, in the order in which a message passes them.
func Stages() []row.Stage { return slices.Clone(stages[:]) }

var stages = [...]row.Stage{row.StageDecode, row.StageShape, row.StageValidate, row.StageTransform, row.StageLoad}

// NewFailureLog returns a FailureLog with all counts zero.
func NewFailureLog(o FailureLogOptions) *FailureLog { return &FailureLog{o: o} }

// Count returns how many messages have failed at a stage since the start, whether or not the logger's level let their
// lines through.
func (l *FailureLog) Count(stage row.Stage) uint64 {
	for i, s := range stages {
		if s == stage {
			return l.counts[i].Load()
		}
	}
	return 0
}

// FailedMessage is the message of every line of a FailureLog, by which it is found in a log.
const FailedMessage = "message failed"

// Log counts f and writes its line, at level WARN with the message [FailedMessage]. The index is that of the row
// among the rows of rec, 0 if the record failed as a whole. The partition key stands in the line with
// everything escaped that is not printable.
func (l *FailureLog) Log(ctx context.Context, rec *row.Record, shard string, index uint32, f *row.Failure) {
	for i, s := range stages {
		if s == f.Stage {
			l.counts[i].Add(1)
		}
	}
	if !l.o.Logger.Enabled(ctx, slog.LevelWarn) {
		return
	}
	attrs := make([]slog.Attr, 0, 14)
	attrs = append(attrs,
		slog.String("stream", l.o.Stream),
		slog.String("shard", shard),
		slog.String("sequence", string(rec.Sequence)),
		slog.Int64("subsequence", rec.Subsequence),
		slog.Uint64("row", uint64(index)))
	for _, more := range [...][2]string{{"stream_id", l.o.StreamID}, {"application", l.o.Application}, {"table", l.o.Table}} {
		if more[1] != "" {
			attrs = append(attrs, slog.String(more[0], more[1]))
		}
	}
	// What may be long comes last: a line that is cut on its way still says exactly which record it was.
	attrs = append(attrs,
		slog.String("partition_key", printable(string(rec.PartitionKey))),
		slog.String("arrival", time.UnixMilli(rec.Arrival).UTC().Format("2006-01-02T15:04:05.000Z07:00")),
		slog.String("stage", string(f.Stage)),
		slog.String("reason", l.o.Payload.Reason(f)))
	if payload, ok := l.payload(rec.Data); ok {
		attrs = append(attrs, slog.String("payload", base64.StdEncoding.EncodeToString(payload)))
	}
	attrs = append(attrs, slog.Int("payload_bytes", len(rec.Data)))
	l.o.Logger.LogAttrs(ctx, slog.LevelWarn, FailedMessage, attrs...)
}

func (l *FailureLog) payload(data []byte) ([]byte, bool) {
	switch l.o.Payload {
	case PayloadFull:
		return data, true
	case PayloadCut:
		return data[:min(len(data), max(0, l.o.MaxBytes))], true
	default:
		return nil, false
	}
}

// printable escapes s as a Go string if it holds anything that is not printable. A backslash counts as such, so that a
// reader can tell an escape from a key that looks like one.
func printable(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r == '\\' || !unicode.IsPrint(r) }) {
		return s
	}
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}
