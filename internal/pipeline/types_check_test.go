package pipeline_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	service "kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/sink/table"
)

// This file reads a table back without a word of the code that loaded it, and says whether the records are all there.

// typesMember is a member of a record. Its name is the key, or the key's JSON text where no Snowflake text can hold it.
type typesMember struct {
	name  string
	value string // JSON text
	lost  bool   // no Snowflake text can hold the value
	nokey bool   // nor the key
}

// typesMembers returns the members of a valid record that are not null, in their order.
func typesMembers(t typesT, record []byte) (members []typesMember) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(record))
	must := func(err error) {
		if err != nil {
			t.Fatalf("record %.200q: %v", record, err)
		}
	}
	_, err := d.Token()
	must(err)
	for d.More() {
		start := d.InputOffset()
		key, err := d.Token()
		must(err)
		m := typesMember{name: key.(string)}
		if raw := strings.TrimLeft(string(record[start:d.InputOffset()]), ", \t\r\n"); typesHostile(raw) {
			m.name, m.nokey = raw[1:len(raw)-1], true
		}
		var value json.RawMessage
		must(d.Decode(&value))
		if m.value = string(value); m.value != "null" {
			m.lost = typesHostile(m.value)
			members = append(members, m)
		}
	}
	return members
}

var typesEscapes = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|.)`)

// typesHostile reports whether JSON text has a NUL or a surrogate without its partner.
func typesHostile(text string) bool {
	var high rune
	end := -1
	for _, m := range typesEscapes.FindAllStringIndex(text, -1) {
		r := rune('x')
		if text[m[0]+1] == 'u' {
			n, _ := strconv.ParseUint(text[m[0]+2:m[1]], 16, 16)
			r = rune(n)
		}
		if end >= 0 {
			if m[0] != end || utf16.DecodeRune(high, r) == utf8.RuneError {
				return true
			}
			end = -1
			continue
		}
		switch {
		case r == 0, 0xDC00 <= r && r < 0xE000:
			return true
		case 0xD800 <= r && r < 0xDC00:
			high, end = r, m[1]
		}
	}
	return end >= 0
}

// checkTypesTable checks that the rows of a table give back its records: every value in its column or in _RESCUED, and
// nothing else.
func checkTypesTable(t typesT, tb *typesTable) {
	t.Helper()
	got := tb.read(t)
	for seq, record := range tb.records {
		if err := givesBack(t, tb, got, got.rows[seq], typesMembers(t, record)); err != nil {
			t.Fatalf("record %s: %v\n%.2000s\nrow %v\n_RESCUED %s", seq, err, record, got.rows[seq].values, got.rows[seq].rescued.Text)
		}
	}
}

// column is the name of the column that a key belongs to.
func (tb *typesTable) column(key string) (string, bool) {
	folded := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}, key)
	if name, ok := tb.names[folded]; ok {
		return name, true
	}
	return table.ColumnName(key)
}

func givesBack(t typesT, tb *typesTable, got *typesRows, r typesRow, members []typesMember) error {
	if tb.shape.Variant {
		return recordGivesBack(t, tb, r, members)
	}
	winner := map[string]int{}
	for i, m := range members {
		if name, ok := tb.column(m.name); ok && !m.nokey {
			winner[name] = i
		}
	}
	var inColumns []int
	for _, c := range got.columns {
		v, ok := r.values[c.Name]
		if !ok {
			continue
		}
		i, ok := winner[c.Name]
		if !ok {
			return fmt.Errorf("column %q has a value that no key brought", c.Name)
		}
		if m := members[i]; m.lost || !columnHolds(t, v, m.value) {
			return fmt.Errorf("column %q %s is %s, for %s", c.Name, c.Type, showTypesValue(t, v), m.value)
		}
		inColumns = append(inColumns, i)
	}
	return restIsRescued(t, tb, r, members, inColumns)
}

// recordGivesBack is givesBack for a table of whole records. Null members of a record are not looked for.
func recordGivesBack(t typesT, tb *typesTable, r typesRow, members []typesMember) error {
	var inRecord []int
	for name, v := range typesDecode(t, r.values[table.RecordColumn].Text).(map[string]any) {
		last := -1
		for i, m := range members {
			if m.name == name && !m.lost && !m.nokey {
				last = i
			}
		}
		if v == nil {
			continue
		}
		if last < 0 || !sameValue(typesDecode(t, members[last].value), v) {
			return fmt.Errorf("RECORD has %v for %q", v, name)
		}
		inRecord = append(inRecord, last)
	}
	return restIsRescued(t, tb, r, members, inRecord)
}

func restIsRescued(t typesT, tb *typesTable, r typesRow, members []typesMember, found []int) error {
	var rest []typesMember
	for i, m := range members {
		if !slices.Contains(found, i) {
			rest = append(rest, m)
		}
	}
	rescued := map[string]any{}
	if !r.rescued.IsNull() {
		rescued = typesDecode(t, r.rescued.Text).(map[string]any)
	}
	if len(rescued) != len(rest) || !rescuedHolds(t, tb, rescued, rest) {
		return fmt.Errorf("_RESCUED does not give back %v", rest)
	}
	return nil
}

// columnHolds reports whether a value of a table is the value that a JSON text stands for.
func columnHolds(t typesT, v service.Value, text string) bool {
	original := typesDecode(t, text)
	s, isText := original.(string)
	_, isNumber := original.(json.Number)
	switch v.Kind {
	case service.KindNumber:
		return isText && typesPlain.MatchString(s) && sameNumber(s, v.Text) || isNumber && sameNumber(text, v.Text)
	case service.KindFloat:
		return isText && s == strconv.FormatFloat(v.Float(), 'f', -1, 64) ||
			isNumber && sameNumber(text, strconv.FormatFloat(v.Float(), 'e', -1, 64))
	case service.KindBoolean:
		b := strconv.FormatBool(v.Bool())
		return text == b || isText && s == b
	case service.KindVarchar:
		if isText {
			return s == v.Text
		}
		return text == v.Text && text[0] != '{' && text[0] != '['
	case service.KindVariant, service.KindObject, service.KindArray:
		return sameValue(original, typesDecode(t, v.Text))
	case service.KindBinary:
		return isText && s == fmt.Sprintf("%X", v.Text)
	case service.KindDate:
		return isText && s == v.Time().Format(time.DateOnly)
	case service.KindTime:
		at, err := time.Parse("15:04:05.999999999", s)
		return isText && err == nil && at.Format("15:04:05.999999999") == time.Unix(0, v.Int).UTC().Format("15:04:05.999999999")
	case service.KindTimestampNTZ:
		at, err := typesInstant(strings.TrimSuffix(s, "Z") + "Z")
		return isText && err == nil && at.Equal(v.Time())
	case service.KindTimestampLTZ, service.KindTimestampTZ:
		at, err := typesInstant(s)
		_, offset := at.Zone()
		_, loaded := v.Time().Zone()
		return isText && err == nil && at.Equal(v.Time()) && (v.Kind == service.KindTimestampLTZ || offset == loaded)
	}
	return false
}

var typesPlain = regexp.MustCompile(`^(-?[1-9][0-9]*|0|-?(0|[1-9][0-9]*)\.[0-9]+)$`)

// typesInstant reads an ISO 8601 date and time with an offset.
func typesInstant(s string) (time.Time, error) {
	return time.Parse("2006-01-02T15:04:05.999999999Z07:00", strings.Replace(s, " ", "T", 1))
}

// rescuedHolds pairs every member with its own of _RESCUED: under its key or column name, perhaps with a number.
func rescuedHolds(t typesT, tb *typesTable, rescued map[string]any, members []typesMember) bool {
	if len(members) == 0 {
		return true
	}
	m := members[0]
	column, _ := tb.column(m.name)
	for name, v := range rescued {
		base := name
		if i := strings.LastIndexByte(name, '#'); i >= 0 && name != m.name && name != column {
			base = name[:i]
		}
		if base != m.name && base != column {
			continue
		}
		if m.lost && v != m.value || !m.lost && !sameValue(typesDecode(t, m.value), v) {
			continue
		}
		others := maps.Clone(rescued)
		delete(others, name)
		if rescuedHolds(t, tb, others, members[1:]) {
			return true
		}
	}
	return false
}

// sameValue compares JSON values; a loaded text may stand for a number that Snowflake would change.
func sameValue(original, loaded any) bool {
	switch o := original.(type) {
	case json.Number:
		if l, ok := loaded.(json.Number); ok {
			return sameNumber(o.String(), l.String())
		}
		return loaded == o.String()
	case []any:
		l, ok := loaded.([]any)
		return ok && slices.EqualFunc(o, l, sameValue)
	case map[string]any:
		l, ok := loaded.(map[string]any)
		return ok && maps.EqualFunc(o, l, sameValue)
	}
	return original == loaded
}

// sameNumber compares two decimals exactly.
func sameNumber(a, b string) bool {
	x, y := exactly(a), exactly(b)
	return x != nil && y != nil && x.Cmp(y) == 0
}

// exactly reads a decimal; nil stands for one that is far beyond every column's range.
func exactly(text string) *big.Rat {
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		if strings.Trim(text[:i], "-0.") == "" {
			return new(big.Rat)
		}
		if e, err := strconv.Atoi(text[i+1:]); err != nil || e > 5000 || e < -5000 {
			return nil
		}
	}
	r, _ := new(big.Rat).SetString(text)
	return r
}
