package step

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/jsonscan"
)

type scanner = jsonscan.Scanner

// maxKept is how many bytes of memory for values a Runner keeps between records.
const maxKept = 1 << 20

// Bounds of what one document may become by unnest: rows, and bytes of all rows together, since each row repeats what the
// others have beside their element.
const (
	maxRows   = 1 << 16
	maxSpread = 256 << 20
)

// maxBuf is how many bytes the steps may make of one row, names and values: a value set in a million places, or the long key
// of an object with a million members, must not exhaust memory.
const maxBuf = 128 << 20

var errGrown = errors.New("makes more than 128 MiB of the row")

// Runner takes rows through the steps of a Program. It is used by one goroutine at a time.
type Runner struct {
	p    *Program
	scan scanner
	eval evaluator
	buf  []byte // what steps made for the current row; earlier parts stay where they are when it grows
	tmp  []byte // of one value
	sum  [sha256.Size]byte
	macs map[*hasher]hash.Hash

	row   *row.Row
	emit  func(*row.Row) error
	fail  func(index uint32, f *row.Failure)
	index uint32
	spare []row.Field   // memory for flatten
	saved [][]row.Field // by depth of unnest, what each row begins with
}

// Run takes r, whose fields are those of a document, through the steps. It calls emit with r for each row that comes of it, and
// fail for each that failed. Rows, failures and rows that a filter left out are numbered together, by the row's Index, from
// that of r on. Fields have no Key afterwards that they did not have before; r and what it refers to are lent until emit returns,
// and r's fields are changed. The error is emit's own, and then the rows are incomplete.
func (x *Runner) Run(r *row.Row, emit func(*row.Row) error, fail func(index uint32, f *row.Failure)) error {
	if cap(x.buf) > maxKept {
		x.buf = nil
	}
	if cap(x.tmp) > maxKept {
		x.tmp = nil
	}
	x.buf = x.buf[:0]
	x.eval.left = maxWorkOfDocument
	x.row, x.emit, x.fail, x.index = r, emit, fail, r.Index
	err := x.from(0, share{rows: maxRows, bytes: maxSpread})
	x.row, x.emit, x.fail = nil, nil, nil
	if cap(x.spare) > row.MaxKeys {
		x.spare = nil
	}
	for i := range x.saved {
		if cap(x.saved[i]) > row.MaxKeys {
			x.saved[i] = nil
		}
	}
	return err
}

// Multi reports whether one document may become several rows.
func (x *Runner) Multi() bool { return x.p.Multi() }

// share is what the rows that come of one row may take.
type share struct {
	rows, bytes int
	depth       int
}

// from takes the row through the steps from the i-th on.
func (x *Runner) from(i int, s share) error {
	for ; i < len(x.p.steps); i++ {
		st := &x.p.steps[i]
		if u, ok := st.do.(*unnest); ok {
			done, err := u.spread(x, st, i, s)
			if done || err != nil {
				return err
			}
			continue
		}
		keep, err := st.do.run(x, st)
		if err != nil {
			x.refuse(st, err)
			return nil
		}
		if !keep {
			x.p.filtered.Add(1)
			x.index++
			return nil
		}
	}
	x.row.Index = x.index
	x.index++
	return x.emit(x.row)
}

func (x *Runner) refuse(st *compiled, err error) {
	x.fail(x.index, &row.Failure{Stage: row.StageTransform, Reason: fmt.Sprintf("step %d, %s: %s", st.number, st.name, err)})
	x.index++
}

// compiled is a step that is ready to run.
type compiled struct {
	name    string
	number  int // from 1
	onError OnError
	do      doer
}

// doer is what a step does.
type doer interface {
	// run changes the fields of x's row. It reports false if the row is left out. An error is for a failed message; it names the
	// path, but no value, since the log may not hold what the record holds.
	run(x *Runner, st *compiled) (keep bool, err error)
}

// pathError is a fault of the value at a path.
type pathError struct {
	path string
	err  error
}

func (e *pathError) Error() string { return e.path + " " + e.err.Error() }
func (e *pathError) Unwrap() error { return e.err }

func named(f *row.Field, key string) bool {
	return string(f.Name) == key && f.Flags&row.HostileKey == 0
}

// setValue gives a field a value that was made or found inside another.
func (x *Runner) setValue(f *row.Field, v []byte) error {
	kind, flags, err := x.scan.Value(v)
	if err != nil {
		return err
	}
	f.Kind, f.Value, f.Flags = kind, v, f.Flags&row.HostileKey|flags
	return nil
}

var null = []byte("null")

// find returns the value at a path, or nil. A key that a record has twice has its last value.
func find(fields []row.Field, p *path) []byte {
	for i := len(fields) - 1; i >= 0; i-- {
		if f := &fields[i]; named(f, p.segs[0].key) {
			return dig(f.Value, p.segs[1:])
		}
	}
	return nil
}

// dig returns the value below v, or nil.
func dig(v []byte, segs []seg) []byte {
	for i := range segs {
		s := &segs[i]
		var below []byte
		switch {
		case s.kind == isKey && v[0] == '{':
			for w := walk(v); ; {
				key, value, ok := w.member()
				if !ok {
					break
				}
				if spells(key, s.key) {
					below = value
				}
			}
		case s.kind == isIndex && v[0] == '[':
			n := s.index
			if n < 0 {
				n += count(v)
			}
			w := walk(v)
			for ; n >= 0; n-- {
				value, ok := w.element()
				if below = value; !ok {
					break
				}
			}
		}
		if below == nil {
			return nil
		}
		v = below
	}
	return v
}
