package table

import (
	"kinesis-snowflake/internal/row"
)

// Observation remembers, for each key, what kinds of values were seen, so that the columns of the keys can be typed
// from all of a batch. It is not safe for concurrent use: keep one a goroutine, and Merge them.
type Observation struct {
	// Timestamps tells texts that are RFC 3339 date-times from others, for [Config.Timestamps], which asks for it.
	Timestamps bool

	keys []kinds // by row.Key
}

type kinds uint8

const (
	sawBool kinds = 1 << iota
	sawInt
	sawHugeInt // an integer of over 38 digits
	sawFloat
	sawString
	sawContainer
	sawInstant // a text that is an RFC 3339 date-time
)

var kindBits = [...]kinds{
	row.Null: 0, row.False: sawBool, row.True: sawBool, row.Int: sawInt, row.Float: sawFloat,
	row.String: sawString, row.Object: sawContainer, row.Array: sawContainer,
}

// Add takes in the fields of a row. Nulls say nothing, and keys that were not interned are not remembered: they get
// no column.
func (o *Observation) Add(r *row.Row) {
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Kind == row.Null || f.Key == row.NoKey {
			continue
		}
		bits := kindBits[f.Kind]
		if f.Kind == row.Int && len(f.Value) > MaxPrecision && !variantHolds(f.Value) {
			bits = sawHugeInt
		}
		if o.Timestamps && f.Kind == row.String && isInstant(f.Value) {
			bits = sawInstant
		}
		o.add(f.Key, bits)
	}
}

func (o *Observation) add(key row.Key, bits kinds) {
	if int(key) >= len(o.keys) {
		o.keys = append(o.keys, make([]kinds, int(key)+1-len(o.keys))...)
	}
	o.keys[key] |= bits
}

// Merge takes in all that other has seen.
func (o *Observation) Merge(other *Observation) {
	for key, bits := range other.keys {
		if bits != 0 {
			o.add(row.Key(key), bits)
		}
	}
}

// Reset forgets everything, and keeps the memory.
func (o *Observation) Reset() { clear(o.keys) }

func (o *Observation) saw(key row.Key) kinds {
	if int(key) < len(o.keys) {
		return o.keys[key]
	}
	return 0
}

// infer returns the type of a new column for the kinds seen; kinds must not be empty. The order matters: each case
// holds whatever the later ones hold. Booleans mixed with numbers are VARCHAR, since no number is a boolean, and so
// are integers beyond NUMBER(38,0), of which a NUMBER or FLOAT column would hold nothing. Date-times are texts like any
// others where they are not told apart; a column of nothing else is one of instants.
func (k kinds) infer() Type {
	switch {
	case k == sawInstant:
		return Type{Base: TimestampTZ, Scale: maxFraction}
	case k&sawContainer != 0:
		return variantType
	case k&(sawString|sawInstant|sawHugeInt) != 0, k&sawBool != 0 && k&^sawBool != 0:
		return varcharType
	case k&sawBool != 0:
		return booleanType
	case k&sawFloat != 0:
		return floatType
	default:
		return numberType
	}
}
