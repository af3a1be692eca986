package table

import "kinesis-snowflake/internal/row"

// widens reports whether Snowflake can give a column of type from the wider type to: a longer VARCHAR, or a NUMBER of more
// digits and the same scale (Snowflake docs, "ALTER TABLE ... ALTER COLUMN").
func widens(from, to Type) bool {
	switch {
	case from.Base != to.Base:
		return false
	case from.Base == Varchar:
		return to.Length > from.Length
	case from.Base == Number:
		return to.Scale == from.Scale && to.Precision > from.Precision
	}
	return false
}

// noteWidth remembers what column i would have to be to hold a value that was rescued for its size.
func (p *Plan) noteWidth(i int, f *row.Field, st *Stats) {
	if p.fixed[i] {
		return
	}
	switch t := &p.columns[i].Type; t.Base {
	case Varchar:
		characters, size := len(f.Value), len(f.Value)
		if f.Kind == row.String {
			characters, size = textLength(f.Value[1 : len(f.Value)-1])
		}
		if size <= MaxText {
			st.widen(i, characters)
		}
	case Number:
		text := f.Value
		if f.Kind == row.String {
			var buf [MaxPrecision + 4]byte
			text, _ = shortText(buf[:0], text[1:len(text)-1])
		}
		if d := parseDecimal(text); d.fits(MaxPrecision, t.Scale) {
			st.widen(i, MaxPrecision)
		}
	}
}

func (st *Stats) widen(i, n int) {
	for len(st.width) <= i {
		st.width = append(st.width, 0)
	}
	st.width[i] = max(st.width[i], n)
}

// Widen returns the columns of p that would hold values which were rescued, if they had the type that they have here: a
// VARCHAR of the next power of two, so that a column is not altered again and again; a NUMBER of all the digits
// there are, so that of two workers none takes digits back from the other.
func (st *Stats) Widen(p *Plan) []Column {
	var wide []Column
	for i, n := range st.width {
		if n == 0 {
			continue
		}
		c := p.columns[i]
		if c.Type.Base == Number {
			c.Type.Precision = MaxPrecision
		} else {
			length := 1
			for length < n {
				length *= 2
			}
			c.Type.Length = min(length, MaxText)
		}
		if widens(p.columns[i].Type, c.Type) {
			wide = append(wide, c)
		}
	}
	return wide
}
