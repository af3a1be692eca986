package table

import (
	"slices"

	"kinesis-snowflake/internal/row"
)

// DefaultColumnLimit is the number of columns of a table, the connector's own two aside, from which on no more are
// added by inference.
const DefaultColumnLimit = 500

// Config is what does not change between the plans of a table.
type Config struct {
	Keys *row.Keys
	// Pins are the types of columns, by the column's name, that are decided before inference. A pinned column counts
	// as inferred: it is added when its first value comes.
	Pins map[string]Type
	// Limit replaces DefaultColumnLimit; negative means that no column may be added, and that the values of unknown
	// keys are rescued.
	Limit int
}

// Plan is an immutable mapping of keys to columns, safe for concurrent use.
//
// It lists, in the order of the COPY, those loadable columns of the table that some observed key belongs to. Other
// columns of the table stay out of the COPY, so that their defaults work.
type Plan struct {
	config  Config
	table   []Column
	inTable map[string]int32 // name -> index in table
	columns []Column
	quoted  [][]byte         // the columns' names as JSON strings
	byName  map[string]int32 // name -> index in columns
	slots   []int32          // by row.Key: index in columns, or slotRescue, slotUnknown
	full    bool             // no more columns by inference
	notNull bool             // some of columns is NOT NULL
}

const (
	slotRescue  = -1
	slotUnknown = -2
)

// NewPlan makes the plan for a table whose columns are as DESC TABLE reports them (none, if there is no such table
// yet), for the keys that seen has values of, and those of prev. prev, which may be nil, is the plan so far: its
// columns keep their places as long as the table still has them. A key that has values but no column is unknown to the
// plan, until the limit of columns is reached; from then on it is rescued.
//
// It returns a *ColumnTypeError if one of the connector's own columns has a type that cannot be loaded.
func NewPlan(config Config, columns []Column, seen *Observation, prev *Plan) (*Plan, error) {
	p := &Plan{config: config, table: slices.Clone(columns), inTable: map[string]int32{}, byName: map[string]int32{}}
	users := 0
	for i := range p.table {
		c := &p.table[i]
		switch {
		case c.Name == RescuedColumn && c.Type.Base != Variant:
			return nil, &ColumnTypeError{Column: *c, Want: "VARIANT"}
		case c.Name == MetadataColumn && c.Type.Base != Object && c.Type.Base != Variant:
			return nil, &ColumnTypeError{Column: *c, Want: "OBJECT"}
		case !c.own():
			p.inTable[c.Name] = int32(i)
			users++
		}
	}
	p.full = users >= p.limit()

	names, used := p.keyNames(seen)
	p.chooseColumns(used, prev)
	p.slots = make([]int32, len(names))
	for key, name := range names {
		p.slots[key] = p.place(name)
	}
	return p, nil
}

func (p *Plan) limit() int {
	switch {
	case p.config.Limit < 0:
		return 0
	case p.config.Limit == 0:
		return DefaultColumnLimit
	}
	return p.config.Limit
}

// keyNames returns the column name of every key so far, "" for keys that can have none, and the set of names that
// have values.
func (p *Plan) keyNames(seen *Observation) (names []string, used map[string]bool) {
	names = make([]string, p.config.Keys.Len())
	used = map[string]bool{}
	for key := range names {
		name, ok := ColumnName(p.config.Keys.Name(row.Key(key)))
		if !ok {
			continue
		}
		names[key] = name
		if seen != nil && seen.saw(row.Key(key)) != 0 {
			used[name] = true
		}
	}
	return names, used
}

// chooseColumns lists the used columns that can be loaded: those of prev in their order, then the others in the
// table's.
func (p *Plan) chooseColumns(used map[string]bool, prev *Plan) {
	add := func(name string) {
		i, ok := p.inTable[name]
		if !ok || !p.table[i].loadable() {
			return
		}
		if _, ok := p.byName[name]; ok {
			return
		}
		p.byName[name] = int32(len(p.columns))
		p.columns = append(p.columns, p.table[i])
		p.quoted = append(p.quoted, appendString(nil, []byte(name)))
		p.notNull = p.notNull || p.table[i].NotNull
	}
	if prev != nil {
		for i := range prev.columns {
			add(prev.columns[i].Name)
		}
	}
	for i := range p.table {
		if used[p.table[i].Name] {
			add(p.table[i].Name)
		}
	}
}

// place decides a key by the name of its column.
func (p *Plan) place(name string) int32 {
	if name == "" {
		return slotRescue
	}
	if slot, ok := p.byName[name]; ok {
		return slot
	}
	if i, ok := p.inTable[name]; ok {
		if !p.table[i].loadable() {
			return slotRescue
		}
		return slotUnknown // a column that needs no DDL, but a plan that lists it
	}
	if p.full {
		return slotRescue
	}
	return slotUnknown
}

// slot returns the index of a field's column, slotRescue or slotUnknown. Keys younger than the plan, and names that
// the dictionary had no room for, are looked up by name once no more columns can be added.
func (p *Plan) slot(f *row.Field) int32 {
	if uint(f.Key) < uint(len(p.slots)) {
		return p.slots[f.Key]
	}
	if f.Flags&row.HostileKey != 0 {
		return slotRescue // its name is raw text, which the key of a column may spell
	}
	var buf [MaxNameLength + 1]byte
	name, ok := AppendColumnName(buf[:0], f.Name)
	if !ok {
		return slotRescue
	}
	if slot, ok := p.byName[string(name)]; ok {
		return slot
	}
	if i, ok := p.inTable[string(name)]; ok && p.table[i].loadable() && f.Key != row.NoKey {
		return slotUnknown
	}
	if p.full || f.Key == row.NoKey {
		return slotRescue
	}
	return slotUnknown
}

// Covers reports whether p decides the column of every value of r. If not, r is to be observed, and encoded under a
// plan that knows its keys.
func (p *Plan) Covers(r *row.Row) bool {
	for i := range r.Fields {
		if f := &r.Fields[i]; f.Kind != row.Null && p.slot(f) == slotUnknown {
			return false
		}
	}
	return true
}

// Columns returns the columns of the COPY after the connector's own, in the order of the load file's values. The
// caller must not change them.
func (p *Plan) Columns() []Column { return p.columns }

// Full reports whether the table has so many columns that keys without one are rescued from now on: worth one warning.
func (p *Plan) Full() bool { return p.full }

// Extends reports whether a line encoded under prev is also a line for p: prev's columns are p's first, with the same
// types.
func (p *Plan) Extends(prev *Plan) bool {
	return prev == nil || len(p.columns) >= len(prev.columns) &&
		slices.EqualFunc(prev.columns, p.columns[:len(prev.columns)], func(a, b Column) bool {
			return a.Name == b.Name && a.Type == b.Type
		})
}

// Unfilled returns the columns of the table that are NOT NULL, have no default, and that no key feeds: every COPY
// fails until they accept NULL.
func (p *Plan) Unfilled() []string {
	var names []string
	for i := range p.table {
		c := &p.table[i]
		if _, fed := p.byName[c.Name]; c.NotNull && !c.HasDefault && !c.Computed && !fed && !c.own() {
			names = append(names, c.Name)
		}
	}
	return names
}
