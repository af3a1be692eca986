package pipeline

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/table"
	"kinesis-snowflake/transform"
	"kinesis-snowflake/transform/decode"
	"kinesis-snowflake/transform/step"
	"kinesis-snowflake/transform/validate"
)

// shaping is what a file says of the way from a record to a row. A part that it does not name is nil.
type shaping struct {
	schema *validate.Schema
	steps  *step.Program
}

func newShaping(t *config.Transform) (s shaping, err error) {
	if s.steps, err = step.Compile(t.Steps); err != nil {
		return s, fmt.Errorf("set up transform.steps: %w", err)
	}
	if t.JSONSchema == "" {
		return s, nil
	}
	text, err := os.ReadFile(t.JSONSchema)
	if err != nil {
		return s, fmt.Errorf("read transform.json_schema: %w", err)
	}
	o := validate.Options{BaseDir: filepath.Dir(t.JSONSchema), File: filepath.Base(t.JSONSchema), Mode: validate.Mode(t.SchemaMode)}
	if s.schema, err = validate.Compile(text, o); err != nil {
		return s, fmt.Errorf("%s: %w", t.JSONSchema, err)
	}
	return s, nil
}

// TableConfig returns what a file says of the table's columns: its pins, and what schema and steps say of the values of keys.
func TableConfig(cfg *config.Pipeline) (table.Config, error) {
	c := cfg.Transform.Table()
	s, err := newShaping(&cfg.Transform)
	if err != nil {
		return c, err
	}
	var described []validate.ColumnHint
	var hints []step.Hint
	if s.schema != nil {
		described = s.schema.Columns()
		for _, d := range described {
			hints = append(hints, step.Hint{Key: d.Key, Type: d.Type})
		}
	}
	for i := range hints {
		hints[i].Before = i
	}
	if s.steps != nil {
		hints = s.steps.Hints(hints)
	}
	for _, h := range hints {
		spec := table.Spec{Key: h.Key}
		if h.Type != "" {
			if spec.Type, err = table.ParseColumnType(h.Type); err != nil {
				return c, fmt.Errorf("type %s of key %q: %w", h.Type, h.Key, err)
			}
		}
		if h.Before >= 0 {
			spec.NotNull, spec.Comment = described[h.Before].NotNull, described[h.Before].Comment
		}
		c.Hints = append(c.Hints, spec)
	}
	return c, nil
}

// transformers returns what makes the Transformers of a file, one for each goroutine, which share keys, and what they say of
// violations, nil where those are failures.
func transformers(cfg *config.Pipeline, keys *row.Keys, log *slog.Logger) (func() Transformer, *violations, error) {
	s, err := newShaping(&cfg.Transform)
	if err != nil {
		return nil, nil, err
	}
	var making *warned
	var one sync.Mutex
	made, err := s.transformers(&cfg.Transform, keys, func() warn { return making.warn })
	if err != nil || s.schema == nil || cfg.Transform.SchemaMode != config.SchemaWarn {
		return made, nil, err
	}
	all := &violations{log: log.With("stream", cfg.Source.Stream), payload: transform.PayloadMode(cfg.FailedMessages.Payload)}
	return func() Transformer {
		one.Lock()
		defer one.Unlock()
		making = &warned{all: all}
		making.Transformer = made()
		return making
	}, all, nil
}

// warn hears of a document that is loaded though it violates the schema.
type warn = func(rec *row.Record, index uint32, f *row.Failure)

// transformers makes Transformers, each with what newWarn returns where violations are no failures.
func (s shaping) transformers(t *config.Transform, keys *row.Keys, newWarn func() warn) (func() Transformer, error) {
	plain := decode.Options{
		Compression: decode.Compression(t.Decode.Compression), Framing: decode.Framing(t.Decode.Framing), Envelope: decode.Envelope(t.Decode.Envelope),
		MaxDecoded: int64(t.Decode.MaxDecoded),
	}
	if _, err := decode.New(plain); err != nil {
		return nil, fmt.Errorf("set up transform.decode: %w", err)
	}
	return func() Transformer {
		o := transform.Options{Keys: keys}
		if d, err := decode.New(plain); err == nil && !isPlain(&t.Decode) { // it was made once before
			o.Decoder = d
		}
		if s.schema != nil {
			o.Validator = s.schema.Validator()
			if t.SchemaMode == config.SchemaWarn {
				o.Warn = newWarn()
			}
		}
		if s.steps != nil {
			o.Steps = s.steps.Runner()
		}
		return transform.New(o)
	}, nil
}

// isPlain reports that a record is a document as it is.
func isPlain(d *config.Decode) bool {
	none := config.Decode{Compression: config.CompressionNone, Framing: config.FramingSingle, Envelope: config.EnvelopeNone, MaxDecoded: d.MaxDecoded}
	return *d == none || *d == config.Decode{}
}
