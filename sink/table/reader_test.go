package table

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"kinesis-snowflake/internal/row"
)

// This file reads load lines as a COPY does, from the documented behaviour of Snowflake and not from the encoder's
// code: an integer of up to 38 digits is a fixed-point number, any other JSON number a double, and whatever a cast
// would round, cut or refuse is an error here.

type loadedRow struct {
	meta    []any
	rescued map[string]any
	values  []any // by column: nil, *big.Rat, float64, bool, string, time.Time; or decoded JSON
}

func decodeLine(line []byte) (any, error) {
	if n := len(line); n == 0 || line[n-1] != '\n' || bytes.ContainsAny(line[:n-1], "\n\r") {
		return nil, fmt.Errorf("not exactly one line: %q", line)
	}
	if !utf8.Valid(line) {
		return nil, fmt.Errorf("not UTF-8: %q", line)
	}
	if hostileEscape(line) {
		return nil, fmt.Errorf("text that Snowflake refuses: %s", line)
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return v, nil
}

var escape = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|.)`)

func hostileEscape(line []byte) bool {
	high, end := false, 0
	for _, m := range escape.FindAllIndex(line, -1) {
		var r uint64
		if line[m[0]+1] == 'u' {
			r, _ = strconv.ParseUint(string(line[m[0]+2:m[1]]), 16, 32)
		} else {
			r = 'x'
		}
		low := r>>10 == 0xDC00>>10
		if r == 0 || low && !(high && m[0] == end) || high && !(low && m[0] == end) {
			return true
		}
		high, end = r>>10 == 0xD800>>10, m[1]
	}
	return high
}

// snowflakeNumber is what the JSON parser makes of a number: *big.Rat, or float64, or an error if it would change it.
func snowflakeNumber(n json.Number) (any, error) {
	if s := strings.TrimPrefix(string(n), "-"); allDigits([]byte(s)) {
		if len(s) > 38 {
			return nil, fmt.Errorf("integer %s of over 38 digits", n)
		}
		r, _ := new(big.Rat).SetString(string(n))
		return r, nil
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func ratOf(text string) *big.Rat {
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		if strings.Trim(text[:i], "-0.") == "" {
			return new(big.Rat)
		}
		if e, err := strconv.Atoi(text[i+1:]); err != nil || e > 5000 || e < -5000 {
			return nil // no test compares such a number as a number
		}
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil
	}
	return r
}

func ratOfDouble(f float64) *big.Rat { return ratOf(strconv.FormatFloat(f, 'e', -1, 64)) }

func readLine(line []byte, p *Plan) (*loadedRow, error) {
	v, err := decodeLine(line)
	if err != nil {
		return nil, err
	}
	elements, ok := v.([]any)
	if !ok || len(elements) < 8 {
		return nil, fmt.Errorf("no row: %s", line)
	}
	if len(elements) > 8 && elements[len(elements)-1] == nil {
		return nil, fmt.Errorf("ends in null: %s", line)
	}
	get := func(i int) any {
		if i < len(elements) {
			return elements[i]
		}
		return nil
	}
	out := &loadedRow{meta: elements[:7]}
	if get(7) != nil {
		if out.rescued, ok = get(7).(map[string]any); !ok {
			return nil, fmt.Errorf("_RESCUED is %T", get(7))
		}
		if err := checkRescued(out.rescued); err != nil {
			return nil, err
		}
	}
	for i, c := range p.Columns() {
		value, err := castAs(c.Type, get(8+i))
		if err != nil {
			return nil, fmt.Errorf("column %s %s: %w", c.Name, c.Type, err)
		}
		out.values = append(out.values, value)
	}
	if len(elements) > 8+len(p.Columns()) {
		return nil, fmt.Errorf("%d elements for %d columns", len(elements), len(p.Columns()))
	}
	return out, nil
}

func checkRescued(members map[string]any) error {
	for name, v := range members {
		if n, ok := v.(json.Number); ok && (strings.ContainsAny(string(n), "eE") || len(strings.Trim(string(n), "-0.")) > 16) {
			return fmt.Errorf("wide number in _RESCUED: %s: %s", name, n)
		}
	}
	return nil
}

var plainDecimal = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

func castAs(t Type, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	refuse := func() (any, error) { return nil, fmt.Errorf("cast of %v (%T)", v, v) }
	text, isText := v.(string)
	switch t.Base {
	case Number:
		var r *big.Rat
		switch n := v.(type) {
		case json.Number:
			x, err := snowflakeNumber(n)
			if err != nil {
				return nil, err
			}
			var ok bool
			if r, ok = x.(*big.Rat); !ok {
				return refuse() // a double, which may round
			}
		case string:
			if !plainDecimal.MatchString(n) {
				return refuse()
			}
			r = ratOf(n)
		default:
			return refuse()
		}
		scaled := new(big.Rat).Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Scale)), nil)))
		if !scaled.IsInt() || len(new(big.Int).Abs(scaled.Num()).String()) > t.Precision && scaled.Sign() != 0 {
			return nil, fmt.Errorf("%s is rounded or out of range", r.RatString())
		}
		return r, nil
	case Float:
		switch n := v.(type) {
		case json.Number:
			if strings.ContainsAny(string(n), "eE") || len(n) > 25 {
				return nil, fmt.Errorf("number %s is left to the JSON parser", n)
			}
			return strconv.ParseFloat(string(n), 64)
		case string:
			return strconv.ParseFloat(n, 64)
		}
	case Boolean:
		if b, ok := v.(bool); ok {
			return b, nil
		}
	case Varchar:
		if isText && utf8.RuneCountInString(text) <= t.Length {
			return text, nil
		}
	case Variant:
		return v, checkVariant(v)
	case Object:
		if _, ok := v.(map[string]any); ok {
			return v, checkVariant(v)
		}
	case Array:
		if _, ok := v.([]any); ok {
			return v, checkVariant(v)
		}
	case Binary:
		if isText && len(text) <= 2*t.Length && regexp.MustCompile(`^([0-9A-F]{2})*$`).MatchString(text) {
			return text, nil
		}
	case Date:
		return time.Parse("2006-01-02", text)
	case Time:
		return time.Parse("15:04:05.000000000", text)
	case TimestampNTZ, TimestampLTZ, TimestampTZ:
		return time.Parse("2006-01-02T15:04:05.000000000-07:00", text)
	}
	return refuse()
}

func checkVariant(v any) error {
	switch v := v.(type) {
	case json.Number:
		_, err := snowflakeNumber(v)
		return err
	case []any:
		for _, e := range v {
			if err := checkVariant(e); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, e := range v {
			if err := checkVariant(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// holds reports whether a loaded value of type t gives back the field.
func holds(t Type, loaded any, f *row.Field) bool {
	raw := string(f.Value)
	text := raw
	if f.Kind == row.String {
		if json.Unmarshal(f.Value, &text) != nil {
			return false
		}
	}
	switch t.Base {
	case Number:
		r := ratOf(text)
		return r != nil && r.Cmp(loaded.(*big.Rat)) == 0
	case Float:
		r := ratOf(text)
		return r != nil && r.Cmp(ratOfDouble(loaded.(float64))) == 0
	case Boolean:
		return strconv.FormatBool(loaded.(bool)) == text
	case Varchar, Binary:
		return loaded == text
	case Date:
		return loaded.(time.Time).Format("2006-01-02") == text
	case Time:
		original, err := time.Parse("15:04:05.999999999", text)
		return err == nil && original.Equal(loaded.(time.Time))
	case TimestampNTZ, TimestampLTZ, TimestampTZ:
		text = strings.Replace(text, " ", "T", 1)
		if t.Base == TimestampNTZ {
			text = strings.TrimSuffix(strings.TrimSuffix(text, "Z"), "+00:00") + "Z"
		}
		original, err := time.Parse(time.RFC3339Nano, text)
		at := loaded.(time.Time)
		if t.Base == TimestampTZ {
			_, a := original.Zone()
			if _, b := at.Zone(); a != b {
				return false
			}
		}
		return err == nil && original.Equal(at)
	}
	d := json.NewDecoder(strings.NewReader(raw))
	d.UseNumber()
	var original any
	return d.Decode(&original) == nil && sameJSON(original, loaded)
}

// sameJSON compares JSON values; a loaded string may stand for a number that Snowflake would change.
func sameJSON(original, loaded any) bool {
	switch o := original.(type) {
	case json.Number:
		switch l := loaded.(type) {
		case string:
			return l == string(o)
		case json.Number:
			a := ratOf(string(o))
			x, err := snowflakeNumber(l)
			if err != nil || a == nil {
				return false
			}
			if f, ok := x.(float64); ok {
				return a.Cmp(ratOfDouble(f)) == 0
			}
			return a.Cmp(x.(*big.Rat)) == 0
		}
		return false
	case []any:
		l, ok := loaded.([]any)
		if !ok || len(l) != len(o) {
			return false
		}
		for i := range o {
			if !sameJSON(o[i], l[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		l, ok := loaded.(map[string]any)
		if !ok || len(l) != len(o) {
			return false
		}
		for k := range o {
			if !sameJSON(o[k], l[k]) {
				return false
			}
		}
		return true
	}
	return original == loaded
}

// rescuedHolds reports whether a member of _RESCUED gives back the field.
func rescuedHolds(loaded any, f *row.Field) bool {
	if f.Flags&row.Hostile != 0 {
		return loaded == string(f.Value)
	}
	return holds(Type{Base: Variant}, loaded, f)
}
