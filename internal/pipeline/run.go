package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// ErrDeadline: the shutdown deadline passed before all was committed. Nothing is lost: what was not committed is read
// again by whoever takes the leases.
var ErrDeadline = errors.New("shutdown deadline passed")

// runner joins the parts of one pipeline and owns its goroutines.
type runner struct {
	core      *core
	condition *condition
	source    Source
	committer *committer
	shutdown  time.Duration
	until     bool          // end once caught up
	poll      time.Duration // how often a run until caught up looks
	log       *slog.Logger
}

// run runs the pipeline until ctx ends (a graceful stop), it has caught up, or it cannot go on.
func (r *runner) run(ctx context.Context) error {
	// The source and the committer outlive ctx: a stop drains, flushes, checkpoints and releases before they end.
	sourceCtx, stopSource := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSource()
	commitCtx, stopCommit := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCommit()
	flush := make(chan struct{})
	sourceDone, commitDone := make(chan error, 1), make(chan error, 1)
	go func() { sourceDone <- r.source.Run(sourceCtx) }()
	go func() { commitDone <- r.committer.run(commitCtx, flush) }()

	err := r.wait(ctx, sourceDone, commitDone)
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.shutdown)
	defer cancel()

	var ended ended
	byItself := errors.As(err, &ended)
	if !byItself || ended.source {
		if r.until && err == nil && ctx.Err() == nil {
			r.core.sayCaughtUp()
		} else {
			r.log.Info("stopping: reading ends, then what was read is committed", "deadline", r.shutdown)
		}
		if !ended.source {
			if derr := r.source.Drain(deadline); derr != nil {
				err = errors.Join(err, fmt.Errorf("stop reading: %w", derr))
			}
		}
		close(flush)
		err = errors.Join(err, r.finish(deadline, commitDone, stopCommit))
	}
	stopSource()
	if !ended.source {
		select {
		case serr := <-sourceDone:
			err = errors.Join(err, serr)
		case <-deadline.Done():
			err = errors.Join(err, fmt.Errorf("release the leases: %w; they expire by themselves", ErrDeadline))
		}
	}
	return err
}

// finish waits for the committer's last batch, until the deadline.
func (r *runner) finish(deadline context.Context, done <-chan error, cancel context.CancelFunc) error {
	select {
	case err := <-done:
		return err
	case <-deadline.Done():
		pending := r.core.progress().Pending // the committer forgets its batch when it ends
		cancel()
		err := fmt.Errorf("%w: %d rows are not committed and will be read again", ErrDeadline, pending)
		if last := <-done; !errors.Is(last, context.Canceled) {
			err = errors.Join(err, last)
		}
		return err
	}
}

// ended says that the source or the committer ended by itself.
type ended struct {
	source bool
	err    error
}

func (e ended) Error() string { return e.err.Error() }
func (e ended) Unwrap() error { return e.err }

// wait returns nil when a stop is asked for or the pipeline has caught up, else who ended and why.
func (r *runner) wait(ctx context.Context, sourceDone, commitDone <-chan error) error {
	var look <-chan time.Time
	if r.until {
		ticker := time.NewTicker(r.poll)
		defer ticker.Stop()
		look = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-sourceDone:
			return ended{source: true, err: orEnded(err, "the source")}
		case err := <-commitDone:
			return ended{err: orEnded(err, "the committer")}
		case <-look:
			if pending, open, known := r.source.Pending(); known && pending == 0 && r.core.caughtUp(open) {
				return nil
			}
		}
	}
}

func orEnded(err error, who string) error {
	if err == nil {
		return errors.New(who + " ended by itself")
	}
	return err
}
