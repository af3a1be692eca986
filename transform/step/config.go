package step

// Text is a text of the pipeline file and where it stands there. Line and Column are 0 if it comes from elsewhere.
type Text struct {
	Value        string
	Line, Column int
}

// OnError says what becomes of a record whose step fails.
type OnError string

// The ways to go on.
const (
	Fail OnError = "fail" // a failed message; the default
	Null OnError = "null" // the value that failed becomes null
	Keep OnError = "keep" // the value that failed stays as it is
)

// Empty says what unnest makes of a record without elements.
type Empty string

// The ways to treat it.
const (
	EmptyRow  Empty = "row"  // one row with a null in place of the element; the default
	EmptyNone Empty = "none" // no row
)

// The names of the steps.
const (
	NameFilter    = "filter"
	NameKeep      = "keep"
	NameDrop      = "drop"
	NameRename    = "rename"
	NameFlatten   = "flatten"
	NameUnnest    = "unnest"
	NameCast      = "cast"
	NameSet       = "set"
	NameDefault   = "default"
	NameParseJSON = "parse_json"
	NameHash      = "hash"
)

// Config is one step as the pipeline file has it. Which fields matter depends on Name.
type Config struct {
	Name    string
	At      Text    // its place; the value is the name
	OnError OnError // "" is Fail

	Expression Text   // filter
	Paths      []Text // keep, drop, flatten (none: every object), parse_json, hash; the one of unnest
	Pairs      []Pair // rename, cast, set, default

	Separator string // flatten; "" is "_"
	Depth     int    // flatten; 0 is without end

	As    Text  // unnest; empty: in the array's place
	Index Text  // unnest; empty: the element's number is not kept
	Empty Empty // unnest; "" is EmptyRow

	Secret Secret // hash; nil for none
}

// Pair is a path and what is done with it.
type Pair struct {
	Path Text
	// To is rename's new path, cast's type, set's expression, or default's value as JSON text.
	To Text
	// From is cast's form of what is there: a form's name or a layout; empty for any that needs no name.
	From Text
}

// Secret is a text that nobody prints by accident.
type Secret interface{ Reveal() string }
