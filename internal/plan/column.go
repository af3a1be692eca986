package plan

import (
	"slices"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/table"
	"kinesis-snowflake/transform/step"
)

// column is a column of the table as it would be, and the values for it.
type column struct {
	table.Column
	by      By
	keys    []string
	kinds   []Kind
	values  []fate // with a place or not
	rescued int    // of values, for what they are: duplicates are left out
	filled  int
	example string
}

// kindNames name the kinds for people.
var kindNames = [...]string{
	row.Null: "null", row.False: "boolean", row.True: "boolean", row.Int: "integer", row.Float: "number with a fraction", row.String: "text",
	row.Object: "object", row.Array: "array",
}

// gather sums up the values by column.
func (a *analysis) gather() {
	decided := a.decided()
	for i := range a.shape.columns {
		c := &column{Column: a.shape.columns[i], by: ByInference}
		if by, ok := decided[c.Name]; ok {
			c.by = by
		}
		if a.shape.before[c.Name] && c.by != ByItself {
			c.by = ByTable
		}
		if a.target.config.Variant && c.Name == table.RecordColumn && a.shape.plan != nil {
			a.whole(c)
		}
		a.columns = append(a.columns, c)
		a.byName[c.Name] = c
	}
	typer := newTyper(a.target.config.Timestamps)
	for _, v := range a.fates {
		f := &a.rows[v.row].Fields[v.field]
		if _, known := a.keyed[string(f.Name)]; !known {
			a.order = append(a.order, string(f.Name))
		}
		a.keyed[string(f.Name)]++
		if a.target.config.Variant {
			continue
		}
		n := a.columnOf(f)
		c := a.byName[n.column]
		if !n.ok || c == nil {
			continue
		}
		if !slices.Contains(c.keys, string(f.Name)) {
			c.keys = append(c.keys, string(f.Name))
		}
		c.values = append(c.values, v)
		switch v.reason {
		case table.ReasonNone:
			if c.filled++; c.example == "" {
				c.example = short(a.landed(v, c))
			}
		case table.ReasonDuplicate:
			continue
		case table.ReasonHostile:
			c.rescued++
			continue // no type would hold it
		default:
			c.rescued++
		}
		c.count(kindNames[f.Kind], typer.of(f).String(), f, a.records[a.rows[v.row].record].where())
	}
}

func (c *column) count(kind, typ string, f *row.Field, where Where) {
	for i := range c.kinds {
		if c.kinds[i].Kind == kind && c.kinds[i].Type == typ {
			c.kinds[i].Values++
			return
		}
	}
	c.kinds = append(c.kinds, Kind{Kind: kind, Type: typ, Values: 1, Example: short(string(f.Value)), Where: where})
}

// decided says what gives columns their types, for those that inference does not.
func (a *analysis) decided() map[string]By {
	by := map[string]By{table.MetadataColumn: ByItself, table.RescuedColumn: ByItself}
	if a.target.config.Variant {
		by[table.RecordColumn] = ByItself
	}
	add := func(specs []table.Spec, who By) {
		for i := range specs {
			name, ok := specs[i].Name, true
			if name == "" {
				name, ok = a.target.config.ColumnOf(specs[i].Key)
			}
			if _, known := by[name]; ok && !known && specs[i].Type != (table.Type{}) {
				by[name] = who
			}
		}
	}
	add(a.target.config.Pins, ByPin)
	casts := a.casts()
	for _, h := range a.target.config.Hints {
		who := BySchema
		if casts[h.Key] {
			who = ByCast
		}
		add([]table.Spec{h}, who)
	}
	return by
}

// casts are the keys whose type is that of a cast.
func (a *analysis) casts() map[string]bool {
	keys := map[string]bool{}
	steps, err := step.Compile(a.cfg.Transform.Steps)
	if err != nil || steps == nil {
		return keys // they were compiled before
	}
	for _, h := range steps.Hints(nil) {
		keys[h.Key] = true
	}
	return keys
}

// typer knows which type a new column would have that held one value only.
type typer struct {
	config table.Config
	key    row.Key
	known  map[row.Kind]table.Type
}

func newTyper(timestamps bool) *typer {
	keys := row.NewKeys()
	return &typer{config: table.Config{Keys: keys, Timestamps: timestamps}, key: keys.Intern([]byte("v")), known: map[row.Kind]table.Type{}}
}

func (t *typer) of(f *row.Field) table.Type {
	// Integers of any size, and texts where some are instants, have to be looked at.
	same := !(f.Kind == row.Int && len(f.Value) > table.MaxPrecision || f.Kind == row.String && t.config.Timestamps)
	if same {
		if typ, ok := t.known[f.Kind]; ok {
			return typ
		}
	}
	typ := t.infer([]row.Field{*f})
	if same {
		t.known[f.Kind] = typ
	}
	return typ
}

// infer returns the type of a new column that is for all the values, which are none of them null.
func (t *typer) infer(values []row.Field) table.Type {
	seen := t.config.Observation()
	for _, f := range values {
		f.Key = t.key
		seen.Add(&row.Row{Fields: []row.Field{f}})
	}
	p, err := table.NewPlan(t.config, nil, &seen, nil)
	if err != nil {
		return table.Type{}
	}
	add := p.Extend(&seen).Add
	return add[len(add)-1].Type
}

// holds reports whether a column of a type has a place for all the values that any type has one for.
func (t *typer) holds(typ table.Type, values []row.Field) bool {
	columns := []table.Column{{Name: table.MetadataColumn, Type: table.ParseType("OBJECT")}, {Name: table.RescuedColumn, Type: table.ParseType("VARIANT")}, {Name: "V", Type: typ}}
	var seen table.Observation
	seen.Add(&row.Row{Fields: []row.Field{{Key: t.key, Kind: row.Int, Value: []byte("0")}}})
	p, err := table.NewPlan(t.config, columns, &seen, nil)
	if err != nil {
		return false
	}
	var st table.Stats
	var line []byte
	for _, f := range values {
		f.Key = t.key
		line = table.AppendRow(line[:0], p, "", &row.Row{Fields: []row.Field{f}}, &st)
	}
	return st.RescuedTotal() == st.Rescued[table.ReasonHostile]
}
