package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
)

// program is the command line with what it touches of the outside, so that tests can run it whole.
type program struct {
	stdout, stderr io.Writer
	signals        <-chan os.Signal
	run            func(context.Context, *config.Pipeline, pipeline.RunOptions) error // as pipeline.Run
	stdin          io.Reader
	interactive    bool // somebody sits before stdin and can be asked
	transports     transports
}

// transports replace the clients' own in tests.
type transports struct {
	kinesis, dynamodb, snowflake http.RoundTripper
}

// Exit codes.
const (
	exitDone    = 0
	exitFailure = 1
	exitUsage   = 2
)

// failure is an error that exits with 1: the command line and the files were good. Every other error exits with 2.
type failure struct {
	err    error
	logged bool // told by a log line already; standard error then stays purely log lines
}

func (f failure) Error() string { return f.err.Error() }
func (f failure) Unwrap() error { return f.err }

// execute runs the command line and returns the exit code.
func (p *program) execute(args []string) int {
	root := p.root()
	root.SetArgs(args)
	err := root.ExecuteContext(context.Background())
	if err == nil {
		return exitDone
	}
	if f, ok := errors.AsType[failure](err); ok {
		if !f.logged {
			fmt.Fprintln(p.stderr, "kinesis-snowflake:", err)
		}
		return exitFailure
	}
	if faults, ok := errors.AsType[config.Errors](err); ok {
		fmt.Fprintln(p.stderr, faults) // each line begins with its file
		return exitUsage
	}
	fmt.Fprintln(p.stderr, "kinesis-snowflake:", err)
	fmt.Fprintln(p.stderr, "Usage: kinesis-snowflake help [COMMAND]")
	return exitUsage
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "kinesis-snowflake",
		Short:         "Load Kinesis data streams into Snowflake tables, each record exactly once",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("no command is given")
		},
	}
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(p.runCommand(), p.checkCommand(), p.planCommand(), p.healthcheckCommand(), p.leasesCommand(), p.replayCommand(), p.schemaCommand(), p.versionCommand())
	return root
}

// filesFlag adds -c, which a command needs at least once.
func filesFlag(c *cobra.Command, files *[]string) {
	c.Flags().StringArrayVarP(files, "config", "c", nil, "pipeline `FILE`; may be given several times, one pipeline each")
	if err := c.MarkFlagRequired("config"); err != nil {
		panic(err) // only for a flag that is not there
	}
}
