package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"kinesis-snowflake/sink/snowflake"
)

// unquoted is an error without Snowflake's own words.
type unquoted struct {
	err  error
	text string
}

func (u *unquoted) Error() string { return u.text }
func (u *unquoted) Unwrap() error { return u.err }

// unquote returns err without the words that may quote a row's values. What it is stays what it was.
func unquote(err error) error {
	var e *snowflake.Error
	if !errors.As(err, &e) || e.Class != snowflake.Data && !e.Unlisted() {
		return err
	}
	return &unquoted{err: err, text: fmt.Sprintf("%s: %06d, of which snowflake's words may quote a value, and are left out", e.Statement, e.Code)}
}

// quoteNothing has nothing that leaves the sink quote a row.
func (o *Options) quoteNothing() {
	o.Log = slog.New(unquoter{o.Log.Handler()})
	if told := o.Waiting; told != nil {
		o.Waiting = func(err error) { told(unquote(err)) }
	}
}

// sayable is unquote where it is asked for.
func (s *Sink) sayable(err error) error {
	if !s.opts.QuoteNothing {
		return err
	}
	return unquote(err)
}

// unquoter is a handler to which errors come unquoted.
type unquoter struct{ slog.Handler }

func (u unquoter) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			a.Value = slog.AnyValue(unquote(err))
		}
		out.AddAttrs(a)
		return true
	})
	return u.Handler.Handle(ctx, out)
}

func (u unquoter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return unquoter{u.Handler.WithAttrs(attrs)}
}
func (u unquoter) WithGroup(name string) slog.Handler { return unquoter{u.Handler.WithGroup(name)} }
