package table

import (
	"slices"

	"kinesis-snowflake/internal/row"
)

// Plan is an immutable mapping of keys to columns, safe for concurrent use.
//
// It lists, in the order of the COPY, those loadable columns of the table that some observed key belongs to. Other
// columns of the table stay out of the COPY, so that their defaults work.
type Plan struct {
	config  Config
	wants   *wants
	table   []Column
	inTable map[string]int32 // name -> index in table
	columns []Column
	quoted  [][]byte         // the columns' names as JSON strings
	byName  map[string]int32 // name -> index in columns
	slots   []int32          // by row.Key: index in columns, or slotRescue, slotUnknown
	must    []bool           // by index in columns: a row without a value is failed
	fixed   []bool           // by index in columns: its type is never widened
	keys    [][]byte         // by row.Key: its name as a JSON string, nil where no text holds it; only where record
	full    bool             // no more columns by inference
	notNull bool             // some of columns is NOT NULL
	strict  bool             // some of columns must have a value
	record  bool             // the only column is RecordColumn, and holds whole records
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
	if prev != nil {
		p.wants = prev.wants
	} else {
		p.wants = newWants(&config)
	}
	users := 0
	for i := range p.table {
		c := &p.table[i]
		switch {
		case c.Name == RescuedColumn && c.Type.Base != Variant:
			return nil, &ColumnTypeError{Column: *c, Want: "VARIANT"}
		case c.Name == MetadataColumn && c.Type.Base != Object && c.Type.Base != Variant:
			return nil, &ColumnTypeError{Column: *c, Want: "OBJECT"}
		case config.Variant && c.Name == RecordColumn && c.Type.Base != Object && c.Type.Base != Variant:
			return nil, &ColumnTypeError{Column: *c, Want: "VARIANT"}
		case !c.own():
			p.inTable[c.Name] = int32(i)
			users++
		}
	}
	p.full = users >= config.ColumnLimit() || config.Freeze
	if config.Variant {
		p.planRecord(prev)
		return p, nil
	}
	names, used := p.keyNames(seen)
	for i := range p.table {
		used[p.table[i].Name] = used[p.table[i].Name] || p.mustFill(&p.table[i])
	}
	p.chooseColumns(used, prev)
	p.slots = make([]int32, len(names))
	for key, name := range names {
		p.slots[key] = p.place(name)
	}
	return p, nil
}

// planRecord lists the one column of a table of whole records.
func (p *Plan) planRecord(prev *Plan) {
	p.record = true
	p.chooseColumns(map[string]bool{RecordColumn: true}, prev)
	p.keys = make([][]byte, p.config.Keys.Len())
	for key := range p.keys {
		if name := []byte(p.config.Keys.Name(row.Key(key))); !hostileText(name) {
			p.keys[key] = appendString(nil, name)
		}
	}
}

// mustFill reports whether rows without a value for a column are failed for it, also where no key of theirs belongs to it.
func (p *Plan) mustFill(c *Column) bool {
	if w := p.wants.find(c.Name); w != nil && w.must || c.NotNull && slices.Contains(p.config.Required, c.Name) {
		return c.loadable()
	}
	return p.config.Freeze && !p.config.Variant && c.NotNull && !c.HasDefault && c.loadable() && !c.own()
}

// keyNames returns the column name of every key so far, "" for keys that can have none, and the set of names that
// have values.
func (p *Plan) keyNames(seen *Observation) (names []string, used map[string]bool) {
	names = make([]string, p.config.Keys.Len())
	used = map[string]bool{}
	for key := range names {
		name, ok := p.wants.column(p.config.Keys.Name(row.Key(key)))
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
		c, w := p.table[i], p.wants.find(name)
		must := p.mustFill(&c) || p.config.Freeze && c.NotNull
		c.NotNull = c.NotNull || must
		p.columns = append(p.columns, c)
		p.quoted = append(p.quoted, appendString(nil, []byte(name)))
		p.must = append(p.must, must)
		p.fixed = append(p.fixed, p.config.Freeze || w != nil && w.pinned)
		p.notNull, p.strict = p.notNull || c.NotNull, p.strict || must
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
	if p.full && !(p.wants.find(name) != nil && p.growing()) {
		return slotRescue
	}
	return slotUnknown
}

// growing reports whether columns of pins and hints are added.
func (p *Plan) growing() bool { return !p.config.Freeze || p.creates() }

// creates reports whether there is no table yet.
func (p *Plan) creates() bool { return len(p.table) == 0 }

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
	name, ok := p.wants.appendColumn(buf[:0], f.Name)
	if !ok {
		return slotRescue
	}
	if slot, ok := p.byName[string(name)]; ok {
		return slot
	}
	if f.Key == row.NoKey {
		return slotRescue
	}
	if i, ok := p.inTable[string(name)]; ok && p.table[i].loadable() {
		return slotUnknown
	}
	if _, wanted := p.wants.index[string(name)]; p.full && !(wanted && p.growing()) {
		return slotRescue
	}
	return slotUnknown
}

// Covers reports whether p decides the column of every value of r. If not, r is to be observed, and encoded under a
// plan that knows its keys.
func (p *Plan) Covers(r *row.Row) bool {
	if p.record {
		return true
	}
	for i := range r.Fields {
		if f := &r.Fields[i]; f.Kind != row.Null && p.slot(f) == slotUnknown {
			return false
		}
	}
	return true
}

// MadeFor reports whether the plan was made for a table with these columns.
func (p *Plan) MadeFor(columns []Column) bool { return slices.Equal(p.table, columns) }

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
		}) && slices.Equal(prev.must, p.must[:len(prev.must)]) && !slices.Contains(p.must[len(prev.must):], true)
}

// Unfilled returns the columns of the table that are NOT NULL, have no default, and that no key feeds: every COPY
// fails until they accept NULL.
func (p *Plan) Unfilled() []string {
	var names []string
	for i := range p.table {
		c := &p.table[i]
		if _, fed := p.byName[c.Name]; c.NotNull && !c.HasDefault && !c.Computed && !fed && c.Name != MetadataColumn {
			names = append(names, c.Name)
		}
	}
	return names
}

// Frozen reports whether the plan is for a table that is neither there nor described by pins or hints, and that
// inference may not make.
func (p *Plan) Frozen() bool {
	return p.config.Freeze && p.creates() && !p.record && !slices.ContainsFunc(p.wants.list, func(w want) bool { return w.Type != Type{} })
}

// Disputed returns the pinned columns whose type in the table is another, and cannot be widened to the pin's: the
// table's rules.
func (p *Plan) Disputed() []Dispute {
	var all []Dispute
	for i := range p.wants.list {
		w := &p.wants.list[i]
		at, ok := p.inTable[w.Name]
		if !ok || !w.pinned || p.record {
			continue
		}
		have := p.table[at].Type
		bare := have
		if bare.Base == Varchar {
			bare.Text = "" // a pin says nothing of a collation
		}
		if bare != w.Type && (p.config.Freeze || !widens(have, w.Type)) {
			all = append(all, Dispute{Column: w.Name, Pinned: w.Type, Table: have})
		}
	}
	return all
}

// Dispute is a column of two types.
type Dispute struct {
	Column        string
	Pinned, Table Type
}
