package replay

import (
	"slices"

	"kinesis-snowflake/config"
	"kinesis-snowflake/sink"
	"kinesis-snowflake/sink/snowflake"
)

// Report is what a replay has done, and what is left.
type Report struct {
	Pipeline   string        `json:"pipeline"`
	Stream     string        `json:"stream"`
	Table      string        `json:"table"`
	DryRun     bool          `json:"dry_run"`
	Lines      int           `json:"lines"`               // of failed messages of this pipeline
	Older      int           `json:"lines_before_since"`  // left out by --since, of any pipeline
	Others     int           `json:"lines_of_others"`     // failed messages of other pipelines
	Unreadable int           `json:"lines_unreadable"`    // lines of failed messages that do not name a record
	PassedOver int           `json:"lines_passed_over"`   // lines of something else
	Messages   int           `json:"messages"`            // different ones
	Counts     map[State]int `json:"counts"`              // of messages
	Rows       int64         `json:"rows_loaded"`         // by this run
	Rescued    []Rescued     `json:"rescued"`             // values of these rows that have no place in their column
	Left       []Left        `json:"left"`                // every message that is not good
	Unknown    int           `json:"messages_not_judged"` // because the run ended early
}

// Rescued is how many values of a column, or of a key that has none, went to _RESCUED for one reason; in a dry run: would go.
type Rescued struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
	Values int    `json:"values"`
}

// rescued adds what became of a batch's values.
func (r *Report) rescued(more []sink.Rescue) {
	for _, m := range more {
		i := slices.IndexFunc(r.Rescued, func(have Rescued) bool { return have.Name == m.Name && have.Reason == m.Reason })
		if i < 0 {
			i = len(r.Rescued)
			r.Rescued = append(r.Rescued, Rescued{Name: m.Name, Reason: m.Reason})
		}
		r.Rescued[i].Values += m.Values
	}
}

// Left is a message that is not loaded, and why.
type Left struct {
	Shard       string `json:"shard"`
	Sequence    string `json:"sequence"`
	Subsequence int64  `json:"subsequence"`
	// Row is which of its rows fails still, the first one, of a record that makes several; otherwise nil.
	Row    *uint32 `json:"row,omitempty"`
	State  State   `json:"state"`
	Reason string  `json:"reason"`
}

func newReport(cfg *config.Pipeline, log *Log, dry bool) *Report {
	table := snowflake.Name{Database: cfg.Sink.Database, Schema: cfg.Sink.Schema, Object: cfg.Sink.Table}
	return &Report{Pipeline: cfg.File, Stream: cfg.Source.Stream, Table: table.String(), DryRun: dry, Older: log.Older, Unreadable: log.Unreadable, PassedOver: log.PassedOver,
		Counts: map[State]int{}, Rescued: []Rescued{}, Left: []Left{}}
}

// close counts the messages.
func (r *Report) close(ms *messages) {
	r.Lines, r.Others, r.Messages = ms.lines, ms.others, len(ms.all)
	for _, m := range ms.all {
		if m.state == "" {
			r.Unknown++
			continue
		}
		r.Counts[m.state]++
		if r.DryRun {
			r.Rows += m.rows
		}
		if !m.state.Good() {
			left := Left{Shard: m.shard, Sequence: m.at.Sequence, Subsequence: m.at.Subsequence, State: m.state, Reason: m.reason}
			if m.several {
				left.Row = &m.row
			}
			r.Left = append(r.Left, left)
		}
	}
}

// Good reports whether every message of the log is in the table now, or makes no row.
func (r *Report) Good() bool { return len(r.Left) == 0 && r.Unknown == 0 }
