package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"kinesis-snowflake/cmd/sandbox/internal/produce"
	"kinesis-snowflake/cmd/sandbox/internal/show"
	"kinesis-snowflake/cmd/sandbox/internal/stack"
	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/internal/standin/kinesis"
)

// account is what became of a feed's records, as the pipeline and the producer counted them.
type account struct {
	sent int64
	last pipeline.Progress
}

// patience is how long no record may be loaded while some are due.
const patience = 30 * time.Second

// flow sends each feed's records and runs its pipeline until all are accounted for.
func flow(ctx context.Context, servers *stack.Stack, feeds []feed, o demoOptions, board *show.Board, log io.Writer) ([]account, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	accounts := make([]account, len(feeds))
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for i, f := range feeds {
		wg.Go(func() {
			err := one(ctx, servers, f, o, &accounts[i], board, log)
			if err != nil {
				cancel(err)
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("%s: %w", f.stream, err))
			}
		})
	}
	wg.Wait()
	return accounts, errors.Join(errs...)
}

// one runs one feed.
func one(ctx context.Context, servers *stack.Stack, f feed, o demoOptions, a *account, board *show.Board, log io.Writer) error {
	file, err := servers.WritePipeline(stack.Pipeline{Stream: f.stream, Interval: o.interval})
	if err != nil {
		return err
	}
	pipelines, err := config.Load(file)
	if err != nil {
		return err
	}
	runCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	w := &watcher{account: a, show: func(p pipeline.Progress) { board.Update(f.stream, p) }, stop: stop, since: time.Now()}
	w.sent.total = -1
	produced := make(chan error, 1)
	go func() {
		sent, err := send(runCtx, servers.Kinesis, f, o)
		if err != nil {
			stop(err)
		}
		w.sent.set(sent)
		produced <- err
	}()
	err = pipeline.Run(runCtx, pipelines[0], pipeline.RunOptions{
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})), Progress: w.see,
	})
	stop(err) // a producer ends with its pipeline
	perr := <-produced
	a.sent = w.sent.get()
	if why := context.Cause(runCtx); why != nil && !errors.Is(why, errAll) && err == nil {
		err = why
	}
	if perr != nil && !errors.Is(err, perr) {
		err = errors.Join(err, perr)
	}
	return err
}

// errAll ends a pipeline whose work is done.
var errAll = errors.New("all records are accounted for")

// watcher follows a pipeline's progress and stops it.
type watcher struct {
	account *account
	show    func(pipeline.Progress)
	stop    context.CancelCauseFunc
	sent    counter
	since   time.Time // of the last record loaded
}

// see is called by one goroutine.
func (w *watcher) see(p pipeline.Progress) {
	done, before := p.Tally.Loaded+p.Tally.Failed, w.account.last.Tally.Loaded+w.account.last.Tally.Failed
	if done != before {
		w.since = time.Now()
	}
	w.account.last = p
	w.show(p)
	sent := w.sent.get()
	switch {
	case sent >= 0 && done >= sent:
		w.stop(errAll)
	case time.Since(w.since) > patience:
		w.stop(fmt.Errorf("nothing was loaded for %s: %d of %d records are", patience, done, sent))
	}
}

// counter is the number of records sent, -1 until all are.
type counter struct {
	mu    sync.Mutex
	total int64
}

func (c *counter) set(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total = n
}

func (c *counter) get() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

// send puts a feed's records, spread over a moment so that they can be watched, and reshards between them if asked to.
func send(ctx context.Context, server *kinesis.Server, f feed, o demoOptions) (sent int64, err error) {
	total := o.records
	if total == 0 {
		total = len(f.lines)
	}
	// At least ten pauses of a tenth of a second, but none that would make many records slow.
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	pauseEvery, resharded := int64(max(total/20, 1)), 0
	next := pauseEvery
	var putter produce.Putter = produce.Local{Server: server}
	if o.aggregate > 0 {
		putter = &produce.Aggregating{Putter: putter, Percent: o.aggregate, Shards: produce.Local{Server: server}.Shards(f.stream)}
	}
	for batch := range produce.Batches(f.lines, o.records) {
		if err := putter.Put(ctx, f.stream, batch); err != nil {
			return sent, err
		}
		sent += int64(len(batch))
		if sent < next {
			continue
		}
		next = sent + pauseEvery
		if o.reshard && resharded < 3 && sent > int64(total)*int64(resharded+1)/4 {
			if err := reshardOnce(server, f.stream, resharded); err != nil {
				return sent, err
			}
			resharded++
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return sent, context.Cause(ctx)
		}
	}
	return sent, nil
}

// reshardOnce splits the first open shard, merges the first two neighbours, or splits again.
func reshardOnce(server *kinesis.Server, stream string, step int) error {
	var open []kinesis.Shard
	for _, s := range server.Shards(stream) {
		if s.Open {
			open = append(open, s)
		}
	}
	if step%2 == 0 {
		_, _, err := server.Split(stream, open[0].ID)
		return wrap("split shard", err)
	}
	for _, a := range open {
		for _, b := range open {
			if a.ID == b.ID {
				continue
			}
			// Neighbours alone can be merged; the server knows which are.
			if _, err := server.Merge(stream, a.ID, b.ID); err == nil {
				return nil
			}
		}
	}
	return errors.New("merge shards: no two are neighbours")
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
