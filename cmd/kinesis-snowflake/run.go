package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"

	"github.com/spf13/cobra"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/internal/telemetry"
)

func (p *program) runCommand() *cobra.Command {
	var files []string
	var untilCaughtUp bool
	c := &cobra.Command{
		Use:   "run -c FILE [-c FILE...]",
		Short: "Run pipelines until stopped",
		Long: `Run pipelines until stopped, one for each file.

SIGTERM or SIGINT stops them: reading ends, what was read is loaded and checkpointed, and the leases are released, all within
each file's shutdown_timeout. A second signal ends the process at once; what was not yet loaded is then read again by the next run.

A pipeline that fails does not stop the others, but the exit code is then 1.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			pipelines, err := load(files)
			if err != nil {
				return err
			}
			return p.runAll(c.Context(), pipelines, untilCaughtUp)
		},
	}
	filesFlag(c, &files)
	c.Flags().BoolVar(&untilCaughtUp, "until-caught-up", false, "end once everything that was in the streams is loaded")
	return c
}

// errForced is the second signal's doing.
var errForced = errors.New("ended by a second signal before the stop was complete; what was not loaded is read again")

// runAll serves probes and runs the pipelines until all have ended or a second signal comes. In the latter case it returns
// while their goroutines still run: only the end of the process ends those.
func (p *program) runAll(parent context.Context, pipelines []*config.Pipeline, untilCaughtUp bool) error {
	ctx, stop := context.WithCancel(parent)
	defer stop()
	stderr := &lineWriter{w: p.stderr}
	log := telemetry.NewLogger(stderr, pipelines[0].Telemetry.Log) // for what concerns the process
	if err := logLibraries(log); err != nil {
		return failure{err: err}
	}

	// Before the first probe can come: a process whose pipelines are not there yet is not ready.
	health := telemetry.NewHealth()
	states := make([]*telemetry.PipelineHealth, len(pipelines))
	for i, cfg := range pipelines {
		states[i] = health.Pipeline(cfg.File)
	}
	closeServers, err := serve(ctx, pipelines, health, log)
	if err != nil {
		return failure{err: err}
	}
	defer closeServers()

	done := make(chan int, 1)
	go func() { done <- p.runGroup(ctx, pipelines, states, untilCaughtUp, stderr) }()
	stopping := false
	for {
		select {
		case failed := <-done:
			if failed > 0 {
				return failure{err: fmt.Errorf("%d of %d pipelines failed", failed, len(pipelines)), logged: true}
			}
			return nil
		case s := <-p.signals:
			if stopping {
				log.Error("ended", "error", errForced)
				return failure{err: errForced, logged: true}
			}
			stopping = true
			log.Info("stopping; a second signal ends at once", "signal", s.String())
			stop()
		}
	}
}

// runGroup runs each pipeline in a goroutine of its own, waits for all, and returns how many failed.
func (p *program) runGroup(ctx context.Context, pipelines []*config.Pipeline, states []*telemetry.PipelineHealth, untilCaughtUp bool, stderr io.Writer) int {
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		failed int
	)
	for i, cfg := range pipelines {
		log := telemetry.NewLogger(stderr, cfg.Telemetry.Log)
		if len(pipelines) > 1 {
			log = log.With("pipeline", cfg.File)
		}
		wg.Go(func() {
			err := p.run(ctx, cfg, pipeline.RunOptions{UntilCaughtUp: untilCaughtUp, Logger: log, Health: states[i]})
			if err == nil {
				log.Info("pipeline ended")
				return
			}
			log.Error("pipeline failed", "error", err)
			mu.Lock()
			defer mu.Unlock()
			failed++
		})
	}
	wg.Wait()
	return failed
}

// serve opens one server for each address that the files name. Each answers for the whole process.
func serve(ctx context.Context, pipelines []*config.Pipeline, health *telemetry.Health, log *slog.Logger) (closeAll func(), err error) {
	mux := http.NewServeMux()
	health.Routes(mux)
	servers := map[string]*telemetry.Server{}
	closeAll = func() {
		for _, s := range servers {
			_ = s.Close() // the process is about to end, and closes the listener in any case
		}
	}
	for _, cfg := range pipelines {
		address := cfg.Telemetry.Listen
		if address == "" || servers[address] != nil {
			continue
		}
		s, err := telemetry.Listen(ctx, address, mux, log)
		if err != nil {
			closeAll()
			return nil, fmt.Errorf("%w (telemetry.listen in %s)", err, cfg.File)
		}
		servers[address] = s
		log.Info("serving probes", "address", s.Addr().String())
	}
	return closeAll, nil
}

// lineWriter keeps the lines of several loggers apart: a pipe takes only 4 KiB in one piece.
type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lineWriter) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(line)
}
