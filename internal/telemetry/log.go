package telemetry

import (
	"io"
	"log/slog"

	"kinesis-snowflake/config"
)

// scope names the program in log lines that an event table reads.
const scope = "kinesis-snowflake"

// NewLogger is a logger that writes to w in the form, and from the level on, that the file asks for. w is written to by
// several goroutines, one line at a time.
func NewLogger(w io.Writer, log config.Log) *slog.Logger {
	options := &slog.HandlerOptions{Level: level(log.Level)}
	switch log.Format {
	case config.LogText:
		return slog.New(slog.NewTextHandler(w, options))
	case config.LogSnowflake:
		return slog.New(newEventTableHandler(w, options))
	default:
		return slog.New(slog.NewJSONHandler(w, options))
	}
}

func level(l config.LogLevel) slog.Level {
	switch l {
	case config.LevelDebug:
		return slog.LevelDebug
	case config.LevelWarn:
		return slog.LevelWarn
	case config.LevelError:
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}

// newEventTableHandler writes lines in the shape that Snowflake's event table splits into columns: severity_text, body,
// attributes, scope and timestamp. A line without a body would be kept as plain text.
//
// It is the JSON handler with its three own keys renamed and every attribute within the group "attributes".
func newEventTableHandler(w io.Writer, options *slog.HandlerOptions) slog.Handler {
	renamed := *options
	renamed.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) > 0 {
			return a
		}
		switch a.Key {
		case slog.TimeKey:
			a.Key = "timestamp"
		case slog.LevelKey:
			a.Key = "severity_text"
		case slog.MessageKey:
			a.Key = "body"
		}
		return a
	}
	return slog.NewJSONHandler(w, &renamed).
		WithAttrs([]slog.Attr{slog.Group("scope", slog.String("name", scope))}).
		WithGroup("attributes")
}
