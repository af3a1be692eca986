package snowflake

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Kind is the type of a value, and the family of a column's type.
type Kind uint8

// The kinds. KindNull is the zero Kind, so that the zero Value is SQL NULL; a column is never of KindNull.
const (
	KindNull Kind = iota
	KindNumber
	KindFloat
	KindBoolean
	KindVarchar
	KindBinary
	KindVariant
	KindObject
	KindArray
	KindDate
	KindTime
	KindTimestampNTZ
	KindTimestampLTZ
	KindTimestampTZ
)

var kindNames = [...]string{
	KindNull: "NULL", KindNumber: "NUMBER", KindFloat: "FLOAT", KindBoolean: "BOOLEAN", KindVarchar: "VARCHAR", KindBinary: "BINARY",
	KindVariant: "VARIANT", KindObject: "OBJECT", KindArray: "ARRAY", KindDate: "DATE", KindTime: "TIME",
	KindTimestampNTZ: "TIMESTAMP_NTZ", KindTimestampLTZ: "TIMESTAMP_LTZ", KindTimestampTZ: "TIMESTAMP_TZ",
}

// String gives the name that DESC TABLE shows.
func (k Kind) String() string { return kindNames[k] }

// Semistructured says whether values of the kind are JSON text.
func (k Kind) Semistructured() bool { return k == KindVariant || k == KindObject || k == KindArray }

// Limits of lengths, in bytes: a VARCHAR column without a length holds 16 MiB, a VARIANT 128 MiB.
const (
	MaxVarchar = 16777216
	MaxVariant = 134217728
)

// Type is a column's type. Precision and Scale are set for NUMBER (1..38, 0..37), Scale for TIME and TIMESTAMP_* (0..9),
// Length for VARCHAR (characters) and BINARY (bytes).
type Type struct {
	Kind      Kind
	Precision int
	Scale     int
	Length    int
}

// String writes the type as DESC TABLE does: NUMBER(38,0), VARCHAR(16777216), TIMESTAMP_LTZ(9).
func (t Type) String() string {
	switch t.Kind {
	case KindNumber:
		return fmt.Sprintf("NUMBER(%d,%d)", t.Precision, t.Scale)
	case KindVarchar, KindBinary:
		return fmt.Sprintf("%s(%d)", t.Kind, t.Length)
	case KindTime, KindTimestampNTZ, KindTimestampLTZ, KindTimestampTZ:
		return fmt.Sprintf("%s(%d)", t.Kind, t.Scale)
	default:
		return t.Kind.String()
	}
}

// Value is one cell. The zero Value is SQL NULL. A Value is immutable and may be copied and kept.
type Value struct {
	// Text holds a NUMBER as plain decimal text with exactly the digits of its scale ("-1.50"; never "-0", no exponent, no
	// leading zeros), a VARCHAR's text, a BINARY's bytes, and a VARIANT's, OBJECT's or ARRAY's JSON text. JSON text is never
	// empty: a JSON null inside a VARIANT is "null" and is not SQL NULL.
	Text string
	// Int holds a FLOAT's bits (math.Float64bits), a BOOLEAN (0 or 1), a DATE as days since 1970-01-01, a TIME as nanoseconds since
	// midnight, and a TIMESTAMP_* as whole seconds since 1970-01-01 00:00:00 (UTC; for NTZ: of the wall clock).
	Int int64
	// Nanos is a TIMESTAMP_*'s part below the second, 0..999999999.
	Nanos int32
	// Offset is a TIMESTAMP_TZ's offset from UTC in minutes.
	Offset int16
	Kind   Kind
}

// IsNull says whether the value is SQL NULL.
func (v Value) IsNull() bool { return v.Kind == KindNull }

// Float gives a FLOAT's number.
func (v Value) Float() float64 { return math.Float64frombits(uint64(v.Int)) }

// Bool gives a BOOLEAN's truth.
func (v Value) Bool() bool { return v.Int != 0 }

// Time gives the instant of a DATE or TIMESTAMP_*; wall clocks (DATE, NTZ) are taken as UTC.
func (v Value) Time() time.Time {
	if v.Kind == KindDate {
		return time.Unix(v.Int*86400, 0).UTC()
	}
	t := time.Unix(v.Int, int64(v.Nanos)).UTC()
	if v.Kind == KindTimestampTZ {
		t = t.In(time.FixedZone("", int(v.Offset)*60))
	}
	return t
}

// NumberValue makes a NUMBER of canonical decimal text; see [Value.Text].
func NumberValue(text string) Value { return Value{Kind: KindNumber, Text: text} }

// IntValue makes a NUMBER of scale 0.
func IntValue(n int64) Value { return Value{Kind: KindNumber, Text: strconv.FormatInt(n, 10)} }

// FloatValue makes a FLOAT.
func FloatValue(f float64) Value { return Value{Kind: KindFloat, Int: int64(math.Float64bits(f))} }

// BoolValue makes a BOOLEAN.
func BoolValue(b bool) Value {
	if b {
		return Value{Kind: KindBoolean, Int: 1}
	}
	return Value{Kind: KindBoolean}
}

// TextValue makes a VARCHAR.
func TextValue(s string) Value { return Value{Kind: KindVarchar, Text: s} }

// JSONValue makes a VARIANT, OBJECT or ARRAY of JSON text, which is kept as it is.
func JSONValue(k Kind, text string) Value { return Value{Kind: k, Text: text} }

// TimestampValue makes a TIMESTAMP_* of an instant; for TIMESTAMP_NTZ the wall clock of t is taken, for TIMESTAMP_TZ also its offset.
func TimestampValue(k Kind, t time.Time) Value {
	_, off := t.Zone()
	switch k {
	case KindTimestampNTZ:
		return Value{Kind: k, Int: t.Unix() + int64(off), Nanos: int32(t.Nanosecond())}
	case KindTimestampTZ:
		return Value{Kind: k, Int: t.Unix(), Nanos: int32(t.Nanosecond()), Offset: int16(off / 60)}
	default:
		return Value{Kind: KindTimestampLTZ, Int: t.Unix(), Nanos: int32(t.Nanosecond())}
	}
}
