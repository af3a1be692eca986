package table

import (
	"errors"
	"fmt"
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
	Text      string // Other: the type as DESC TABLE wrote it; VARCHAR: its collation
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
	if plain, collation, ok := cutCollation(text); ok {
		t := ParseType(plain)
		if t.Base != Varchar {
			return otherType(text)
		}
		t.Text = collation
		return t
	}
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

// cutCollation parts a type from the collation that DESC TABLE writes behind it: VARCHAR(3) COLLATE 'en-ci'.
func cutCollation(text string) (plain, collation string, ok bool) {
	const word = " COLLATE "
	i := 0
	for i+len(word) <= len(text) && !strings.EqualFold(text[i:i+len(word)], word) {
		i++
	}
	if i+len(word) > len(text) || strings.Contains(text[:i], "(") && !strings.Contains(text[:i], ")") { // of an element of a structured type
		return "", "", false
	}
	return text[:i], strings.Trim(text[i+len(word):], " '"), true
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
		text := "VARCHAR"
		if t.Length < MaxText {
			text += "(" + n(t.Length) + ")"
		}
		if t.Text != "" {
			text += " COLLATE " + Literal(t.Text)
		}
		return text
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

// ParseColumnType reads a type that a column is to have, as DDL spells it. The error says what is wrong with it.
func ParseColumnType(text string) (Type, error) {
	t := ParseType(text)
	outside := func(n, least, most int) bool { return n < least || n > most }
	switch t.Base {
	case Other:
		return t, typeFault(text)
	case Number:
		if outside(t.Precision, 1, MaxPrecision) || outside(t.Scale, 0, min(t.Precision, MaxPrecision-1)) {
			return t, fmt.Errorf("has other bounds than a NUMBER may: 1 to %d digits, and of these 0 to %d after the point", MaxPrecision, MaxPrecision-1)
		}
	case Varchar:
		if t.Text != "" {
			return t, errors.New("has a collation, which a pin does not set: create the table with it, and leave it out here")
		}
		if outside(t.Length, 1, MaxText) {
			return t, fmt.Errorf("has another length than 1 to %d", MaxText)
		}
	case Binary:
		if outside(t.Length, 1, maxBinary) {
			return t, fmt.Errorf("has another length than 1 to %d", maxBinary)
		}
	case Time, TimestampNTZ, TimestampLTZ, TimestampTZ:
		if outside(t.Scale, 0, maxFraction) {
			return t, fmt.Errorf("has other digits of a second than 0 to %d", maxFraction)
		}
	}
	takes := arity[t.Base]
	if strings.Contains(strings.ToUpper(text), "INT") { // INTEGER and its kin are NUMBER(38,0), and no other
		takes = 0
	}
	if args := arguments(text); args > takes {
		return t, fmt.Errorf("has %d numbers in brackets, where the type takes %d", args, takes)
	}
	return t, nil
}

// arity is how many numbers in brackets a type takes.
var arity = map[Base]int{Number: 2, Varchar: 1, Binary: 1, Time: 1, TimestampNTZ: 1, TimestampLTZ: 1, TimestampTZ: 1}

func arguments(text string) int {
	_, args, ok := strings.Cut(text, "(")
	if !ok {
		return 0
	}
	return strings.Count(args, ",") + 1
}

func typeFault(text string) error {
	name, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(text)), "(")
	switch strings.TrimSpace(name) {
	case "TIMESTAMP":
		return errors.New("is another type in each account: write TIMESTAMP_NTZ, TIMESTAMP_LTZ or TIMESTAMP_TZ")
	case "GEOGRAPHY", "GEOMETRY", "VECTOR", "MAP", "FILE", "UUID", "DECFLOAT":
		return errors.New("is a type that this program cannot load; pin VARIANT or VARCHAR, and convert it in a view")
	}
	return errors.New("is not a type of a column")
}
