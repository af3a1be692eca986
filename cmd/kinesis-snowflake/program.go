package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

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
	command, err := root.ExecuteContextC(context.Background())
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
	fmt.Fprintln(p.stderr, usage(command))
	return exitUsage
}

// usage is how a command is written, and where there is more about it.
func usage(c *cobra.Command) string {
	line, help := c.CommandPath(), c.Root().Name()+" help"
	if c.HasParent() {
		_, rest, _ := strings.Cut(c.Use, " ")
		line += " " + rest
		_, path, _ := strings.Cut(c.CommandPath(), " ")
		help += " " + path
	} else {
		line += " COMMAND"
	}
	text := "Usage: " + strings.TrimSpace(line)
	if c.HasAvailableSubCommands() {
		var names []string
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				names = append(names, sub.Name())
			}
		}
		text += "\nCommands: " + strings.Join(names, ", ")
	}
	return text + "\nMore: " + help
}

// noArgs refuses arguments. Of a command that has others below it an argument is one of those, misspelt.
func noArgs(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case !c.HasSubCommands():
		return fmt.Errorf("%q is not expected: %s takes no arguments, only flags", args[0], c.CommandPath())
	}
	c.SuggestionsMinimumDistance = 2
	problem := fmt.Sprintf("unknown command %q", args[0])
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		problem += fmt.Sprintf("; did you mean %s?", strings.Join(near, " or "))
	}
	return errors.New(problem)
}

// flagError says in plain words what is wrong with a flag. That of a command that is not known is no flag of the one above it,
// so it is the command that is told then.
func flagError(c *cobra.Command, err error) error {
	if c.HasSubCommands() {
		if unknown := noArgs(c, c.Flags().Args()); unknown != nil {
			return unknown
		}
	}
	cause := errors.Unwrap(err)
	if cause == nil {
		return err
	}
	head, ok := strings.CutSuffix(err.Error(), cause.Error())
	if !ok {
		return err
	}
	number, isNumber := errors.AsType[*strconv.NumError](cause)
	switch {
	case isNumber && number.Func == "ParseBool":
		return errors.New(head + "it must be true or false")
	case isNumber && errors.Is(cause, strconv.ErrRange):
		return errors.New(head + "it is out of range")
	case isNumber:
		return errors.New(head + "it must be a whole number")
	case strings.HasPrefix(cause.Error(), "time: "):
		return errors.New(head + "it must be a duration such as 90s or 5m")
	default:
		return err
	}
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "kinesis-snowflake",
		Short:         "Load Kinesis data streams into Snowflake tables, each record exactly once",
		Args:          noArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("no command is given")
		},
	}
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(flagError)
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
