package snowflake

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	sf "github.com/snowflakedb/gosnowflake/v2"
	"github.com/snowflakedb/gosnowflake/v2/sflog"
)

// LogDriver sends what the driver says of itself to log, at debug level, for the whole process; by itself it writes lines of a
// form of its own to standard error. Whatever went wrong comes back as an error too, and is logged where it is known what it
// means: the driver's error lines tell of the "does not exist" of a table that is about to be made as well. The
// driver masks secrets in its lines, and leaves out the text of statements; what its masking misses goes here. A client configuration file (sf_client_config.json)
// has no say in it any more.
func LogDriver(log *slog.Logger) error {
	if err := sf.SetLogger(driverLog{log.With("from", "gosnowflake")}); err != nil {
		return fmt.Errorf("set the driver's logger: %w", err)
	}
	return nil
}

// driverLog is a driver's logger, or an entry of one. Its level decides before a line is made: masking costs more than the line.
type driverLog struct{ log *slog.Logger }

func (d driverLog) put(level, text string) {
	d.log.Debug(scrub(text), "driver_level", level)
}

func (d driverLog) GetLogLevelInt() sflog.Level {
	if d.log.Enabled(context.Background(), slog.LevelDebug) {
		return sflog.LevelInfo
	}
	return sflog.LevelOff
}

func (d driverLog) GetLogLevel() string {
	name, err := sflog.LevelToString(d.GetLogLevelInt())
	if err != nil {
		return "OFF"
	}
	return name
}

// The level is the program's to set.
func (driverLog) SetLogLevel(string) error         { return nil }
func (driverLog) SetLogLevelInt(sflog.Level) error { return nil }
func (driverLog) SetOutput(io.Writer)              {}

func (d driverLog) WithField(key string, value any) sflog.LogEntry {
	return driverLog{d.log.With(key, value)}
}

func (d driverLog) WithFields(fields map[string]any) sflog.LogEntry {
	return d.WithField("fields", fields)
}

func (d driverLog) WithContext(context.Context) sflog.LogEntry { return d }

// A fatal line ends nothing here: the error comes back.
func (d driverLog) Fatalf(format string, args ...any) { d.put("fatal", fmt.Sprintf(format, args...)) }
func (d driverLog) Errorf(format string, args ...any) { d.put("error", fmt.Sprintf(format, args...)) }
func (d driverLog) Warnf(format string, args ...any)  { d.put("warn", fmt.Sprintf(format, args...)) }
func (d driverLog) Infof(format string, args ...any)  { d.put("info", fmt.Sprintf(format, args...)) }
func (driverLog) Debugf(string, ...any)               {}
func (driverLog) Tracef(string, ...any)               {}

func (d driverLog) Fatal(text string) { d.put("fatal", text) }
func (d driverLog) Error(text string) { d.put("error", text) }
func (d driverLog) Warn(text string)  { d.put("warn", text) }
func (d driverLog) Info(text string)  { d.put("info", text) }
func (driverLog) Debug(string)        {}
func (driverLog) Trace(string)        {}
