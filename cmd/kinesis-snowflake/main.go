// Command kinesis-snowflake loads Kinesis data streams into Snowflake tables, each record exactly once.
//
// Exit codes: 0 done; 1 a failure at run time; 2 bad usage or a bad pipeline file. Log lines and errors go to standard error,
// what a command was asked to print goes to standard output.
package main

import (
	"os"
	"os/signal"
	"syscall"

	"kinesis-snowflake/internal/pipeline"
)

func main() {
	os.Exit(newProgram().execute(os.Args[1:]))
}

func newProgram() *program {
	// Two signals may wait: one asks for a graceful stop, the second ends the process.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	return &program{stdout: os.Stdout, stderr: os.Stderr, signals: signals, run: pipeline.Run, stdin: os.Stdin, interactive: isTerminal(os.Stdin)}
}
