package table

import (
	"strconv"
	"strings"
)

// Base is a Snowflake data type without its parameters.
type Base uint8

// The types that values can be fitted to. Other stands for the rest (GEOGRAPHY, VECTOR, structured types...), of
// which nothing is loaded.
const (
	Other Base = iota
	Number
	Float
	Boolean
	Varchar
	Binary
	Date
	Time
	TimestampNTZ
	TimestampLTZ
	TimestampTZ
	Variant
	Object
	Array
)

const (
	// MaxPrecision is the most digits of a NUMBER.
	MaxPrecision = 38
	// MaxText is the longest text that is loaded into a column, in bytes: the limit of a VARCHAR declared without a
	// length, and of every VARCHAR in accounts without larger data types.
	MaxText = 16 << 20

	maxBinary    = 8 << 20
	maxFraction  = 9 // digits of a second
	otherUnknown = "UNKNOWN"
)

// Type is a column's data type. Two Types are the same type if they are equal.
type Type struct {
	Base      Base
	Precision int    // NUMBER: digits in total, 1-38
	Scale     int    // NUMBER: digits after the point; TIME and TIMESTAMP_*: digits of the second's fraction
	Length    int    // VARCHAR: characters; BINARY: bytes
	Text      string // Other: the type as DESC TABLE wrote it
}

// The types that inference gives to a new column.
var (
	numberType  = Type{Base: Number, Precision: MaxPrecision}
	floatType   = Type{Base: Float}
	booleanType = Type{Base: Boolean}
	varcharType = Type{Base: Varchar, Length: MaxText}
	variantType = Type{Base: Variant}
	objectType  = Type{Base: Object}
)

// ParseType reads a type as DESC TABLE writes it, or as a user may: synonyms such as INT, TEXT and DOUBLE are known.
// What it does not know becomes Other; there is no error, because a table may hold any column that is not ours.
func ParseType(text string) Type {
	name := strings.ToUpper(strings.TrimSpace(text))
	args := ""
	if i := strings.IndexByte(name, '('); i >= 0 {
		if !strings.HasSuffix(name, ")") {
			return otherType(text)
		}
		name, args = strings.TrimSpace(name[:i]), name[i+1:len(name)-1]
	}
	n, ok := parseArgs(args)
	if !ok {
		return otherType(text)
	}
	arg := func(i, def int) int {
		if i < len(n) {
			return n[i]
		}
		return def
	}
	switch name {
	case "NUMBER", "DECIMAL", "DEC", "NUMERIC":
		return Type{Base: Number, Precision: arg(0, MaxPrecision), Scale: arg(1, 0)}
	case "INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT":
		return numberType
	case "FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "DOUBLE PRECISION", "REAL":
		return floatType
	case "BOOLEAN":
		return booleanType
	case "VARCHAR", "TEXT", "STRING":
		return Type{Base: Varchar, Length: arg(0, MaxText)}
	case "CHAR", "CHARACTER":
		return Type{Base: Varchar, Length: arg(0, 1)}
	case "BINARY", "VARBINARY":
		return Type{Base: Binary, Length: arg(0, maxBinary)}
	case "DATE":
		return Type{Base: Date}
	case "TIME":
		return Type{Base: Time, Scale: arg(0, maxFraction)}
	case "TIMESTAMP_NTZ", "DATETIME", "TIMESTAMP WITHOUT TIME ZONE":
		return Type{Base: TimestampNTZ, Scale: arg(0, maxFraction)}
	case "TIMESTAMP_LTZ", "TIMESTAMP WITH LOCAL TIME ZONE":
		return Type{Base: TimestampLTZ, Scale: arg(0, maxFraction)}
	case "TIMESTAMP_TZ", "TIMESTAMP WITH TIME ZONE":
		return Type{Base: TimestampTZ, Scale: arg(0, maxFraction)}
	case "VARIANT":
		return variantType
	case "OBJECT":
		return objectType
	case "ARRAY":
		return Type{Base: Array}
	}
	return otherType(text)
}

func otherType(text string) Type {
	if text = strings.TrimSpace(text); text == "" {
		text = otherUnknown
	}
	return Type{Text: text}
}

func parseArgs(args string) ([]int, bool) {
	if args == "" {
		return nil, true
	}
	var n []int
	for part := range strings.SplitSeq(args, ",") {
		v, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || v < 0 {
			return nil, false // a structured type: OBJECT(a NUMBER), ARRAY(VARCHAR)
		}
		n = append(n, v)
	}
	return n, len(n) <= 2
}

// String returns the type as DDL and casts spell it. A VARCHAR that takes any text is spelled without its length.
func (t Type) String() string {
	n := strconv.Itoa
	switch t.Base {
	case Number:
		return "NUMBER(" + n(t.Precision) + "," + n(t.Scale) + ")"
	case Float:
		return "FLOAT"
	case Boolean:
		return "BOOLEAN"
	case Varchar:
		if t.Length >= MaxText {
			return "VARCHAR"
		}
		return "VARCHAR(" + n(t.Length) + ")"
	case Binary:
		return "BINARY(" + n(t.Length) + ")"
	case Date:
		return "DATE"
	case Time:
		return "TIME(" + n(t.Scale) + ")"
	case TimestampNTZ:
		return "TIMESTAMP_NTZ(" + n(t.Scale) + ")"
	case TimestampLTZ:
		return "TIMESTAMP_LTZ(" + n(t.Scale) + ")"
	case TimestampTZ:
		return "TIMESTAMP_TZ(" + n(t.Scale) + ")"
	case Variant:
		return "VARIANT"
	case Object:
		return "OBJECT"
	case Array:
		return "ARRAY"
	default:
		return t.Text
	}
}
