package plan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/sink/table"
	"kinesis-snowflake/source"
)

// Options say what is looked at.
type Options struct {
	// Records is how many records are looked at; 0 is [DefaultRecords] of a stream, and all of a file.
	Records int
	// File gives the records, one a line, in place of the stream; neither AWS nor Snowflake is asked then. FileName is told.
	File     io.Reader
	FileName string
	Rows     int          // how many rows are shown
	Logger   *slog.Logger // of what the services' clients have to say; discarded when nil
	// Progress hears about once a second, from one goroutine, how far the reading of the stream has come. May be nil.
	Progress func(Progress)
	// Transports replace the clients' own in tests.
	KinesisTransport, SnowflakeTransport http.RoundTripper
}

// describeWait bounds what is waited for Snowflake, without which the report is still worth having.
const describeWait = 30 * time.Second

// Make says what a pipeline would do. The error is one of the stream or the sample; that Snowflake cannot be asked is a note in
// the report.
func Make(ctx context.Context, cfg *config.Pipeline, o Options) (*Report, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	ro := pipeline.RunOptions{Logger: o.Logger, KinesisTransport: o.KinesisTransport, SnowflakeTransport: o.SnowflakeTransport}
	r := &Report{
		Pipeline: cfg.File, Stream: cfg.Source.Stream, Region: cfg.Source.Region,
		Columns: []Column{}, Conflicts: []Conflict{}, Failed: []Failed{}, Violations: []Failed{}, Rescued: []Rescued{}, Beyond: []Key{}, Paths: []Path{}, Names: []Name{}, DDL: []string{},
		Rows: []Row{}, Problems: []string{}, Notes: []string{},
	}
	var (
		info source.StreamInfo
		all  []sampled
		err  error
	)
	if o.File != nil {
		all, r.Sample, err = fromFile(o.FileName, o.File, o.Records, time.Now())
	} else {
		info, all, r.Sample, err = fromSource(ctx, cfg, ro, o)
	}
	if err != nil {
		return nil, err
	}
	so, err := pipeline.SinkOptions(cfg, info, ro)
	if err != nil {
		return nil, err
	}
	t := target{name: so.Table, config: so.Columns, key: so.LatestKey, comment: fmt.Sprintf("loaded by kinesis-snowflake from stream %s, application %s", so.StreamName, so.Application)}
	r.Table.Name = so.Table.String()
	switch {
	case o.File != nil:
		r.Notes = append(r.Notes, "Snowflake was not asked: this is what a table that is not there yet would become")
	case len(all) == 0:
	default:
		if err := t.describe(ctx, so.Dialer, o.Logger); err != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			r.Notes = append(r.Notes, fmt.Sprintf("Snowflake could not be asked, so this is what a table that is not there yet would become: %v", err))
		}
	}
	r.Table.Exists, r.Table.Columns = t.exists, len(t.columns)
	if len(all) == 0 {
		r.Notes = append(r.Notes, "there is no record to look at")
		return r, nil
	}
	first, err := analyse(cfg, t, all, o.Logger)
	if err != nil {
		return nil, err
	}
	first.report(r, o.Rows)
	first.fix(r)
	return r, nil
}

func fromSource(ctx context.Context, cfg *config.Pipeline, ro pipeline.RunOptions, o Options) (info source.StreamInfo, all []sampled, s Sample, err error) {
	tools, err := source.NewTools(pipeline.SourceOptions(cfg, ro))
	if err != nil {
		return info, nil, s, fmt.Errorf("set up the source: %w", err)
	}
	if info, err = tools.Describe(ctx); err != nil {
		return info, nil, s, err
	}
	all, s, err = fromStream(ctx, tools, info, cmp.Or(o.Records, DefaultRecords), o.Progress)
	return info, all, s, err
}

// target is the table that the rows are for.
type target struct {
	name    snowflake.Name
	config  table.Config // without Keys
	comment string
	key     []string // of the view of the newest rows
	exists  *bool    // nil: nobody knows
	columns []table.Column
	ledger  bool // the offsets are there
}

// describe asks for the table's columns.
func (t *target) describe(ctx context.Context, dialer snowflake.Dialer, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, describeWait)
	defer cancel()
	client := snowflake.NewClient(dialer, log)
	defer client.Discard()
	columns, exists, err := describe(ctx, client, t.name)
	if err != nil {
		return err
	}
	offsets := t.name
	offsets.Object += offsetsSuffix
	_, t.ledger, err = describe(ctx, client, offsets)
	t.columns, t.exists = columns, &exists
	return err
}

// offsetsSuffix makes the name of the table that keeps how far each shard is loaded.
const offsetsSuffix = "$OFFSETS"

// Snowflake's numbers for what does not exist, or is hidden from the role.
const (
	codeNoObject = 2003
	codeNoSchema = 2043
)

func describe(ctx context.Context, client *snowflake.Client, name snowflake.Name) ([]table.Column, bool, error) {
	res, err := client.Query(ctx, snowflake.DescribeTable{Table: name})
	if failed, ok := errors.AsType[*snowflake.Error](err); ok && (failed.Code == codeNoObject || failed.Code == codeNoSchema) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("describe table %s: %w", name, err)
	}
	columns := make([]table.Column, 0, len(res.Rows))
	for i := range res.Rows {
		columns = append(columns, table.Column{
			Name: res.Get(i, "name"), Type: table.ParseType(res.Get(i, "type")),
			NotNull: res.Get(i, "null?") == "N", HasDefault: res.Get(i, "default") != "", Computed: res.Get(i, "expression") != "",
		})
	}
	return columns, true, nil
}
