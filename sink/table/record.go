package table

import (
	"bytes"
	"hash/maphash"

	"kinesis-snowflake/internal/row"
)

// appendRecord appends all of a row as one object, the value of RecordColumn, without what a VARIANT cannot hold. Of a
// key that comes twice the last value stands, as Snowflake would have it; the others are rescued.
func appendRecord(dst []byte, p *Plan, r *row.Row, st *Stats) []byte {
	if len(p.columns) == 0 { // the column was dropped: a new plan follows
		return dst
	}
	beaten := beatenFields(r, st)
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
		case beaten[i] != 0:
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
	return append(dst, '}')
}

// beatenFields tells, for each field, whether it is not the last of its key that a record can hold.
func beatenFields(r *row.Row, st *Stats) []int32 {
	beaten := st.at[:0]
	byName := false
	for i := range r.Fields {
		beaten = append(beaten, 0)
		byName = byName || r.Fields[i].Key == row.NoKey
	}
	st.at = beaten
	if byName {
		beatenByName(r, st)
		return beaten
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		for int(f.Key) >= len(st.place) {
			st.place = append(st.place, 0)
		}
		if f.Flags&row.Hostile != 0 {
			continue
		}
		if last := st.place[f.Key]; last != 0 {
			beaten[last-1] = 1
		}
		st.place[f.Key] = int32(i + 1)
	}
	for i := range r.Fields {
		st.place[r.Fields[i].Key] = 0
	}
	return beaten
}

// beatenByName is for rows with fields that have no Key: a hash table of their names, in st.place. Its seed is another in
// each process, so that no record can be made to be slow.
func beatenByName(r *row.Row, st *Stats) {
	if st.seed == (maphash.Seed{}) {
		st.seed = maphash.MakeSeed()
	}
	size := 16
	for size < 2*len(r.Fields) {
		size *= 2
	}
	for len(st.place) < size {
		st.place = append(st.place, 0)
	}
	slots := st.place[:size]
	clear(slots)
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Flags&(row.Hostile|row.HostileKey) != 0 {
			continue
		}
		at := int(maphash.Bytes(st.seed, f.Name)) & (size - 1)
		for slots[at] != 0 && !bytes.Equal(r.Fields[slots[at]-1].Name, f.Name) {
			at = (at + 1) & (size - 1)
		}
		if last := slots[at]; last != 0 {
			st.at[last-1] = 1
		}
		slots[at] = int32(i + 1)
	}
	clear(slots)
}
