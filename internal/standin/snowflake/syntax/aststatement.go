package syntax

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
	// CreateView is CREATE VIEW. Text is the statement as written, and AsText the query's.
	CreateView struct {
		Name        Name
		OrReplace   bool
		IfNotExists bool
		Columns     []string // empty: those of the query
		CopyGrants  bool
		Comment     string
		As          *Select
		Text        string
		AsText      string
	}
	// Drop is DROP TABLE, VIEW, STAGE, SCHEMA, DATABASE or WAREHOUSE.
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
	// Describe is DESC[RIBE] TABLE or VIEW, which are the same.
	Describe struct{ Name Name }
	// Show is SHOW of TABLES, VIEWS, COLUMNS, STAGES, LOCKS, TRANSACTIONS, SCHEMAS, DATABASES, PARAMETERS.
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

func (Begin) statement()            {}
func (Commit) statement()           {}
func (Rollback) statement()         {}
func (*Use) statement()             {}
func (*AlterSession) statement()    {}
func (*CreateContainer) statement() {}
func (*CreateStage) statement()     {}
func (*CreateTable) statement()     {}
func (*CreateView) statement()      {}
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
