package snowflake

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Memory is an [Engine] that keeps rows in Go. It answers no queries of its own: the server's evaluator is all it needs.
type Memory struct {
	mu     sync.RWMutex
	tables map[TableName]*memoryTable
}

// A memoryTable's rows slice is never changed in place below its length, so that a Scan may walk the slice it took without
// a lock: appends go behind what it sees, updates and deletes build a new slice.
type memoryTable struct {
	columns []Column
	rows    []Row // by id, ascending
}

// NewMemory makes an empty engine.
func NewMemory() *Memory { return &Memory{tables: map[TableName]*memoryTable{}} }

var _ Engine = (*Memory)(nil)

// CreateTable implements [Engine].
func (m *Memory) CreateTable(_ context.Context, name TableName, columns []Column) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tables[name] != nil {
		return fmt.Errorf("create table %s: exists", name)
	}
	m.tables[name] = &memoryTable{columns: slices.Clone(columns)}
	return nil
}

// DropTable implements [Engine].
func (m *Memory) DropTable(_ context.Context, name TableName) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.tables, name)
	return nil
}

// RenameTable implements [Engine].
func (m *Memory) RenameTable(_ context.Context, from, to TableName) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tables[from]
	if t == nil || m.tables[to] != nil {
		return fmt.Errorf("rename table %s to %s: missing, or the new name is taken", from, to)
	}
	delete(m.tables, from)
	m.tables[to] = t
	return nil
}

// AlterTable implements [Engine]. Rows made before an added column stay short; Scan reads what is missing as NULL.
func (m *Memory) AlterTable(_ context.Context, name TableName, change Alteration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.tables[name]
	if old == nil {
		return fmt.Errorf("alter table %s: missing", name)
	}
	t := &memoryTable{columns: slices.Clone(old.columns), rows: old.rows}
	switch {
	case change.Rename != nil:
		t.columns[t.index(change.Rename.From)].Name = change.Rename.To
	case change.Retype != nil:
		t.columns[t.index(change.Retype.Name)] = *change.Retype
	default:
		t.columns = append(t.columns, change.Add...)
		for _, c := range change.Drop {
			i := t.index(c)
			t.columns = slices.Delete(t.columns, i, i+1)
			rows := make([]Row, len(t.rows))
			for k, r := range t.rows {
				if i < len(r.Values) {
					r.Values = slices.Delete(slices.Clone(r.Values), i, i+1)
				}
				rows[k] = r
			}
			t.rows = rows
		}
	}
	m.tables[name] = t
	return nil
}

// Apply implements [Engine].
func (m *Memory) Apply(_ context.Context, changes []Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range changes {
		if m.tables[c.Table] == nil {
			return fmt.Errorf("apply to %s: missing", c.Table)
		}
	}
	for _, c := range changes {
		t := m.tables[c.Table]
		rows := t.rows
		if c.Truncate {
			rows = nil
		}
		if len(c.Update)+len(c.Delete) > 0 {
			rows = rewrite(rows, c)
		}
		rows = append(rows, c.Insert...)
		if n := len(rows) - len(c.Insert); n > 0 && len(c.Insert) > 0 && rows[n-1].ID > c.Insert[0].ID {
			rows = slices.Clone(rows)
			slices.SortFunc(rows, func(a, b Row) int { return int(a.ID - b.ID) })
		}
		m.tables[c.Table] = &memoryTable{columns: t.columns, rows: rows}
	}
	return nil
}

func rewrite(rows []Row, c Change) []Row {
	replaced := make(map[int64]Row, len(c.Update)+len(c.Delete))
	for _, r := range c.Update {
		replaced[r.ID] = r
	}
	for _, id := range c.Delete {
		replaced[id] = Row{}
	}
	out := make([]Row, 0, len(rows)+len(c.Insert))
	for _, r := range rows {
		if n, ok := replaced[r.ID]; !ok {
			out = append(out, r)
		} else if n.ID != 0 {
			out = append(out, n)
		}
	}
	return out
}

// Scan implements [Engine].
func (m *Memory) Scan(ctx context.Context, name TableName, columns []string, fn func(int64, []Value) error) error {
	m.mu.RLock()
	t := m.tables[name]
	m.mu.RUnlock()
	if t == nil {
		return fmt.Errorf("scan %s: missing", name)
	}
	pick := make([]int, len(columns), max(len(columns), len(t.columns)))
	for i, c := range columns {
		if pick[i] = t.index(c); pick[i] < 0 {
			return fmt.Errorf("scan %s: no column %q", name, c)
		}
	}
	if columns == nil {
		for i := range t.columns {
			pick = append(pick, i)
		}
	}
	buf := make([]Value, len(pick))
	for i, r := range t.rows {
		if i%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for k, p := range pick {
			buf[k] = Value{}
			if p < len(r.Values) {
				buf[k] = r.Values[p]
			}
		}
		if err := fn(r.ID, buf); err != nil {
			return err
		}
	}
	return nil
}

// Query implements [Engine]: it knows no SQL.
func (m *Memory) Query(context.Context, string, SessionInfo) (*ResultSet, error) {
	return nil, fmt.Errorf("%w: the memory engine runs no SQL of its own", ErrUnsupported)
}

func (t *memoryTable) index(name string) int {
	return slices.IndexFunc(t.columns, func(c Column) bool { return c.Name == name })
}
