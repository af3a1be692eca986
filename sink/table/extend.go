package table

import "kinesis-snowflake/internal/row"

// Extension says what a table lacks for the rows observed.
type Extension struct {
	// Add are the columns to create, the connector's own first where the table lacks them.
	Add []Column
	// Replan is true if a new plan would know keys that this one does not: after the DDL for Add, if there is any,
	// read DESC TABLE and call NewPlan. When nothing is to be added, the last DESC TABLE will do.
	Replan bool
}

// Extend compares the plan with what was observed. It changes nothing, and gives the same answer for the same
// dictionary: new columns stand in the order in which their keys were first seen.
func (p *Plan) Extend(seen *Observation) Extension {
	var ext Extension
	have := map[string]bool{}
	for i := range p.table {
		have[p.table[i].Name] = true
	}
	for _, c := range []Column{{Name: MetadataColumn, Type: objectType}, {Name: RescuedColumn, Type: variantType}} {
		if !have[c.Name] {
			ext.Add = append(ext.Add, c)
		}
	}
	own, room := len(ext.Add), p.limit()-len(p.inTable)
	added := map[string]int{} // name -> index in ext.Add
	var saw []kinds
	for key := range seen.keys {
		bits := seen.keys[key]
		if bits == 0 || !p.unknown(row.Key(key)) {
			continue
		}
		name, _ := ColumnName(p.config.Keys.Name(row.Key(key)))
		ext.Replan = true
		if have[name] {
			continue
		}
		i, ok := added[name]
		if !ok {
			if len(ext.Add)-own >= room {
				continue
			}
			i = len(ext.Add)
			added[name] = i
			ext.Add = append(ext.Add, Column{Name: name})
			saw = append(saw, 0)
		}
		saw[i-own] |= bits
	}
	for i := range saw {
		c := &ext.Add[own+i]
		var pinned bool
		if c.Type, pinned = p.config.Pins[c.Name]; !pinned {
			c.Type = saw[i].infer()
		}
	}
	ext.Replan = ext.Replan || len(ext.Add) > 0
	return ext
}

func (p *Plan) unknown(key row.Key) bool {
	f := row.Field{Key: key}
	if int(key) >= len(p.slots) {
		f.Name = []byte(p.config.Keys.Name(key))
	}
	return p.slot(&f) == slotUnknown
}
