package lease

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
)

// memory is a Store without a server. The conformance suite holds it to the same contract as the real one.
type memory struct {
	mu   sync.Mutex
	rows map[string]Lease
}

var _ Store = (*memory)(nil)

func newMemory(rows ...Lease) *memory {
	m := &memory{rows: map[string]Lease{}}
	for _, l := range rows {
		m.rows[l.Key] = l
	}
	return m
}

func (m *memory) Ensure(context.Context) error { return nil }

func (m *memory) Scan(context.Context) (Scan, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var s Scan
	for _, key := range slices.Sorted(maps.Keys(m.rows)) {
		s.Leases = append(s.Leases, m.rows[key])
	}
	return s, nil
}

func (m *memory) Create(_ context.Context, l Lease) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.rows[l.Key]; !ok {
		l.Owner, l.CheckpointOwner, l.Counter, l.OwnerSwitches, l.Children = "", "", 0, 0, nil
		m.rows[l.Key] = l
	}
	return nil
}

func (m *memory) Update(_ context.Context, u Update) (Lease, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, ok := m.rows[u.Key]
	switch {
	case !ok:
		return Lease{}, &Error{Op: "write", Class: ClassLost, Err: errors.New("no row")}
	case u.Written(l):
		return l, nil
	case !u.Holds(l):
		return Lease{}, &Error{Op: "write", Class: ClassLost, Found: &l, Err: errors.New(describe(&l))}
	}
	l = u.Apply(l)
	m.rows[u.Key] = l
	return l, nil
}

func (m *memory) Delete(_ context.Context, key string, counter int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, ok := m.rows[key]
	if ok && (l.Counter != counter || !l.Finished()) {
		return &Error{Op: "delete", Class: ClassLost, Found: &l, Err: errors.New(describe(&l))}
	}
	delete(m.rows, key)
	return nil
}

func (m *memory) row(key string) Lease {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rows[key]
}
