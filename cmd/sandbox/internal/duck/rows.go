package duck

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"kinesis-snowflake/internal/standin/snowflake"
)

// Apply implements [snowflake.Engine]. A changed row is deleted and appended again: its id keeps its place in a Scan.
func (e *Engine) Apply(ctx context.Context, changes []snowflake.Change) error {
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return fmt.Errorf("apply: begin: %w", err)
	}
	for _, c := range changes {
		if err := e.change(ctx, conn, c); err != nil {
			_, rerr := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
			return errors.Join(fmt.Errorf("apply to %s: %w", c.Table, err), rerr)
		}
	}
	// A COMMIT that a cancelled context broke off would have an unknown outcome.
	if _, err := conn.ExecContext(context.WithoutCancel(ctx), "COMMIT"); err != nil {
		return fmt.Errorf("apply: commit: %w", err)
	}
	return nil
}

func (e *Engine) change(ctx context.Context, conn *sql.Conn, c snowflake.Change) error {
	t, err := e.table(c.Table)
	if err != nil {
		return err
	}
	if c.Truncate {
		if _, err := conn.ExecContext(ctx, "DELETE FROM "+t.rows()); err != nil {
			return err
		}
	}
	gone := slices.Clone(c.Delete)
	for _, r := range c.Update {
		gone = append(gone, r.ID)
	}
	for ids := range slices.Chunk(gone, 10_000) {
		list := make([]byte, 0, 8*len(ids))
		for i, id := range ids {
			if i > 0 {
				list = append(list, ',')
			}
			list = strconv.AppendInt(list, id, 10)
		}
		if _, err := conn.ExecContext(ctx, fmt.Sprintf("DELETE FROM %s WHERE id IN (%s)", t.rows(), list)); err != nil {
			return err
		}
	}
	if len(c.Update)+len(c.Insert) == 0 {
		return nil
	}
	return conn.Raw(func(raw any) error {
		a, err := duckdb.NewAppenderFromConn(raw.(driver.Conn), strings.Trim(rowsSchema, `"`), t.store)
		if err != nil {
			return err
		}
		for _, rows := range [][]snowflake.Row{c.Update, c.Insert} {
			if err := t.append(ctx, a, rows); err != nil {
				return errors.Join(err, a.Clear(), a.Close())
			}
		}
		return a.Close()
	})
}

func (t *table) append(ctx context.Context, a *duckdb.Appender, rows []snowflake.Row) error {
	buf := make([]driver.Value, 0, 1+3*len(t.columns))
	for i, r := range rows {
		if i%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		buf = append(buf[:0], r.ID)
		for k, c := range t.columns {
			var v snowflake.Value
			if k < len(r.Values) {
				v = r.Values[k]
			}
			var err error
			if buf, err = c.append(buf, v); err != nil {
				return err
			}
		}
		if err := a.AppendRow(buf...); err != nil {
			return err
		}
	}
	return nil
}

// Scan implements [snowflake.Engine].
func (e *Engine) Scan(ctx context.Context, name snowflake.TableName, columns []string, fn func(int64, []snowflake.Value) error) error {
	rows, picked, err := e.scan(ctx, name, columns)
	if err != nil {
		return fmt.Errorf("scan %s: %w", name, err)
	}
	defer rows.Close()
	cells := make([]any, 1, 1+3*len(picked))
	for _, c := range picked {
		cells = append(cells, make([]any, len(c.parts()))...)
	}
	pointers := make([]any, len(cells))
	for i := range cells {
		pointers[i] = &cells[i]
	}
	values := make([]snowflake.Value, len(picked))
	for rows.Next() {
		if err := rows.Scan(pointers...); err != nil {
			return fmt.Errorf("scan %s: %w", name, err)
		}
		rest := cells[1:]
		for i, c := range picked {
			if values[i], rest, err = c.value(rest); err != nil {
				return fmt.Errorf("scan %s: %w", name, err)
			}
		}
		if err := fn(cells[0].(int64), values); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("scan %s: %w", name, err)
	}
	return nil
}

// scan opens the rows. The table may change between the look at its columns and the query: then it looks again.
func (e *Engine) scan(ctx context.Context, name snowflake.TableName, columns []string) (*sql.Rows, []column, error) {
	for {
		t, err := e.table(name)
		if err != nil {
			return nil, nil, err
		}
		picked := t.columns
		if columns != nil {
			picked = make([]column, len(columns))
			for i, c := range columns {
				k, err := t.index(c)
				if err != nil {
					return nil, nil, err
				}
				picked[i] = t.columns[k]
			}
		}
		parts := []string{"id"}
		for _, c := range picked {
			parts = append(parts, c.parts()...)
		}
		rows, err := e.db.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM %s ORDER BY id", strings.Join(parts, ", "), t.rows()))
		if err == nil {
			return rows, picked, nil
		}
		if now, _ := e.table(name); now == t || ctx.Err() != nil {
			return nil, nil, err
		}
	}
}
