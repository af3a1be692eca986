package plan

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/table"
)

// analysis is what became of a sample.
type analysis struct {
	cfg     *config.Pipeline
	target  target
	records []sampled
	log     *slog.Logger

	rows    []landed
	seen    table.Observation
	failed  []Failed
	parts   int // that failed
	leftOut int
	asText  int      // numbers that a VARIANT takes as texts only
	loaded  []Failed // violations of the schema that fail nothing
	unmet   []Path
	shape   *shape
	alone   *table.Plan  // the plan by which a value is fitted by itself
	lacking map[int]bool // rows that are failed for want of a value
	fates   []fate
	columns []*column
	byName  map[string]*column
	naming  map[string]naming // by key
	keyed   map[string]int    // values, by key
	order   []string          // keys as they came
}

// landed is a row on its way to the table.
type landed struct {
	row.Row
	record int // index in records
}

// naming is what column a key belongs to.
type naming struct {
	column string
	ok     bool
}

// analyse takes the records through the transform and fits the rows to the table.
func analyse(cfg *config.Pipeline, t target, records []sampled, log *slog.Logger) (*analysis, error) {
	a := &analysis{cfg: cfg, target: t, records: records, log: log, lacking: map[int]bool{}, byName: map[string]*column{}, naming: map[string]naming{}, keyed: map[string]int{}}
	a.target.config.Keys = row.NewKeys()
	if err := a.transform(); err != nil {
		return nil, err
	}
	a.seen = a.target.config.Observation()
	for i := range a.rows {
		a.seen.Add(&a.rows[i].Row)
	}
	var err error
	if a.shape, err = a.form(); err != nil {
		return nil, err
	}
	if a.shape.plan != nil {
		a.land()
	}
	a.gather()
	return a, nil
}

func (a *analysis) transform() error {
	groups, violations := map[string]int{}, map[string]int{}
	var current *sampled
	tr, watch, err := pipeline.Watched(a.cfg, a.target.config.Keys, func(_ *row.Record, index uint32, f *row.Failure) {
		like(&a.loaded, violations, current, index, f)
	})
	if err != nil {
		return err
	}
	for i := range a.records {
		r := &a.records[i]
		current = r
		came := false
		err := tr.Apply(&r.Record, func(out *row.Row) error {
			came = true
			a.rows = append(a.rows, landed{clone(out), i})
			return nil
		}, func(index uint32, f *row.Failure) {
			came = true
			a.parts++
			like(&a.failed, groups, r, index, f)
		})
		if err != nil {
			return fmt.Errorf("transform record %s of %s: %w", r.Sequence, r.shard, err)
		}
		if !came {
			a.leftOut++
		}
	}
	for _, u := range watch.Unmet() {
		a.unmet = append(a.unmet, Path{Step: u.Step, Name: u.Name, Path: u.Path, Records: u.Rows})
	}
	return nil
}

// like counts a fault of a message among those that are alike: for the same reason but for its numbers and quoted texts.
func like(all *[]Failed, groups map[string]int, r *sampled, index uint32, f *row.Failure) {
	like := string(f.Stage) + row.Alike(f.Reason)
	at, ok := groups[like]
	if !ok {
		at = len(*all)
		groups[like] = at
		*all = append(*all, Failed{Stage: string(f.Stage), Reason: f.Reason, Where: r.where(), Row: index, Payload: short(string(r.Data))})
	}
	(*all)[at].Messages++
}

func clone(r *row.Row) row.Row {
	c := *r
	c.Sequence, c.PartitionKey = bytes.Clone(r.Sequence), bytes.Clone(r.PartitionKey)
	c.Fields = slices.Clone(r.Fields)
	for i := range c.Fields {
		f := &c.Fields[i]
		f.Name, f.Value = bytes.Clone(f.Name), bytes.Clone(f.Value)
	}
	return c
}

// maxShown is how many characters of a text are shown.
const maxShown = 100

// short is a text for one line.
func short(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' || r == '\u0085' {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxShown {
		return string(r[:maxShown]) + "..."
	}
	return s
}
