// Command sandbox runs the whole connector on one machine: local stand-ins for Kinesis, DynamoDB and Snowflake, real
// records, a real pipeline file and the real pipeline between them.
//
// Exit codes: 0 done; 1 a failure, or records that are neither loaded nor failed, or rows that are there twice; 2 bad usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	sf "github.com/snowflakedb/gosnowflake/v2"
	"github.com/spf13/cobra"
)

func main() {
	// The driver otherwise looks for a cloud around it at every log-in, for 200 ms.
	if err := os.Setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true"); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(exitFailure)
	}
	// What the driver meets it also returns; its own log lines would stand between the progress.
	if err := sf.GetLogger().SetLogLevel("off"); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(exitFailure)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const (
	exitDone    = 0
	exitFailure = 1
	exitUsage   = 2
)

// failure is an error of a command line that was good.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// execute runs a command line and returns the exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := demoCommand()
	root.AddCommand(serveCommand(), produceCommand(), queryCommand(), reshardCommand())
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(stderr, "sandbox:", err)
	if _, ok := errors.AsType[failure](err); ok {
		return exitFailure
	}
	fmt.Fprintln(stderr, "Usage: sandbox help [COMMAND]")
	return exitUsage
}

// running wraps a command's work, whose errors are failures and not bad usage.
func running(work func(c *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		if err := work(c, args); err != nil {
			return failure{err}
		}
		return nil
	}
}

// required marks flags that a command needs.
func required(c *cobra.Command, names ...string) {
	for _, n := range names {
		if err := c.MarkFlagRequired(n); err != nil {
			panic(err) // only for a flag that is not there
		}
	}
}
