package table

import "kinesis-snowflake/internal/row"

// appendRecord appends all of a row as one object, the value of RecordColumn, without what a VARIANT cannot hold. Of a
// key that comes twice the last value stands, as Snowflake would have it; the others are rescued.
func appendRecord(dst []byte, p *Plan, r *row.Row, st *Stats) []byte {
	if len(p.columns) == 0 { // the column was dropped: a new plan follows
		return dst
	}
	byName := placeFields(r, st)
	dst = append(dst, ',', '{')
	first := true
	for i := range r.Fields {
		f := &r.Fields[i]
		var name []byte
		if uint(f.Key) < uint(len(p.keys)) {
			name = p.keys[f.Key]
		}
		var reason Reason
		switch {
		case f.Flags&(row.Hostile|row.HostileKey) != 0 || name == nil && hostileText(f.Name):
			reason = ReasonHostile
		case byName && st.names[string(f.Name)] != int32(i+1), !byName && st.place[f.Key] != int32(i+1):
			reason = ReasonDuplicate
		}
		if reason != ReasonNone {
			if f.Kind != row.Null {
				st.NumbersAsText += int64(st.rescue.addKey(f))
				st.countKey(reason, f)
			}
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if name != nil {
			dst = append(dst, name...)
		} else {
			dst = appendString(dst, f.Name)
		}
		dst = append(dst, ':')
		var replaced int
		dst, replaced = appendVariant(dst, f)
		st.NumbersAsText += int64(replaced)
	}
	if !byName {
		for i := range r.Fields {
			if key := r.Fields[i].Key; int(key) < len(st.place) {
				st.place[key] = 0
			}
		}
	}
	return append(dst, '}')
}

// placeFields finds the last field of each key that a record can hold: in st.place by its Key or, where a field has none,
// in st.names.
func placeFields(r *row.Row, st *Stats) (byName bool) {
	for i := range r.Fields {
		if f := &r.Fields[i]; f.Key == row.NoKey {
			byName = true
			break
		}
	}
	if byName && st.names == nil {
		st.names = map[string]int32{}
	}
	clear(st.names)
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Flags&(row.Hostile|row.HostileKey) != 0 {
			continue
		}
		if byName {
			st.names[string(f.Name)] = int32(i + 1)
			continue
		}
		for int(f.Key) >= len(st.place) {
			st.place = append(st.place, 0)
		}
		st.place[f.Key] = int32(i + 1)
	}
	return byName
}
