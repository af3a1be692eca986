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

// Select is one query: items over tables, or a VALUES list.
type Select struct {
	Distinct bool
	Items    []SelectItem
	Values   [][]Expr // VALUES (...), (...): then nothing else but Order, Limit is set
	From     []TableRef
	Where    Expr
	GroupBy  []Expr
	Having   Expr
	Qualify  Expr
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
