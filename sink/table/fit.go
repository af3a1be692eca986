package table

import (
	"encoding/hex"
	"slices"
	"strconv"

	"kinesis-snowflake/internal/row"
)

// The elements of a load file's line before the values of the plan's columns.
const (
	lineShard = iota
	lineArrival
	linePartitionKey
	lineSequence
	lineSubsequence
	lineSharded
	lineRow
	lineRescued
	lineValues
)

// AppendRow appends r as one line of a load file: a JSON array of the record's metadata, what is rescued, and the
// values in the order of p.Columns(), without the nulls at its end. The plan must cover the row: values of keys it
// does not know are rescued like those of keys without a column. It allocates nothing once dst and st have grown.
//
// It appends nothing for a row that is failed, because it has no value that fits for a column that must have one:
// [Stats.Lacking] says which.
func AppendRow(dst []byte, p *Plan, shard string, r *row.Row, st *Stats) []byte {
	start := len(dst)
	dst = appendMetadata(dst, shard, r)
	rescued := len(dst) // null stands here, until it is known that anything is rescued
	dst = append(dst, "null"...)
	st.rescue.reset()
	switch {
	case p.record:
		dst = appendRecord(dst, p, r, st)
	case p.strict:
		before, numbers := st.Rescued, st.NumbersAsText
		assign(p, r, st)
		st.lacking = -1
		dst = appendValues(dst, p, r, st)
		if st.lacking >= 0 {
			st.Rescued, st.NumbersAsText = before, numbers
			st.Lacked++
			return dst[:start]
		}
	default:
		assign(p, r, st)
		dst = appendValues(dst, p, r, st)
	}
	if st.rescue.count > 0 {
		st.rescue.text = append(st.rescue.text, '}')
		dst = slices.Replace(dst, rescued, rescued+len("null"), st.rescue.text...)
	}
	dst = append(dst, ']', '\n')
	st.Rows++
	if len(dst)-start > MaxText {
		st.LongRows++
	}
	return dst
}

func appendMetadata(dst []byte, shard string, r *row.Row) []byte {
	var id [128]byte // the longest shard id
	dst = append(dst, '[')
	dst = appendString(dst, append(id[:0], shard...))
	dst = append(dst, ',', '"')
	dst = appendArrival(dst, r.Arrival)
	dst = append(dst, '"', ',')
	dst = appendString(dst, r.PartitionKey)
	dst = append(dst, ',', '"')
	dst = append(dst, r.Sequence...)
	dst = append(dst, '"', ',')
	mark := len(dst)
	dst = strconv.AppendInt(dst, r.Subsequence, 10)
	digits := len(dst) - mark
	dst = append(dst, ',', '"')
	dst = append(dst, r.Sequence...)
	dst = appendZeros(dst, max(0, 20-digits))
	dst = append(dst, dst[mark:mark+digits]...)
	dst = append(dst, '"', ',')
	if r.Multi {
		dst = strconv.AppendUint(dst, uint64(r.Index), 10)
	} else {
		dst = append(dst, "null"...)
	}
	return append(dst, ',')
}

// assign finds the field that fills each column: the last one that is not null. The others are rescued.
func assign(p *Plan, r *row.Row, st *Stats) {
	at := st.at[:0]
	for range p.columns {
		at = append(at, -1)
	}
	st.at = at
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Kind == row.Null {
			continue
		}
		slot := p.slot(f)
		if slot < 0 {
			st.NumbersAsText += int64(st.rescue.addKey(f))
			st.countKey(ReasonNoColumn, f)
			continue
		}
		if at[slot] >= 0 {
			beaten := &r.Fields[at[slot]]
			st.NumbersAsText += int64(st.rescue.addKey(beaten))
			st.countKey(ReasonDuplicate, beaten)
		}
		at[slot] = int32(i)
	}
}

func appendValues(dst []byte, p *Plan, r *row.Row, st *Stats) []byte {
	if p.notNull {
		st.grow(len(p.columns))
	}
	nulls := 0 // not yet written: only those before a value are
	for i, at := range st.at {
		c := &p.columns[i]
		if at >= 0 {
			f := &r.Fields[at]
			mark := len(dst)
			var reason Reason
			for range nulls {
				dst = append(dst, ",null"...)
			}
			dst = append(dst, ',')
			if dst, reason = appendValue(dst, &c.Type, f, st); reason == ReasonNone {
				nulls = 0
				continue
			}
			dst = dst[:mark]
			st.NumbersAsText += int64(st.rescue.add(p.quoted[i], f))
			st.count(reason, c.Name)
			if reason == ReasonNumber || reason == ReasonLength {
				p.noteWidth(i, f, st)
			}
		}
		nulls++
		if c.NotNull {
			if p.must[i] {
				st.lacking = i
			} else {
				st.missing[i] = true
				st.unfit[i] = st.unfit[i] || at >= 0
			}
		}
	}
	return dst
}

// appendValue appends a value that is not null in the form that the COPY casts to t, or says why it does not fit;
// what it then appended is to be cut off.
func appendValue(dst []byte, t *Type, f *row.Field, st *Stats) ([]byte, Reason) {
	if f.Flags&row.Hostile != 0 {
		return dst, ReasonHostile
	}
	switch t.Base {
	case Varchar:
		return appendVarchar(dst, t.Length, f)
	case Number:
		return appendNumber(dst, t, f)
	case Float:
		return appendFloat(dst, f)
	case Boolean:
		return appendBoolean(dst, f)
	case Variant:
		dst, replaced := appendVariant(dst, f)
		st.NumbersAsText += int64(replaced)
		return dst, ReasonNone
	case Object, Array:
		if t.Base == Object && f.Kind != row.Object || t.Base == Array && f.Kind != row.Array {
			return dst, ReasonKind
		}
		dst, replaced := appendVariant(dst, f)
		st.NumbersAsText += int64(replaced)
		return dst, ReasonNone
	case Date, Time, TimestampNTZ, TimestampLTZ, TimestampTZ:
		return appendTime(dst, t, f)
	case Binary:
		return appendBinary(dst, t.Length, f)
	default:
		return dst, ReasonKind
	}
}

// appendVarchar takes strings as they are, and scalars as strings of their JSON text: as a number, 1.50 would lose
// its zero.
func appendVarchar(dst []byte, length int, f *row.Field) ([]byte, Reason) {
	switch f.Kind {
	case row.String:
		body := f.Value[1 : len(f.Value)-1]
		if len(body) > length || len(body) > MaxText { // else it is short enough however it is counted
			if characters, size := textLength(body); characters > length || size > MaxText {
				return dst, ReasonLength
			}
		}
		return append(dst, f.Value...), ReasonNone
	case row.False, row.True, row.Int, row.Float:
		if len(f.Value) > length {
			return dst, ReasonLength
		}
		dst = append(dst, '"')
		dst = append(dst, f.Value...)
		return append(dst, '"'), ReasonNone
	default:
		return dst, ReasonKind
	}
}

func appendBoolean(dst []byte, f *row.Field) ([]byte, Reason) {
	switch f.Kind {
	case row.False, row.True:
		return append(dst, f.Value...), ReasonNone
	case row.String:
		var buf [len("false")]byte
		text, ok := shortText(buf[:0], f.Value[1:len(f.Value)-1])
		if ok && (string(text) == "true" || string(text) == "false") {
			return append(dst, text...), ReasonNone
		}
	}
	return dst, ReasonKind
}

func appendBinary(dst []byte, length int, f *row.Field) ([]byte, Reason) {
	if f.Kind != row.String {
		return dst, ReasonKind
	}
	text := f.Value[1 : len(f.Value)-1]
	for _, c := range text {
		if (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return dst, ReasonKind
		}
	}
	switch {
	case hex.DecodedLen(len(text))*2 != len(text):
		return dst, ReasonKind
	case hex.DecodedLen(len(text)) > length:
		return dst, ReasonLength
	}
	return append(dst, f.Value...), ReasonNone
}
