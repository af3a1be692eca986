package snowflake

import (
	"errors"
	"slices"
	"strings"
)

// runner walks one SELECT: nested loops over the sources, WHERE, groups, HAVING, DISTINCT, ORDER BY, LIMIT.
type runner struct {
	st       *execution
	scope    *scope
	where    *compiled
	aggs     *aggregation
	having   *compiled
	windows  []window
	qualify  *compiled
	out      []compiled
	order    []orderKey
	distinct bool
	limit    limits

	cache map[*source][]fetched
}

// errLimit ends the walk when LIMIT is reached; an errEnough of the caller goes up to the caller.
var errLimit = errors.New("limit reached")

type fetched struct {
	id  int64
	row []Value
}

// rows gives a source's rows; those of a table are kept, as a statement sees one state of it.
func (r *runner) rows(src *source, outer *env) ([]fetched, error) {
	if rows, ok := r.cache[src]; ok {
		return rows, nil
	}
	var rows []fetched
	var slab []Value
	n := len(src.pick)
	err := src.load(outer, func(id int64, row []Value) error {
		if len(slab) < n {
			slab = make([]Value, max(n*256, n))
		}
		keep := slab[:n:n]
		slab = slab[n:]
		copy(keep, row)
		rows = append(rows, fetched{id, keep})
		return nil
	})
	if err == nil && src.name.Table != "" {
		if r.cache == nil {
			r.cache = map[*source][]fetched{}
		}
		r.cache[src] = rows
	}
	return rows, err
}

// joined calls fn for each combination of source rows that passes the joins and WHERE; ids are those of the first source.
func (r *runner) joined(outer *env, fn func(id int64, e *env) error) error {
	e := &env{parent: outer, rows: make([][]Value, len(r.scope.sources))}
	var firstID int64
	steps := 0
	var walk func(i int) error
	walk = func(i int) error {
		if steps++; steps%4096 == 0 && r.st.ctx.Err() != nil {
			return r.st.cause()
		}
		if i == len(r.scope.sources) {
			if r.where != nil {
				if ok, err := isTrue(*r.where, e); err != nil || !ok {
					return err
				}
			}
			return fn(firstID, e)
		}
		src := r.scope.sources[i]
		rows, err := r.rows(src, outer)
		if err != nil {
			return err
		}
		matched := false
		for _, row := range rows {
			if i == 0 {
				firstID = row.id
			}
			e.rows[i] = row.row
			if src.on != nil {
				ok, err := isTrue(*src.on, e)
				if err != nil {
					return err
				}
				if !ok {
					continue
				}
				matched = true
			}
			if err := walk(i + 1); err != nil {
				return err
			}
		}
		if src.join == "LEFT" && !matched {
			e.rows[i] = nil
			return walk(i + 1)
		}
		return nil
	}
	return walk(0)
}

func (r *runner) each(outer *env, fn func([]Value) error) error {
	var rows []sortedRow
	skip, left := r.limit.offset, r.limit.limit
	seen := map[string]bool{}
	emit := func(row []Value) error {
		if skip > 0 {
			skip--
			return nil
		}
		if left == 0 {
			return errLimit
		}
		left--
		return fn(row)
	}
	project := func(e *env) error {
		if r.having != nil {
			if ok, err := isTrue(*r.having, e); err != nil || !ok {
				return err
			}
		}
		if r.qualify != nil {
			if ok, err := isTrue(*r.qualify, e); err != nil || !ok {
				return err
			}
		}
		row := make([]Value, len(r.out))
		for i, x := range r.out {
			var err error
			if row[i], err = x.run(e); err != nil {
				return err
			}
		}
		if r.distinct {
			k := rowKey(row)
			if seen[k] {
				return nil
			}
			seen[k] = true
		}
		if r.order == nil {
			return emit(row)
		}
		keys := make([]Value, len(r.order))
		for i, o := range r.order {
			var err error
			if keys[i], err = o.key.run(e); err != nil {
				return err
			}
		}
		rows = append(rows, sortedRow{row, keys})
		return nil
	}
	var err error
	if len(r.windows) > 0 {
		err = r.windowed(outer, project)
	} else if r.aggs == nil {
		err = r.joined(outer, func(_ int64, e *env) error { return project(e) })
	} else {
		err = r.aggs.groups(r, outer, project)
	}
	if err == nil && r.order != nil {
		if err = r.sort(rows); err == nil {
			for _, row := range rows {
				if err = emit(row.row); err != nil {
					break
				}
			}
		}
	}
	if errors.Is(err, errLimit) {
		return nil
	}
	return err
}

type sortedRow struct{ row, keys []Value }

func (r *runner) sort(rows []sortedRow) error { return sortRows(rows, r.order, &r.st.formats) }

func sortRows(rows []sortedRow, order []orderKey, f *timeFormats) error {
	var failed error
	slices.SortStableFunc(rows, func(a, b sortedRow) int {
		for i, o := range order {
			x, y := a.keys[i], b.keys[i]
			if x.IsNull() || y.IsNull() {
				n := boolInt(x.IsNull()) - boolInt(y.IsNull())
				if o.nullsFirst {
					n = -n
				}
				if n != 0 {
					return n
				}
				continue
			}
			n, err := f.compare(x, y)
			if err != nil {
				failed = err
			}
			if o.desc {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return 0
	})
	return failed
}

// rowKey tells rows apart for DISTINCT and GROUP BY.
func rowKey(row []Value) string {
	var b strings.Builder
	var f timeFormats
	for _, v := range row {
		b.WriteByte(byte(v.Kind))
		s := f.text(v)
		if v.Kind == KindNumber && strings.IndexByte(s, '.') >= 0 {
			s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		} else if isTimestamp(v.Kind) {
			s = v.Time().UTC().Format("2006-01-02T15:04:05.999999999")
		}
		b.WriteString(strings.ReplaceAll(s, "\x00", "\x00\x01"))
		b.WriteString("\x00\x00")
	}
	return b.String()
}
