package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/admin"
)

func (p *program) leasesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "leases {list|reset|release|import} -c FILE",
		Short: "Look at a pipeline's leases, put them back, free them, or import them",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("leases list, reset, release or import?")
		},
	}
	c.AddCommand(p.leasesListCommand(), p.leasesResetCommand(), p.leasesReleaseCommand(), p.leasesImportCommand())
	return c
}

// eachPipeline runs an operation on the leases of each file's pipeline, one after the other, until a signal comes. One that
// fails does not keep it from the others.
func (p *program) eachPipeline(parent context.Context, files []string, do func(context.Context, *config.Pipeline, *admin.Admin) error) error {
	pipelines, err := config.Load(files...)
	if err != nil {
		return err
	}
	return p.stoppable(parent, func(ctx context.Context) error { return p.onEach(ctx, pipelines, do) })
}

func (p *program) onEach(ctx context.Context, pipelines []*config.Pipeline, do func(context.Context, *config.Pipeline, *admin.Admin) error) error {
	// What the clients have to say is for whoever sits there, in whatever form the process logs otherwise.
	log := slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := logLibraries(log); err != nil {
		return failure{err: err}
	}
	var failed []error
	for _, cfg := range pipelines {
		err := p.onPipeline(ctx, cfg, log, do)
		switch {
		case err == nil:
		case errors.Is(err, errUsage):
			return err // and so would be the next
		case ctx.Err() != nil:
			return failure{err: fmt.Errorf("%s: %w: %w", cfg.File, context.Cause(ctx), err)}
		default:
			failed = append(failed, fmt.Errorf("%s: %w", cfg.File, err))
		}
	}
	if len(failed) > 0 {
		return failure{err: errors.Join(failed...)}
	}
	return nil
}

func (p *program) onPipeline(ctx context.Context, cfg *config.Pipeline, log *slog.Logger, do func(context.Context, *config.Pipeline, *admin.Admin) error) error {
	a, err := admin.New(cfg, admin.Options{
		Logger: log, KinesisTransport: p.transports.kinesis, DynamoDBTransport: p.transports.dynamodb, SnowflakeTransport: p.transports.snowflake,
	})
	if err != nil {
		return err
	}
	defer a.Close()
	return do(ctx, cfg, a)
}

// errUsage marks an error of the command line that only shows once the services were asked: it exits with 2.
var errUsage = errors.New("bad usage")

// errDeclined is the answer no.
var errDeclined = errors.New("not done: the answer was not yes")

// confirm asks whether to do what was just printed. Without a terminal to ask on nothing is done.
func (p *program) confirm(ctx context.Context, yes bool) error {
	if yes {
		return nil
	}
	if !p.interactive {
		return fmt.Errorf("%w: standard input is no terminal, so nobody can be asked: nothing is done; add --yes to do the above", errUsage)
	}
	fmt.Fprint(p.stdout, "\nDo this? Type yes: ")
	answer := make(chan string, 1)
	go func() { // ends with the process, if nobody answers
		line, err := bufio.NewReader(p.stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			line = ""
		}
		answer <- line
	}()
	select {
	case line := <-answer:
		if strings.EqualFold(strings.TrimSpace(line), "yes") {
			return nil
		}
		return errDeclined
	case <-ctx.Done():
		return errDeclined
	}
}

// isTerminal reports whether somebody can be asked on a file.
func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// dryRunDone ends what a dry run prints.
const dryRunDone = "nothing was written: this was a dry run"

// told prints what is done, a line each.
func (p *program) told(line string) { fmt.Fprintln(p.stdout, line) }

// dash stands for what is not there.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
