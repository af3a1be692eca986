package plan

import (
	"io"
	"log/slog"
	"time"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/sink/table"
	"kinesis-snowflake/source"
)

// OfTable is the plan for lines where the table has columns already; there is none yet if they are nil.
func OfTable(cfg *config.Pipeline, columns []table.Column, lines io.Reader) (*Report, error) {
	all, sample, err := fromFile("sample.jsonl", lines, 0, time.Now())
	if err != nil {
		return nil, err
	}
	so, err := pipeline.SinkOptions(cfg, source.StreamInfo{}, pipeline.RunOptions{})
	if err != nil {
		return nil, err
	}
	exists := columns != nil
	r := &Report{Pipeline: cfg.File, Sample: sample}
	a, err := analyse(cfg, target{name: so.Table, config: so.Columns, exists: &exists, columns: columns, ledger: exists}, all, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	a.report(r, DefaultRows)
	a.fix(r)
	return r, nil
}
