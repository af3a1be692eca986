package table

import (
	"fmt"
	"strconv"
	"strings"

	"pgregory.net/rapid"

	"kinesis-snowflake/internal/row"
)

// value is a generated JSON value as the scanner would report it.
type value struct {
	kind  row.Kind
	flags row.Flag
	text  string
}

var (
	genDigits = rapid.StringOfN(rapid.RuneFrom([]rune("0123456789")), 0, 45, -1)
	genInt    = rapid.Custom(func(t *rapid.T) string {
		if rapid.IntRange(0, 3).Draw(t, "small") > 0 {
			return strconv.Itoa(rapid.IntRange(-2000, 2000).Draw(t, "int"))
		}
		s := rapid.SampledFrom([]string{"", "-"}).Draw(t, "sign")
		digits := strings.TrimLeft(genDigits.Draw(t, "digits"), "0")
		if digits == "" {
			digits = "0"
		}
		return s + digits
	})
	genFloat = rapid.Custom(func(t *rapid.T) string {
		switch rapid.IntRange(0, 4).Draw(t, "shape") {
		case 0:
			return genInt.Draw(t, "int") + "." + genDigits.Draw(t, "fraction") + "0"
		case 1:
			return genInt.Draw(t, "int") + rapid.SampledFrom([]string{"e", "E", "e+", "e-", "E-"}).Draw(t, "e") +
				strconv.Itoa(rapid.IntRange(0, 340).Draw(t, "exponent"))
		case 2:
			return rapid.SampledFrom([]string{"-0.0", "1.0", "1e3", "1.5", "9007199254740993.0", "5e-324", "4.94e-324", "1.7976931348623157e308",
				"1e309", "1e-400", "0.1", "123456789012345.67", "1E400000000000000000000", "0e99999999999999999999", "1e22", "1e23", "0.30"}).Draw(t, "case")
		case 3:
			return strconv.FormatFloat(rapid.Float64().Draw(t, "double"), 'e', -1, 64)
		}
		return fmt.Sprintf("%d.%02d", rapid.IntRange(-999, 999).Draw(t, "whole"), rapid.IntRange(0, 99).Draw(t, "cents"))
	})
	canonical = []string{"0", "-0", "007", "7", "1.50", "1.5", "-1.25", "1.", ".5", "1e3", "true", "TRUE", "false", "null", "", " 1", "1 ", "12345678901234567890",
		"123456789012345678901234567890123456789", "AB", "ABC", "ab", "2025-02-28", "2025-02-30", "2025-11-05T09:12:15.300Z", "2025-11-05 09:12:15",
		"2025-11-05T09:12:15.123456789+05:30", "2025-11-05T09:12:15-00:00", "24:00:00", "23:59:59.5", "23:59:59.1234567891", "0000-01-01", "NaN", "inf", "1e5", "9007199254740993"}
	genString = rapid.Custom(func(t *rapid.T) value {
		switch rapid.IntRange(0, 4).Draw(t, "shape") {
		case 0:
			return value{row.String, 0, `"` + rapid.SampledFrom(canonical).Draw(t, "canonical") + `"`}
		case 1:
			return value{row.String, row.Escaped | row.Hostile, rapid.SampledFrom([]string{`"\u0000"`, `"a\ud800b"`, `"\udc00\ud800"`, `"x\\\u0000\"y"`}).Draw(t, "hostile")}
		case 2:
			return value{row.String, row.Escaped, rapid.SampledFrom([]string{`"\u0031\u0032"`, `"tru\u0065"`, `"\n\"\\\/"`, `"\ud83d\ude00"`, `"\u00e9"`, `"\\u0000"`, `"\\\\ud800"`}).Draw(t, "escaped")}
		}
		text := string(appendString(nil, []byte(rapid.StringN(0, 8, -1).Draw(t, "text"))))
		if strings.Contains(text, `\\u0000`) {
			text = strings.ReplaceAll(text, `\\u0000`, `0`)
		}
		var flags row.Flag
		if strings.Contains(text, `\`) {
			flags = row.Escaped
		}
		return value{row.String, flags, text}
	})
	genSpace = rapid.SampledFrom([]string{"", " ", "\n", "\r\n\t"})
)

func genScalar(t *rapid.T) value {
	switch rapid.IntRange(0, 5).Draw(t, "scalar") {
	case 0:
		return value{kind: row.Null, text: "null"}
	case 1:
		if rapid.Bool().Draw(t, "bool") {
			return value{kind: row.True, text: "true"}
		}
		return value{kind: row.False, text: "false"}
	case 2:
		return value{kind: row.Int, text: genInt.Draw(t, "int")}
	case 3:
		return value{kind: row.Float, text: genFloat.Draw(t, "float")}
	}
	return genString.Draw(t, "string")
}

func genValue(t *rapid.T, depth int) value {
	if depth == 0 || rapid.IntRange(0, 3).Draw(t, "scalar?") > 0 {
		return genScalar(t)
	}
	object := rapid.Bool().Draw(t, "object")
	v := value{kind: row.Array}
	open, end := "[", "]"
	if object {
		v.kind, open, end = row.Object, "{", "}"
	}
	space := func() string { return genSpace.Draw(t, "space") }
	v.text = open + space()
	for i := range rapid.IntRange(0, 3).Draw(t, "members") {
		if i > 0 {
			v.text += "," + space()
		}
		if object {
			v.text += fmt.Sprintf(`"k%d-1e400"%s:%s`, i, space(), space())
		}
		e := genValue(t, depth-1)
		v.text += e.text + space()
		v.flags |= e.flags
		if e.kind == row.Int && len(e.text) > 15 || e.kind == row.Float {
			v.flags |= row.WideNumber
		}
	}
	v.text += end
	return v
}

var keyPool = []string{"a", "A", "b", "B", "id", "Id", "name", "x", "é", "É", "_rescued", "_RESCUED", "KinesisMetadata", "", "current_date", "CURRENT_DATE_",
	"bad\x00key", "bad\xed\xa0\x80key", `quo"te`, "back\\slash", "a#2", "a#3", strings.Repeat("long", 80), strings.Repeat("LONG", 80)}

func genRow(t *rapid.T, keys *row.Keys) *row.Row {
	r := &row.Row{
		Sequence:     []byte(rapid.StringMatching(`[1-9][0-9]{1,55}`).Draw(t, "sequence")),
		Subsequence:  rapid.Int64Range(0, 1<<40).Draw(t, "subsequence"),
		PartitionKey: []byte(rapid.String().Draw(t, "partition key")),
		Arrival:      rapid.Int64Range(0, 4e12).Draw(t, "arrival"),
		Index:        rapid.Uint32().Draw(t, "index"),
		Multi:        rapid.Bool().Draw(t, "multi"),
	}
	for range rapid.IntRange(0, 6).Draw(t, "fields") {
		name := rapid.SampledFrom(keyPool).Draw(t, "key")
		v := genValue(t, 2)
		f := row.Field{Key: keys.Intern([]byte(name)), Kind: v.kind, Flags: v.flags, Name: []byte(name), Value: []byte(v.text)}
		if rapid.IntRange(0, 9).Draw(t, "no key") == 0 {
			f.Key = row.NoKey
		}
		r.Fields = append(r.Fields, f)
	}
	return r
}

var typePool = []string{"NUMBER(38,0)", "NUMBER(10,2)", "NUMBER(3,0)", "NUMBER(38,37)", "FLOAT", "BOOLEAN", "VARCHAR(16777216)", "VARCHAR(3)", "VARIANT", "OBJECT", "ARRAY",
	"DATE", "TIME(0)", "TIME(9)", "TIMESTAMP_NTZ(9)", "TIMESTAMP_NTZ(3)", "TIMESTAMP_LTZ(9)", "TIMESTAMP_TZ(9)", "BINARY(1)", "GEOGRAPHY"}

func genTable(t *rapid.T) []Column {
	columns := []Column{{Name: MetadataColumn, Type: objectType}, {Name: RescuedColumn, Type: variantType}}
	for _, name := range []string{"A", "B", "ID", "é", "É", "CURRENT_DATE_", `QUO"TE`, "UNUSED"} {
		if rapid.Bool().Draw(t, "has "+name) {
			columns = append(columns, Column{Name: name, Type: ParseType(rapid.SampledFrom(typePool).Draw(t, "type")), NotNull: rapid.Bool().Draw(t, "not null")})
		}
	}
	return columns
}

// genConfig draws what a pipeline file may say of a table.
func genConfig(t *rapid.T, keys *row.Keys) Config {
	c := Config{
		Keys: keys, Limit: rapid.SampledFrom([]int{0, -1, 2, 4}).Draw(t, "limit"), Timestamps: rapid.Bool().Draw(t, "timestamps"),
		Freeze: rapid.IntRange(0, 3).Draw(t, "freeze") == 0, Variant: rapid.IntRange(0, 5).Draw(t, "variant") == 0,
	}
	columns, folded := map[string]bool{}, map[string]bool{}
	spec := func(pin bool) (Spec, bool) {
		s := Spec{Key: rapid.SampledFrom(keyPool).Draw(t, "pinned key"), NotNull: rapid.IntRange(0, 3).Draw(t, "must") == 0}
		if rapid.IntRange(0, 4).Draw(t, "typed") > 0 {
			s.Type = ParseType(rapid.SampledFrom(typePool[:len(typePool)-1]).Draw(t, "pinned type"))
		}
		if pin && rapid.IntRange(0, 2).Draw(t, "named") == 0 {
			s.Name = rapid.SampledFrom([]string{"A", "B", "É", "mine", "X", "Name"}).Draw(t, "name")
		}
		name, ok := s.Column()
		if !ok || pin && (columns[name] || folded[FoldKey(s.Key)]) {
			return s, false
		}
		columns[name], folded[FoldKey(s.Key)] = true, true
		return s, true
	}
	for range rapid.IntRange(0, 3).Draw(t, "pins") {
		if s, ok := spec(true); ok {
			c.Pins = append(c.Pins, s)
		}
	}
	for range rapid.IntRange(0, 2).Draw(t, "hints") {
		if s, ok := spec(false); ok {
			c.Hints = append(c.Hints, s)
		}
	}
	return c
}
