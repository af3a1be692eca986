package step

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"kinesis-snowflake/transform/jsonscan"
)

// base is a type of Snowflake's without its arguments.
type base uint8

const (
	baseNumber base = iota
	baseFloat
	baseBoolean
	baseVarchar
	baseDate
	baseTime
	baseNTZ
	baseLTZ
	baseTZ
	baseVariant
	baseArray
	baseObject
)

var bases = map[string]base{
	"NUMBER": baseNumber, "DECIMAL": baseNumber, "NUMERIC": baseNumber, "INT": baseNumber, "INTEGER": baseNumber, "BIGINT": baseNumber,
	"FLOAT": baseFloat, "DOUBLE": baseFloat, "BOOLEAN": baseBoolean, "VARCHAR": baseVarchar, "STRING": baseVarchar, "TEXT": baseVarchar,
	"DATE": baseDate, "TIME": baseTime, "TIMESTAMP_NTZ": baseNTZ, "TIMESTAMP_LTZ": baseLTZ, "TIMESTAMP_TZ": baseTZ, "VARIANT": baseVariant,
	"ARRAY": baseArray, "OBJECT": baseObject,
}

const (
	allowedTypes   = "NUMBER(p,s), NUMBER, INTEGER, FLOAT, BOOLEAN, VARCHAR(n), VARCHAR, DATE, TIME, TIMESTAMP_NTZ, TIMESTAMP_LTZ, TIMESTAMP_TZ, the last four also with digits of a second, such as TIME(3); VARIANT, ARRAY, OBJECT"
	maxPrecision   = 38
	maxFraction    = 9
	maxVarchar     = 134217728
	maxVarcharText = "134,217,728"
)

// typ is a type of a column.
type typ struct {
	base             base
	precision, scale int    // of a NUMBER
	length           int    // of a VARCHAR; 0 is as long as can be
	fraction         int    // digits of a second that a time has
	text             string // as SQL says it
}

func parseType(written string) (t typ, err error) {
	name, args, hasArgs := strings.Cut(strings.ToUpper(strings.Join(strings.Fields(written), "")), "(")
	b, ok := bases[name]
	switch {
	case name == "BINARY" || name == "VARBINARY":
		return t, errors.New("is no type that a cast makes: pin the column in transform.columns, which takes texts of hexadecimal")
	case name == "TIMESTAMP":
		return t, errors.New("is another type in each account")
	case !ok || hasArgs && !strings.HasSuffix(args, ")"):
		return t, errors.New("is no type")
	}
	t = typ{base: b, precision: maxPrecision, fraction: maxFraction, text: name}
	var n []int
	if hasArgs {
		for _, a := range strings.Split(strings.TrimSuffix(args, ")"), ",") {
			v, err := strconv.ParseUint(a, 10, 31)
			if err != nil {
				return t, errors.New("is no type")
			}
			n = append(n, int(v))
		}
	}
	switch b {
	case baseNumber:
		if len(n) > 0 {
			t.precision = n[0]
		}
		if len(n) > 1 {
			t.scale = n[1]
		}
		if len(n) > 2 || t.precision < 1 || t.precision > maxPrecision || t.scale > min(t.precision, 37) {
			return t, errors.New("is no NUMBER: its precision is 1 to 38, its scale at most the precision and 37")
		}
		t.text = fmt.Sprintf("NUMBER(%d,%d)", t.precision, t.scale)
	case baseVarchar:
		t.text = "VARCHAR"
		if len(n) == 1 && n[0] >= 1 && n[0] <= maxVarchar {
			t.length, t.text = n[0], fmt.Sprintf("VARCHAR(%d)", n[0])
		} else if len(n) > 0 {
			return t, errors.New("is no VARCHAR: its length is 1 to " + maxVarcharText)
		}
	case baseTime, baseNTZ, baseLTZ, baseTZ:
		if len(n) == 1 && n[0] <= maxFraction {
			t.fraction, t.text = n[0], fmt.Sprintf("%s(%d)", name, n[0])
		} else if len(n) > 0 {
			return t, errors.New("has other digits of a second than 0 to 9")
		}
	case baseFloat:
		t.text = "FLOAT"
		fallthrough
	default:
		if len(n) > 0 {
			return t, errors.New("has arguments, which this type has not")
		}
	}
	return t, nil
}

func (t *typ) isTime() bool { return t.base >= baseDate && t.base <= baseTZ }

// caster is cast: it makes a value one of a type, or fails; it never rounds and never cuts.
type caster struct {
	typ
	unit   time.Duration // of a number that is a time; 0: none
	layout []token       // of a text that is a time; nil: ISO 8601
}

var units = map[string]time.Duration{"epoch_s": time.Second, "epoch_ms": time.Millisecond, "epoch_us": time.Microsecond, "epoch_ns": time.Nanosecond}

func (c *caster) edit(x *Runner, dst, v []byte) ([]byte, action, error) {
	if isNull(v) || c.base == baseVariant {
		return dst, same, nil
	}
	if c.isTime() {
		return c.time(x, dst, v)
	}
	switch {
	case c.base == baseArray && v[0] != '[':
		return dst, same, fmt.Errorf("is %s, not an array", kindNames[jsonscan.KindOf(v)])
	case c.base == baseObject && v[0] != '{':
		return dst, same, fmt.Errorf("is %s, not an object", kindNames[jsonscan.KindOf(v)])
	case c.base == baseArray || c.base == baseObject:
		return dst, same, nil
	}
	var inside []byte
	if v[0] == '"' {
		inside, x.tmp = text(x.tmp[:0], v)
	}
	switch c.base {
	case baseNumber, baseFloat:
		return c.number(dst, v, inside)
	case baseBoolean:
		return c.boolean(dst, v, inside)
	}
	if v[0] == '"' {
		if err := c.fits(inside); err != nil {
			return dst, same, err
		}
		return dst, same, nil
	}
	if err := c.fits(v); err != nil {
		return dst, same, err
	}
	return appendQuoted(dst, v), changed, nil
}

func (c *caster) fits(text []byte) error {
	if c.length > 0 && utf8.RuneCount(text) > c.length {
		return fmt.Errorf("is longer than %d characters", c.length)
	}
	return nil
}

func (c *caster) number(dst, v, inside []byte) ([]byte, action, error) {
	n := v
	if v[0] == '"' {
		if n = bytes.TrimSpace(inside); len(n) > 0 && n[0] == '+' {
			n = n[1:]
		}
		if !isNumber(n) {
			return dst, same, errors.New("is a text that spells no number")
		}
		n = trimZeros(n)
	} else if k := v[0]; k != '-' && (k < '0' || k > '9') {
		return dst, same, fmt.Errorf("is %s, not a number", kindNames[jsonscan.KindOf(v)])
	}
	if c.base == baseFloat {
		if v[0] != '"' {
			return dst, same, nil
		}
		return append(dst, n...), changed, nil
	}
	d, err := parseDecimal(n)
	if err != nil {
		return dst, same, err
	}
	d = d.trim()
	if d.exp < -c.scale {
		return dst, same, fmt.Errorf("has more than %d digits after the point", c.scale)
	}
	if d.length() > c.precision-c.scale {
		return dst, same, fmt.Errorf("has more than %d digits before the point", c.precision-c.scale)
	}
	if v[0] != '"' && bytes.IndexByte(v, 'e') < 0 && bytes.IndexByte(v, 'E') < 0 {
		return dst, same, nil // it is as it should be, and keeps its bytes
	}
	return d.append(dst), changed, nil
}

// isNumber reports whether b is a number as JSON writes it, but for zeros at its start.
func isNumber(b []byte) bool {
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	b, ok := digits(b)
	if ok && len(b) > 0 && b[0] == '.' {
		b, ok = digits(b[1:])
	}
	if ok && len(b) > 0 && b[0]|0x20 == 'e' {
		if b = b[1:]; len(b) > 0 && (b[0] == '+' || b[0] == '-') {
			b = b[1:]
		}
		b, ok = digits(b)
	}
	return ok && len(b) == 0
}

func digits(b []byte) (rest []byte, ok bool) {
	n := 0
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	return b[n:], n > 0
}

// trimZeros takes the zeros that JSON does not allow from the start of a number. It may change b.
func trimZeros(b []byte) []byte {
	sign := 0
	if b[0] == '-' {
		sign = 1
	}
	n := sign
	for n+1 < len(b) && b[n] == '0' && '0' <= b[n+1] && b[n+1] <= '9' {
		n++
	}
	if n == sign {
		return b
	}
	if sign == 0 {
		return b[n:]
	}
	return append([]byte{'-'}, b[n:]...)
}

func (c *caster) boolean(dst, v, inside []byte) ([]byte, action, error) {
	word := ""
	switch {
	case v[0] == 't' || v[0] == 'f':
		return dst, same, nil
	case v[0] == '"':
		if len(inside) <= len("false") {
			word = strings.ToLower(string(inside))
		}
	default:
		word = string(v[:min(len(v), 2)])
	}
	switch word {
	case "true", "t", "yes", "y", "on", "1":
		return append(dst, "true"...), changed, nil
	case "false", "f", "no", "n", "off", "0":
		return append(dst, "false"...), changed, nil
	}
	return dst, same, errors.New("is neither true nor false, nor a word or number for one of them")
}
