package plan

import (
	"encoding/json"
	"time"
)

// Report is what a pipeline would do with a sample. Its lists are never nil.
type Report struct {
	Pipeline   string     `json:"pipeline"` // the file
	Stream     string     `json:"stream"`
	Region     string     `json:"region"`
	Table      Table      `json:"table"`
	Sample     Sample     `json:"sample"`
	Columns    []Column   `json:"columns"`
	Conflicts  []Conflict `json:"conflicts"`
	Fix        string     `json:"fix,omitempty"` // YAML that settles the conflicts
	Failed     []Failed   `json:"failed"`
	Violations []Failed   `json:"violations"` // of the schema, by messages that are loaded all the same
	Rescued    []Rescued  `json:"rescued"`
	Beyond     []Key      `json:"beyond_column_limit"`
	Paths      []Path     `json:"unmet_paths"`
	Names      []Name     `json:"names"`
	DDL        []string   `json:"ddl"` // in the order in which it would run
	Rows       []Row      `json:"rows"`
	Problems   []string   `json:"problems"` // for which the pipeline would stop
	Notes      []string   `json:"notes"`
}

// Table is the table as it is.
type Table struct {
	Name string `json:"name"`
	// Exists is nil where nobody could be asked; the report then goes as if there were no table.
	Exists  *bool `json:"exists"`
	Columns int   `json:"columns"` // that it has, the connector's own among them
}

// Sample says what was looked at.
type Sample struct {
	From    string    `json:"from"` // stream, or the name of a file
	Shards  int       `json:"shards"`
	Records int       `json:"records"`
	Bytes   int64     `json:"bytes"`
	Whole   bool      `json:"whole"` // the source has no other records
	First   time.Time `json:"first,omitzero"`
	Last    time.Time `json:"last,omitzero"`
	Rows    int       `json:"rows"`
	Failed  int       `json:"failed"`   // messages, or parts of them
	LeftOut int       `json:"left_out"` // records of which no row came and nothing failed: steps left them out
	// Unkeyed are rows that lack a part of sink.key, AsText numbers that a VARIANT takes as texts only.
	Unkeyed int `json:"without_key"`
	AsText  int `json:"numbers_as_text"`

	unit string // what the numbers of records are of; of a file: lines
}

// Column is a column of the table as it would be.
type Column struct {
	Name    string   `json:"column"`
	Type    string   `json:"type"`
	NotNull bool     `json:"not_null,omitempty"`
	Keys    []string `json:"keys"` // of the records, after the steps
	By      By       `json:"by"`
	Filled  int      `json:"filled"` // rows with a value that fits
	Example string   `json:"example,omitempty"`
}

// By says what gave a column its type.
type By string

// What gives a column its type.
const (
	ByTable     By = "table"    // it is there already
	ByPin       By = "pin"      // transform.columns
	BySchema    By = "schema"   // transform.json_schema
	ByCast      By = "cast"     // a cast of transform.steps
	ByInference By = "inferred" // the values seen
	ByItself    By = "itself"   // the connector's own
)

// Conflict is a column whose type hangs on what comes first, or that has no place for some values.
type Conflict struct {
	Column  string   `json:"column"`
	Type    string   `json:"type"`
	By      By       `json:"by"`
	Why     string   `json:"why"`
	Values  []Kind   `json:"values"`
	Rescued int      `json:"rescued"`       // values of the sample that the column has no place for
	Fix     []string `json:"fix,omitempty"` // lines of the fix that are this column's
	Advice  string   `json:"advice,omitempty"`
}

// Kind is one kind of a column's values.
type Kind struct {
	Kind    string `json:"kind"`
	Type    string `json:"type"` // of a column that holds no other kind
	Values  int    `json:"values"`
	Example string `json:"example"`
	Where   Where  `json:"where"`
}

// Where names a record.
type Where struct {
	Shard       string `json:"shard"`
	Sequence    string `json:"sequence"`
	Subsequence int64  `json:"subsequence"`
}

// Failed are messages that become no row, for one reason.
type Failed struct {
	Stage    string `json:"stage"`
	Reason   string `json:"reason"` // of the first
	Messages int    `json:"messages"`
	Where    Where  `json:"where"`
	Row      uint32 `json:"row"`
	Payload  string `json:"payload"` // the first one's, cut
}

// Rescued are values of one column or key that go to _RESCUED for one reason.
type Rescued struct {
	Name    string `json:"name"` // column, or the key that has none
	Reason  string `json:"reason"`
	Values  int    `json:"values"`
	Example string `json:"example"`
	Where   Where  `json:"where"`
}

// Key is a key of the records, after the steps.
type Key struct {
	Key    string `json:"key"`
	Values int    `json:"values"`
}

// Path is a path of a step, or a name in its expression, that is in no record that came to the step.
type Path struct {
	Step    int    `json:"step"` // from 1
	Name    string `json:"name"` // of the step
	Path    string `json:"path"`
	Records int    `json:"records"` // that came to the step; after unnest: rows
}

// Name is a key whose column is called otherwise.
type Name struct {
	Key    string `json:"key"`
	Column string `json:"column,omitempty"` // empty: it has none
	Why    Why    `json:"why"`
	With   string `json:"with,omitempty"` // the other key of the same column
}

// Why says why a column is not called as its key.
type Why string

// The reasons for another name.
const (
	WhyCase     Why = "case"     // letters in upper case
	WhyPinned   Why = "pinned"   // a pin names it
	WhyReserved Why = "reserved" // Snowflake refuses the name
	WhyCut      Why = "cut"      // it is too long
	WhyShared   Why = "shared"   // another key has the same column
	WhyNone     Why = "none"     // no column can be called so
	WhyQuotes   Why = "quotes"   // as it is, but SQL has to quote it
)

// Row is a row as it would land.
type Row struct {
	Where    Where           `json:"where"`
	Metadata json.RawMessage `json:"metadata"`
	Rescued  json.RawMessage `json:"rescued,omitempty"`
	Values   []Value         `json:"values"`
}

// Value is what a column gets; columns that get nothing are left out.
type Value struct {
	Column string          `json:"column"`
	Value  json.RawMessage `json:"value"`
}
