package main

import (
	stdlog "log"
	"log/slog"

	"kinesis-snowflake/sink/snowflake"
)

// logLibraries sends what libraries write to standard error by themselves to log, for the whole process, so that each line has
// the form that was asked for: Snowflake's driver, and whatever uses the standard library's logger, as net/http does for
// connections that a proxy ends in an odd way.
func logLibraries(log *slog.Logger) error {
	stdlog.SetFlags(0) // the handler says when
	stdlog.SetOutput(slog.NewLogLogger(log.Handler(), slog.LevelWarn).Writer())
	return snowflake.LogDriver(log)
}
