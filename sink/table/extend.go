package table

import "kinesis-snowflake/internal/row"

// Extension says what a table lacks for the rows observed.
type Extension struct {
	// Add are the columns to create: the connector's own where the table lacks them, then those of pins and hints in
	// their order, then the others as they came.
	Add []Column
	// Widen are columns that a pin gives a wider type than they have, with that type.
	Widen []Column
	// Replan is true if a new plan would know keys that this one does not: after the DDL for Add and Widen, if there is
	// any, read DESC TABLE and call NewPlan. When nothing is to be changed, the last DESC TABLE will do.
	Replan bool
}

// Extend compares the plan with what was observed. It changes nothing, and gives the same answer for the same
// dictionary: new columns stand in the order in which their keys were first seen.
func (p *Plan) Extend(seen *Observation) Extension {
	var ext Extension
	for _, c := range p.config.own() {
		if !p.has(c.Name) {
			ext.Add = append(ext.Add, c)
		}
	}
	if !p.record {
		p.extendKeys(&ext, seen)
	}
	ext.Replan = ext.Replan || len(ext.Add) > 0 || len(ext.Widen) > 0
	return ext
}

func (p *Plan) has(name string) bool {
	for i := range p.table {
		if p.table[i].Name == name {
			return true
		}
	}
	return false
}

func (p *Plan) extendKeys(ext *Extension, seen *Observation) {
	saw := map[string]kinds{} // of columns that the table lacks
	var came []string         // those that nothing wants, in the order in which they came
	for key, bits := range seen.keys {
		if bits == 0 || !p.unknown(row.Key(key)) {
			continue
		}
		ext.Replan = true
		name, _ := p.wants.column(p.config.Keys.Name(row.Key(key)))
		if p.has(name) {
			continue
		}
		if _, ok := saw[name]; !ok && p.wants.find(name) == nil {
			came = append(came, name)
		}
		saw[name] |= bits
	}
	room := p.config.ColumnLimit() - len(p.inTable)
	if p.growing() {
		room -= p.extendWants(ext, saw)
	}
	if p.config.Freeze {
		room = 0
	}
	for _, name := range came[:min(len(came), max(room, 0))] {
		ext.Add = append(ext.Add, Column{Name: name, Type: saw[name].infer()})
	}
}

// extendWants adds what pins and hints want, and returns how many columns that are.
func (p *Plan) extendWants(ext *Extension, saw map[string]kinds) (added int) {
	for i := range p.wants.list {
		w := &p.wants.list[i]
		if at, ok := p.inTable[w.Name]; ok {
			if w.pinned && widens(p.table[at].Type, w.Type) {
				wide := w.Type
				if wide.Base == Varchar {
					wide.Text = p.table[at].Type.Text
				}
				ext.Widen = append(ext.Widen, Column{Name: w.Name, Type: wide})
			}
			continue
		}
		c := w.Column
		if c.Type == (Type{}) {
			if saw[w.Name] == 0 {
				continue // a name alone: its column comes with its first value
			}
			c.Type = saw[w.Name].infer()
		}
		if !p.has(w.Name) {
			ext.Add = append(ext.Add, c)
			added++
		}
	}
	return added
}

func (p *Plan) unknown(key row.Key) bool {
	f := row.Field{Key: key}
	if int(key) >= len(p.slots) {
		f.Name = []byte(p.config.Keys.Name(key))
	}
	return p.slot(&f) == slotUnknown
}
