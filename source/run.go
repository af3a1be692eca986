package source

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"kinesis-snowflake/source/lease"
	"kinesis-snowflake/source/reader"
)

// stopTimeout bounds the release of leases at the end; those that were not released expire by themselves.
const stopTimeout = 10 * time.Second

// run is one run of a Source. Its goroutines: the coordinator, a dispatcher that waits for leases, and for each lease
// one shard with its watcher. All but the coordinator end with reading; the coordinator ends last.
type run struct {
	source   *Source
	consumer Consumer
	leases   *lease.Coordinator

	reading context.Context // of dispatcher and shards; cancelled by Drain, an error, or the end of Run's context
	stop    context.CancelCauseFunc
	readers sync.WaitGroup // dispatcher and shards
}

// errDrained is the cause of reading's end when nothing went wrong.
var errDrained = errors.New("source was drained")

// Run takes leases and reads their shards into the consumer, until ctx is done and every lease is released, pending
// checkpoints written first; it then returns nil. It returns an error for what cannot be cured by trying again, after
// the consumers are closed and the leases released likewise. It must be called once.
func (s *Source) Run(ctx context.Context, consumer Consumer) error {
	r, err := s.begin(ctx, consumer)
	if err != nil {
		if ctx.Err() != nil {
			return nil // ended before there was anything to release
		}
		return err
	}
	defer r.stop(errDrained)
	// The coordinator outlives ctx, to write the last checkpoints and give the leases up.
	leasing, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	coordinated := make(chan error, 1)
	go func() {
		err := r.leases.Run(leasing)
		if err == nil {
			err = errDrained
		}
		r.stop(err)
		coordinated <- err
	}()

	select {
	case <-ctx.Done():
	case <-r.reading.Done():
		// Drained: the leases are held until ctx ends. Otherwise something failed.
		if errors.Is(context.Cause(r.reading), errDrained) {
			select {
			case <-ctx.Done():
			case err := <-coordinated:
				coordinated <- err
			}
		}
	}
	r.stop(errDrained)
	r.readers.Wait()

	stopping, cancel := context.WithTimeout(leasing, stopTimeout)
	defer cancel()
	if err := r.leases.Stop(stopping); err != nil {
		s.log.Warn("not all leases were released; others take them once they expire", "error", err, "after", s.opt.LeaseDuration)
	}
	abandon()
	ended := <-coordinated
	// Whatever ended the reading first is the reason. After a drain only the coordinator can still fail.
	if cause := context.Cause(r.reading); !errors.Is(cause, errDrained) {
		return cause
	}
	if errors.Is(ended, errDrained) || errors.Is(ended, context.Canceled) {
		return nil
	}
	return ended
}

// begin prepares what is not prepared and starts to dispatch leases.
func (s *Source) begin(ctx context.Context, consumer Consumer) (*run, error) {
	s.mu.Lock()
	info := s.info
	s.mu.Unlock()
	if info == nil {
		prepared, err := s.Prepare(ctx)
		if err != nil {
			return nil, err
		}
		info = &prepared
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		return nil, errors.New("source was run before")
	}
	leases, err := lease.NewCoordinator(lease.Config{
		Worker: s.opt.WorkerID, Duration: s.opt.LeaseDuration, Start: lease.Start{Position: s.opt.Start, Time: s.opt.StartTime},
		StreamCreated: info.Created.Unix(), Offsets: s.offsets, Logger: s.log, Trouble: s.opt.trouble("lease"), Clock: s.opt.Clock,
	}, s.store, s.control)
	if err != nil {
		return nil, err
	}
	r := &run{source: s, consumer: consumer, leases: leases}
	r.reading, r.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	s.run = r
	r.readers.Go(r.dispatch)
	return r, nil
}

// Drain ends the reading: no lease is taken any more, every reader is stopped by its context, and Drain returns once
// every ShardConsumer is closed, or with ctx's error. The leases stay held and renewed until Run's context ends, and
// Checkpoint, Confirm and Finish still work. It is idempotent.
func (s *Source) Drain(ctx context.Context) error {
	s.mu.Lock()
	r := s.run
	s.mu.Unlock()
	if r == nil {
		return nil
	}
	r.leases.Drain()
	r.stop(errDrained)
	closed := make(chan struct{})
	go func() {
		r.readers.Wait()
		close(closed)
	}()
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drain source: %w", ctx.Err())
	}
}

// dispatch starts a goroutine for each lease that may be read.
func (r *run) dispatch() {
	for {
		held, err := r.leases.Next(r.reading)
		if err != nil {
			return // drained, stopped, or Run has the reason from the coordinator
		}
		r.readers.Go(func() {
			defer held.Close()
			if err := r.shard(held); err != nil {
				r.stop(err)
			}
		})
	}
}

// shard reads one shard for as long as its lease is held, and hands it over when another worker asks for it. It returns
// an error only if that must end Run.
func (r *run) shard(held *lease.Held) error {
	holding, lost := context.WithCancel(r.reading)
	defer lost()
	reading, stop := context.WithCancel(holding)
	go func() {
		defer stop()
		asked := held.Asked()
		for {
			select {
			case <-asked:
				stop()
				asked = nil
			case <-held.Lost():
				lost()
				return
			case <-held.Finished():
				lost()
				return
			case <-holding.Done():
				return
			}
		}
	}()
	drained, err := r.read(holding, reading, held)
	if drained {
		held.HandOver()
	}
	return err
}

// read reads a shard until reading ends, and reports whether the consumer has nothing left of it while the lease is still
// held: it was asked for, and can be handed over.
func (r *run) read(holding, reading context.Context, held *lease.Held) (drained bool, err error) {
	if reading.Err() != nil {
		return holding.Err() == nil, nil
	}
	s, shard := r.source, &Shard{held: held}
	consumer, err := r.consumer.Open(reading, shard)
	if err != nil {
		if reading.Err() != nil {
			return holding.Err() == nil, nil
		}
		return false, fmt.Errorf("open shard %s: %w", held.Shard(), err)
	}
	defer consumer.Close()
	s.log.Debug("reading shard", "shard", held.Shard(), "after", held.Start().String())
	err = s.read(reading, reader.Config{
		Service: s.control.client, Stream: s.control.stream, Shard: held.Shard(), Start: held.Start(), StartTime: held.StartTime(),
		PollInterval: s.opt.PollInterval, Budget: s.opt.Budget, Handle: consumer.Handle, Ended: shard.ended, Missing: s.missing(held.Shard()),
		Trouble: s.trouble, Log: s.log, Aggregates: s.aggregates, HashRange: s.hashRange(reading, held), Retention: s.retention(),
	})
	if err != nil {
		return false, err
	}
	s.log.Debug("shard is no longer read here", "shard", held.Shard(), "reason", reason(r.reading, held))
	if holding.Err() != nil {
		return false, nil
	}
	if err := consumer.Drain(holding); err != nil {
		if holding.Err() != nil || errors.Is(err, ErrLost) {
			return false, nil
		}
		return false, fmt.Errorf("drain shard %s: %w", held.Shard(), err)
	}
	return true, nil
}

func reason(reading context.Context, held *lease.Held) string {
	select {
	case <-held.Finished():
		return "finished"
	default:
	}
	select {
	case <-held.Lost():
		return "lease is lost"
	default:
	}
	if reading.Err() != nil {
		return "stopping"
	}
	return "another worker asks for it"
}
