package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// errTwice is the second signal's doing where nothing was under way that could be lost.
var errTwice = errors.New("ended by a second signal")

// stoppable does something whose context ends with the first signal. A second one does not wait for it any more: only the end
// of the process then ends its goroutine. Without this a signal would do nothing at all, for the program catches them.
func (p *program) stoppable(parent context.Context, do func(context.Context) error) error {
	ctx, stop := context.WithCancelCause(parent)
	defer stop(nil)
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	for {
		select {
		case err := <-done:
			return err
		case s := <-p.signals:
			if ctx.Err() != nil {
				return failure{err: errTwice}
			}
			stop(stopped{s})
		}
	}
}

// stopped is the first signal.
type stopped struct{ signal os.Signal }

func (s stopped) Error() string { return fmt.Sprintf("stopped by %s", s.signal) }

// asLong reads until ctx ends: nobody may ever type the next line of a standard input. One goroutine reads at a time.
func asLong(ctx context.Context, r io.Reader) io.Reader { return &untilDone{ctx: ctx, r: r} }

type untilDone struct {
	ctx context.Context
	r   io.Reader
	own []byte // a read that nobody waits for any more must not write into the caller's
}

func (u *untilDone) Read(into []byte) (int, error) {
	type answer struct {
		n   int
		err error
	}
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	u.own = slices.Grow(u.own[:0], len(into))[:len(into)]
	answers := make(chan answer, 1)
	go func() {
		n, err := u.r.Read(u.own)
		answers <- answer{n, err}
	}()
	select {
	case a := <-answers:
		return copy(into, u.own[:a.n]), a.err
	case <-u.ctx.Done():
		return 0, context.Cause(u.ctx)
	}
}
