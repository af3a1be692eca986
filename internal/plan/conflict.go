package plan

import (
	"fmt"
	"slices"
	"strings"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/table"
)

// conflict is nil for a column that has a place for its values, whichever come first.
func (a *analysis) conflict(c *column) *Conflict {
	unfit := 0
	for _, v := range c.values {
		if v.reason != table.ReasonNone && v.reason != table.ReasonDuplicate && v.reason != table.ReasonHostile {
			unfit++
		}
	}
	out := &Conflict{Column: c.Name, Type: c.Type.String(), By: c.by, Values: c.kinds, Rescued: unfit}
	types := c.types()
	switch {
	case unfit > 0:
		do, goes := "do", "go"
		if unfit == 1 {
			do, goes = "does", "goes"
		}
		out.Why = fmt.Sprintf("%s of %s %s not fit %s and %s to %s", plural(unfit, "value"), thousands(len(c.values)), do, c.Type, goes, table.RescuedColumn)
		if len(types) > 1 && c.by == ByInference {
			out.Why += "; the column becomes " + strings.Join(types, " or ") + ", as its first batch has it"
		}
	case len(types) > 1 && c.by == ByInference:
		out.Why = "the column becomes " + strings.Join(types, " or ") + ", as its first batch has it, and values that do not fit go to " + table.RescuedColumn
	default:
		return nil
	}
	return out
}

// types are those that a batch with one kind of the values would give the column, in the order in which they came.
func (c *column) types() (types []string) {
	for _, k := range c.kinds {
		if !slices.Contains(types, k.Type) {
			types = append(types, k.Type)
		}
	}
	return types
}

// fields are the values that a type may have a place for.
func (a *analysis) fields(c *column) (fields []row.Field) {
	for _, v := range c.values {
		if v.reason != table.ReasonHostile {
			fields = append(fields, a.rows[v.row].Fields[v.field])
		}
	}
	return fields
}

// widest is the type that has a place for all the values, that which inference finds for all of them at once if it has.
func (a *analysis) widest(c *column) table.Type {
	fields := a.fields(c)
	t := newTyper(false)
	candidates := []table.Type{t.infer(fields)}
	if candidates[0].Base == table.Float {
		candidates = append(candidates, table.Type{Base: table.Number, Precision: table.MaxPrecision, Scale: scaleOf(fields)})
	}
	candidates = append(candidates, table.ParseType("VARCHAR"), table.ParseType("VARIANT"))
	for _, typ := range candidates {
		if t.holds(typ, fields) {
			return typ
		}
	}
	return table.ParseType("VARIANT")
}

// scaleOf is the number of digits after the point that the values need, as they are written.
func scaleOf(fields []row.Field) int {
	scale := 0
	for _, f := range fields {
		if _, after, ok := strings.Cut(string(f.Value), "."); ok {
			digits := strings.IndexAny(after, "eE")
			if digits < 0 {
				digits = len(after)
			}
			scale = max(scale, digits)
		}
	}
	return min(scale, table.MaxPrecision-1)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%s %ss", thousands(n), what)
}

// thousands writes a number with commas.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
