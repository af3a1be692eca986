package snowflake

import (
	"context"
	"errors"
	"time"
)

// TableName is a table's full name, its parts as stored (unquoted names already folded to upper case).
type TableName struct {
	Database, Schema, Table string
}

// String quotes nothing: it is for messages, which the service writes as DB.SCHEMA.TABLE.
func (n TableName) String() string { return n.Database + "." + n.Schema + "." + n.Table }

// Column is one column of a table or of a result.
type Column struct {
	Name    string
	Type    Type
	NotNull bool
	Default string // SQL text, empty for none
	Comment string
}

// Row is a table row with the id that the server gave it. Ids are positive, unique in an engine's life and grow with
// insertion. Values has one entry a column of the table, in its order, each either NULL or of the column's kind and already
// checked against its precision, length and NOT NULL.
type Row struct {
	ID     int64
	Values []Value
}

// Change is what one transaction does to one table. A row id stands at most once in Update and Delete together, and never
// names a row of the same Change's Insert. Truncate empties the table before Insert is applied.
type Change struct {
	Table    TableName
	Truncate bool
	Insert   []Row
	Update   []Row // the whole new row
	Delete   []int64
}

// Alteration is one ALTER TABLE; exactly one of its parts is set.
type Alteration struct {
	Add    []Column // at the end; existing rows read as NULL
	Drop   []string
	Rename *ColumnRename
	Retype *Column // a widened NUMBER or VARCHAR; stored values stay as they are
}

// ColumnRename gives a column a new name.
type ColumnRename struct{ From, To string }

// SessionInfo is what a query may need of the session that sent it.
type SessionInfo struct {
	Database, Schema string // the defaults for names that are not full; empty when there is none
	User, Role       string
	Timezone         string // an IANA name, UTC unless the session set another
	Now              time.Time
	Binds            []Value // the values of the question marks, in order
	// View finds a view by its name. It may be called until Query returns.
	View func(TableName) (View, bool)
}

// View is a query with a name, in Snowflake's dialect.
type View struct {
	Query            string
	Columns          []string
	Database, Schema string // the defaults for names in Query that are not full
}

// ResultSet is a query's answer. Column names are as the client shall see them.
type ResultSet struct {
	Columns []Column
	Rows    [][]Value
}

// ErrUnsupported is what [Engine.Query] answers, wrapped with the reason, for SQL that it cannot run. The client then gets
// a compilation error that says that the stand-in, not the service, refuses.
var ErrUnsupported = errors.New("not supported by this stand-in")

// An Engine keeps committed table rows. The server keeps everything else: names, sessions, transactions, locks, stages,
// casts and load metadata. It calls an Engine only with statements that it has already checked against its catalogue, so an
// error from any method but Query is an engine failure: the client gets it as an internal error (000603), and the server
// takes the call as not having happened. Hence every method either takes effect as a whole or not at all.
//
// Any method may be called from any goroutine, at the same time as others; the server serialises CreateTable,
// DropTable, RenameTable, AlterTable and Apply with each other, but not with Scan and Query. Nothing is called twice for
// one event. A new Engine is empty. Databases and schemas are no objects of the Engine: they are part of a table's name.
type Engine interface {
	// CreateTable makes an empty table of a name that is not in use.
	CreateTable(ctx context.Context, name TableName, columns []Column) error
	// DropTable removes a table and its rows.
	DropTable(ctx context.Context, name TableName) error
	// RenameTable gives a table, with its rows, a name that is not in use. Dropped tables are renamed so, to names that no
	// client can write, until UNDROP brings them back.
	RenameTable(ctx context.Context, from, to TableName) error
	// AlterTable changes a table's columns. It takes effect at once, also for transactions that are open.
	AlterTable(ctx context.Context, name TableName, change Alteration) error
	// Apply makes all changes visible at one moment: this is COMMIT. The server holds the locks that make it conflict
	// with no other Apply. The slices belong to the Engine afterwards; Values of rows are never changed by the server.
	Apply(ctx context.Context, changes []Change) error
	// Scan calls fn for each row that is committed when Scan is called, in order of their ids. columns names the columns that row
	// shall hold, in that order; nil means all in the table's order, and an empty list that only ids are wanted. The row
	// slice is lent until fn returns, the Values in it may be kept. An error of fn ends the scan and is returned as it is.
	// fn may call Scan, for other tables or the same.
	Scan(ctx context.Context, name TableName, columns []string, fn func(id int64, row []Value) error) error
	// Query runs a SELECT in Snowflake's dialect that the server's own evaluator does not know, over committed
	// rows. Names are as the client wrote them. An engine without such power wraps ErrUnsupported.
	Query(ctx context.Context, sql string, session SessionInfo) (*ResultSet, error)
}
