package duck

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/duckdb/duckdb-go/v2"

	"kinesis-snowflake/internal/standin/snowflake"
)

// Engine is a [snowflake.Engine] on DuckDB.
type Engine struct {
	db *sql.DB

	mu     sync.RWMutex
	tables map[snowflake.TableName]*table // what stands in it is never changed in place
	made   int
}

var _ snowflake.Engine = (*Engine)(nil)

// A table is what the engine knows of one Snowflake table.
type table struct {
	store   string // its name in the schema "snowflake rows"
	view    string // its name in the schema "DB.SCHEMA"
	columns []column
	made    int // columns ever made
}

// Open makes an empty engine in memory or, if file is not empty, in a new file. A file that exists is refused: the names, the
// transactions and the stages that belong to its rows ended with the server that wrote it.
func Open(ctx context.Context, file string) (*Engine, error) {
	if file != "" {
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("open database: %s exists; name a new file", file)
		}
	}
	// Extensions are never loaded from the network.
	dsn := file + "?autoinstall_known_extensions=false&autoload_known_extensions=false"
	connector, err := duckdb.NewConnector(dsn, nil)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	e := &Engine{db: sql.OpenDB(connector), tables: map[snowflake.TableName]*table{}}
	if err := e.initialize(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), e.Close())
	}
	return e, nil
}

func (e *Engine) initialize(ctx context.Context) error {
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := register(conn); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "CREATE SCHEMA "+rowsSchema)
	return err
}

// Close ends the engine, and completes its file if it has one.
func (e *Engine) Close() error { return e.db.Close() }

func (e *Engine) table(name snowflake.TableName) (*table, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	t := e.tables[name]
	if t == nil {
		return nil, fmt.Errorf("table %s is missing", name)
	}
	return t, nil
}

// CreateTable implements [snowflake.Engine].
func (e *Engine) CreateTable(ctx context.Context, name snowflake.TableName, columns []snowflake.Column) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.tables[name] != nil {
		return fmt.Errorf("create table %s: exists", name)
	}
	e.made++
	t := &table{store: fmt.Sprintf("t%d", e.made), view: e.viewName(name)}
	for _, c := range columns {
		t.add(c)
	}
	definitions := []string{"id BIGINT NOT NULL"}
	for _, c := range t.columns {
		definitions = append(definitions, c.definitions()...)
	}
	err := e.execute(ctx,
		"CREATE SCHEMA IF NOT EXISTS "+schemaOf(name),
		fmt.Sprintf("CREATE TABLE %s (%s)", t.rows(), strings.Join(definitions, ", ")),
		t.createView(name))
	if err != nil {
		return fmt.Errorf("create table %s: %w", name, err)
	}
	e.tables[name] = t
	return nil
}

// DropTable implements [snowflake.Engine].
func (e *Engine) DropTable(ctx context.Context, name snowflake.TableName) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.tables[name]
	if t == nil {
		return nil
	}
	if err := e.execute(ctx, t.dropView(name), "DROP TABLE "+t.rows()); err != nil {
		return fmt.Errorf("drop table %s: %w", name, err)
	}
	delete(e.tables, name)
	return nil
}

// RenameTable implements [snowflake.Engine]. Only the view moves.
func (e *Engine) RenameTable(ctx context.Context, from, to snowflake.TableName) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	old := e.tables[from]
	if old == nil || e.tables[to] != nil {
		return fmt.Errorf("rename table %s to %s: missing, or the new name is taken", from, to)
	}
	t := *old
	t.view = e.viewName(to)
	if err := e.execute(ctx, old.dropView(from), "CREATE SCHEMA IF NOT EXISTS "+schemaOf(to), t.createView(to)); err != nil {
		return fmt.Errorf("rename table %s to %s: %w", from, to, err)
	}
	delete(e.tables, from)
	e.tables[to] = &t
	return nil
}

// AlterTable implements [snowflake.Engine].
func (e *Engine) AlterTable(ctx context.Context, name snowflake.TableName, change snowflake.Alteration) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	old := e.tables[name]
	if old == nil {
		return fmt.Errorf("alter table %s: missing", name)
	}
	t := *old
	t.columns = slices.Clone(old.columns)
	statements := []string{old.dropView(name)}
	alter := func(format string, args ...any) {
		statements = append(statements, "ALTER TABLE "+t.rows()+" "+fmt.Sprintf(format, args...))
	}
	switch {
	case change.Rename != nil:
		i, err := t.index(change.Rename.From)
		if err != nil {
			return fmt.Errorf("alter table %s: %w", name, err)
		}
		t.columns[i].Name = change.Rename.To
	case change.Retype != nil:
		i, err := t.index(change.Retype.Name)
		if err != nil {
			return fmt.Errorf("alter table %s: %w", name, err)
		}
		// A NUMBER is stored with 38 digits whatever its precision, a VARCHAR without a length: nothing to rewrite.
		t.columns[i].Column = *change.Retype
	default:
		for _, c := range change.Add {
			for _, d := range t.add(c).definitions() {
				alter("ADD COLUMN %s", d)
			}
		}
		for _, c := range change.Drop {
			i, err := t.index(c)
			if err != nil {
				return fmt.Errorf("alter table %s: %w", name, err)
			}
			for _, p := range t.columns[i].parts() {
				alter("DROP COLUMN %s", p)
			}
			t.columns = slices.Delete(t.columns, i, i+1)
		}
	}
	if err := e.execute(ctx, append(statements, t.createView(name))...); err != nil {
		return fmt.Errorf("alter table %s: %w", name, err)
	}
	e.tables[name] = &t
	return nil
}

// execute runs statements in one transaction.
func (e *Engine) execute(ctx context.Context, statements ...string) error {
	tx, err := e.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

// viewName is the table's own name unless it differs from another one's in case alone: DuckDB folds names that it compares.
func (e *Engine) viewName(name snowflake.TableName) string {
	taken := map[string]bool{}
	for n, t := range e.tables {
		if strings.EqualFold(n.Database+"."+n.Schema, name.Database+"."+name.Schema) {
			taken[strings.ToLower(t.view)] = true
		}
	}
	return free(name.Table, taken)
}

// free is name, or name with a number behind it.
func free(name string, taken map[string]bool) string {
	for i, n := 2, name; ; i++ {
		if !taken[strings.ToLower(n)] {
			return n
		}
		n = fmt.Sprintf("%s~%d", name, i)
	}
}

// rowsSchema has a name that no file has, for a file's name is a catalogue's, and would be mistaken for it.
const rowsSchema = `"snowflake rows"`

func (t *table) rows() string { return rowsSchema + "." + t.store }

func (t *table) index(name string) (int, error) {
	i := slices.IndexFunc(t.columns, func(c column) bool { return c.Name == name })
	if i < 0 {
		return 0, fmt.Errorf("no column %q", name)
	}
	return i, nil
}

func (t *table) add(c snowflake.Column) column {
	t.made++
	n := column{Column: c, store: fmt.Sprintf("c%d", t.made)}
	t.columns = append(t.columns, n)
	return n
}

func (t *table) createView(name snowflake.TableName) string {
	taken := map[string]bool{}
	shown := make([]string, len(t.columns))
	for i, c := range t.columns {
		as := free(c.Name, taken)
		taken[strings.ToLower(as)] = true
		shown[i] = c.shown() + " AS " + quote(as)
	}
	if len(shown) == 0 {
		shown = []string{"NULL"}
	}
	return fmt.Sprintf("CREATE VIEW %s.%s AS SELECT %s FROM %s", schemaOf(name), quote(t.view), strings.Join(shown, ", "), t.rows())
}

func (t *table) dropView(name snowflake.TableName) string {
	return "DROP VIEW " + schemaOf(name) + "." + quote(t.view)
}

func schemaOf(n snowflake.TableName) string { return quote(n.Database + "." + n.Schema) }

// quote writes a name. DuckDB ends a statement at a NUL.
func quote(name string) string {
	return `"` + strings.ReplaceAll(strings.ReplaceAll(name, "\x00", "~"), `"`, `""`) + `"`
}
