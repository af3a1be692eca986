package syntax

import "strings"

// Ident is one name, folded: unquoted names are in upper case.
type Ident struct {
	Name   string
	Quoted bool
}

// Name is a name of one to three parts.
type Name []Ident

// String writes the name as messages do, without quotes.
func (n Name) String() string {
	parts := make([]string, len(n))
	for i, p := range n {
		parts[i] = p.Name
	}
	return strings.Join(parts, ".")
}

// Statement is any parsed statement.
type Statement interface{ statement() }

// Expr is any expression.
type Expr interface{ expr() }

// TypeName is a type as written: its name in upper case and the numbers in brackets.
type TypeName struct {
	Name string
	Args []int
}

// ColumnDef is a column of CREATE TABLE or ADD COLUMN.
type ColumnDef struct {
	Name        string
	Type        TypeName // Name is empty where CREATE TABLE ... AS takes it from the query
	NotNull     bool
	Default     Expr
	DefaultText string
	Comment     string
	IfNotExists bool
}

// Option is one NAME = value of a statement. Words and numbers are in Values as text (words in upper case), a list in brackets as several Values.
type Option struct {
	Name    string
	Values  []string
	Options []Option // NAME = (A = b ...)
	Strings bool     // the values were quoted
}

// The statements.
type (
	// Begin is BEGIN [TRANSACTION | WORK] or START TRANSACTION.
	Begin struct{}
	// Commit is COMMIT [WORK].
	Commit struct{}
	// Rollback is ROLLBACK [WORK].
	Rollback struct{}
	// Use is USE [DATABASE | SCHEMA | WAREHOUSE | ROLE | SECONDARY ROLES].
	Use struct {
		Kind string
		Name Name
	}
	// AlterSession is ALTER SESSION SET or UNSET.
	AlterSession struct {
		Set   []Option
		Unset []string
	}
	// CreateContainer is CREATE DATABASE, SCHEMA or WAREHOUSE.
	CreateContainer struct {
		Kind        string
		Name        Name
		OrReplace   bool
		IfNotExists bool
	}
	// CreateStage is CREATE STAGE of an internal stage.
	CreateStage struct {
		Name        Name
		OrReplace   bool
		IfNotExists bool
		Options     []Option
	}
	// CreateTable is CREATE TABLE, with or without AS.
	CreateTable struct {
		Name        Name
		OrReplace   bool
		IfNotExists bool
		Columns     []ColumnDef
		Options     []Option
		As          *Select
	}
	// Drop is DROP TABLE, STAGE, SCHEMA, DATABASE or WAREHOUSE.
	Drop struct {
		Kind     string
		Name     Name
		IfExists bool
	}
	// Undrop is UNDROP TABLE.
	Undrop struct{ Name Name }
	// Truncate is TRUNCATE [TABLE].
	Truncate struct {
		Name     Name
		IfExists bool
	}
	// AlterTable is ALTER TABLE with one kind of action.
	AlterTable struct {
		Name       Name
		IfExists   bool
		Add        []ColumnDef
		Drop       []string
		DropIf     bool
		RenameFrom string
		RenameTo   string
		RenameTab  Name
		Change     []ColumnChange
		Set        []Option
		Unset      []string
	}
	// ColumnChange is one action of ALTER TABLE ... ALTER COLUMN.
	ColumnChange struct {
		Name        string
		Type        *TypeName
		SetNotNull  bool
		DropNotNull bool
		DropDefault bool
		Comment     *string
	}
	// Describe is DESC[RIBE] TABLE.
	Describe struct{ Name Name }
	// Show is SHOW of TABLES, COLUMNS, STAGES, LOCKS, TRANSACTIONS, SCHEMAS, DATABASES, PARAMETERS.
	Show struct {
		What    string
		Like    *string
		InKind  string // ACCOUNT, DATABASE, SCHEMA, TABLE or empty
		In      Name
		Starts  *string
		Account bool
	}
	// Insert is INSERT INTO ... VALUES or SELECT.
	Insert struct {
		Table     Name
		Overwrite bool
		Columns   []string
		Source    *Select
	}
	// Update is UPDATE ... SET ... [FROM ...] [WHERE ...].
	Update struct {
		Table Name
		Alias string
		Set   []Assignment
		From  []TableRef
		Where Expr
	}
	// Assignment is one column = value.
	Assignment struct {
		Column string
		Value  Expr
	}
	// Delete is DELETE FROM ... [USING ...] [WHERE ...].
	Delete struct {
		Table Name
		Alias string
		Using []TableRef
		Where Expr
	}
	// Copy is COPY INTO a table from a stage.
	Copy struct {
		Table   Name
		Columns []string
		Stage   string // "@..." as written
		Alias   string
		Items   []SelectItem // nil without a transform
		Options []Option
	}
	// Put is PUT of local files.
	Put struct {
		File    string // without file://
		Stage   string
		Options []Option
	}
	// List is LIST or LS of a stage.
	List struct {
		Stage   string
		Pattern string
	}
	// Remove is REMOVE or RM of staged files.
	Remove struct {
		Stage   string
		Pattern string
	}
	// Query is a SELECT, WITH or VALUES. Unparsed holds why the parser could not read it; an engine may still be able to run it.
	Query struct {
		Select   *Select
		Unparsed error
	}
	// Grant is GRANT or REVOKE, of which the stand-in keeps nothing.
	Grant struct{}
)

// Select is one query: items over tables, or a VALUES list.
type Select struct {
	Distinct bool
	Items    []SelectItem
	Values   [][]Expr // VALUES (...), (...): then nothing else but Order, Limit is set
	From     []TableRef
	Where    Expr
	GroupBy  []Expr
	Having   Expr
	Union    []*Select // UNION ALL
	Order    []OrderItem
	Limit    Expr
	Offset   Expr
}

// SelectItem is one column of a query. Text is the expression as written, which names the column where no alias does.
type SelectItem struct {
	Expr  Expr
	Alias string
	Text  string
}

// OrderItem is one key of ORDER BY. NullsFirst is nil where the statement does not say.
type OrderItem struct {
	Expr       Expr
	Desc       bool
	NullsFirst *bool
}

// TableRef is one table of FROM.
type TableRef struct {
	Name    Name
	Select  *Select
	Alias   string
	Columns []string // of the alias
	Join    string   // "" (comma or CROSS), "INNER", "LEFT"
	On      Expr
}

// The expressions.
type (
	// Null is NULL.
	Null struct{}
	// Number is a numeric literal as written.
	Number struct{ Text string }
	// String is a string literal.
	String struct{ Text string }
	// Bool is TRUE or FALSE.
	Bool struct{ Value bool }
	// Column is a column name of one to four parts.
	Column struct {
		Name Name
	}
	// Dollar is $1, with an alias before it where Table is set.
	Dollar struct {
		Table string
		N     int
	}
	// Bind is the question mark number N, from 0.
	Bind struct{ N int }
	// Star is * or t.*.
	Star struct{ Table string }
	// Call is a function call.
	Call struct {
		Name     string
		Args     []Expr
		Distinct bool
		Star     bool
	}
	// Cast is x::TYPE, CAST(x AS TYPE) or TRY_CAST.
	Cast struct {
		X    Expr
		Type TypeName
		Try  bool
	}
	// Unary is NOT, - or +.
	Unary struct {
		Op string
		X  Expr
	}
	// Binary is an operator between two expressions: OR AND = <> < <= > >= + - * / % || LIKE ILIKE.
	Binary struct {
		Op   string
		L, R Expr
	}
	// In is x [NOT] IN (list or query).
	In struct {
		X      Expr
		List   []Expr
		Select *Select
		Not    bool
	}
	// IsNull is x IS [NOT] NULL.
	IsNull struct {
		X   Expr
		Not bool
	}
	// Exists is EXISTS (query).
	Exists struct{ Select *Select }
	// Scalar is a query as a value.
	Scalar struct{ Select *Select }
	// Case is CASE [x] WHEN .. THEN .. [ELSE ..] END.
	Case struct {
		X    Expr
		When []When
		Else Expr
	}
	// When is one branch of Case.
	When struct{ If, Then Expr }
	// Field is x:key or x:"key", and x.key behind it.
	Field struct {
		X   Expr
		Key string
	}
	// Index is x[i] or x['key'].
	Index struct{ X, I Expr }
)

func (Begin) statement()            {}
func (Commit) statement()           {}
func (Rollback) statement()         {}
func (*Use) statement()             {}
func (*AlterSession) statement()    {}
func (*CreateContainer) statement() {}
func (*CreateStage) statement()     {}
func (*CreateTable) statement()     {}
func (*Drop) statement()            {}
func (*Undrop) statement()          {}
func (*Truncate) statement()        {}
func (*AlterTable) statement()      {}
func (*Describe) statement()        {}
func (*Show) statement()            {}
func (*Insert) statement()          {}
func (*Update) statement()          {}
func (*Delete) statement()          {}
func (*Copy) statement()            {}
func (*Put) statement()             {}
func (*List) statement()            {}
func (*Remove) statement()          {}
func (*Query) statement()           {}
func (*Grant) statement()           {}

func (Null) expr()    {}
func (Number) expr()  {}
func (String) expr()  {}
func (Bool) expr()    {}
func (*Column) expr() {}
func (*Dollar) expr() {}
func (*Bind) expr()   {}
func (*Star) expr()   {}
func (*Call) expr()   {}
func (*Cast) expr()   {}
func (*Unary) expr()  {}
func (*Binary) expr() {}
func (*In) expr()     {}
func (*IsNull) expr() {}
func (*Exists) expr() {}
func (*Scalar) expr() {}
func (*Case) expr()   {}
func (*Field) expr()  {}
func (*Index) expr()  {}
