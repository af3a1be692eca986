package snowflake

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// convert casts a value as x::TYPE does. A NULL stays NULL, and so does a JSON null except towards VARIANT. Text that is
// cut by VARCHAR(n) is cut here; towards a column it is an error instead, see [store].
func (f timeFormats) convert(v Value, t Type) (Value, error) {
	if v.Kind == KindNull {
		return v, nil
	}
	if v.Kind.Semistructured() && !t.Kind.Semistructured() {
		return f.fromVariant(v, t)
	}
	switch t.Kind {
	case KindNumber:
		return toNumber(v, t)
	case KindFloat:
		return toFloat(v)
	case KindBoolean:
		return toBoolean(v)
	case KindVarchar:
		s := f.text(v)
		if n := t.Length; len(s) > n && utf8.RuneCountInString(s) > n {
			s = string([]rune(s)[:n])
		}
		return TextValue(s), nil
	case KindBinary:
		if v.Kind == KindBinary {
			return v, nil
		}
		b, err := hex.DecodeString(v.Text)
		if v.Kind != KindVarchar || err != nil {
			return v, failf("100115", "22000", "The following string is not a legal hex-encoded value: '%s'", v.Text)
		}
		return Value{Kind: KindBinary, Text: string(b)}, nil
	case KindVariant, KindObject, KindArray:
		return f.toVariant(v, t.Kind)
	}
	return f.toTime(v, t)
}

func cannotCast(v Value, t Type) *Error {
	return failf("002023", "22000", "SQL compilation error:\nExpression type does not match column data type, expecting %s but got %s", t, v.Kind)
}

func toNumber(v Value, t Type) (Value, error) {
	text := v.Text
	switch v.Kind {
	case KindNumber:
		if t.Scale == 0 && len(text) < t.Precision && strings.IndexByte(text, '.') < 0 {
			return v, nil
		}
	case KindVarchar:
		text = strings.TrimSpace(text)
	case KindBoolean:
		text = strconv.FormatInt(v.Int, 10)
	case KindFloat:
		if x := v.Float(); math.IsNaN(x) || math.IsInf(x, 0) {
			return v, outOfRange(formatFloat(x))
		}
		text = strconv.FormatFloat(v.Float(), 'e', -1, 64)
	default:
		return v, cannotCast(v, t)
	}
	s, ok, fits := fitDecimal(text, t.Precision, t.Scale)
	switch {
	case !ok:
		return v, failf("100038", "22018", "Numeric value '%s' is not recognized", v.Text)
	case !fits:
		return v, outOfRange(text)
	}
	return NumberValue(s), nil
}

func toFloat(v Value) (Value, error) {
	switch v.Kind {
	case KindFloat:
		return v, nil
	case KindBoolean:
		return FloatValue(float64(v.Int)), nil
	case KindNumber, KindVarchar:
		s := strings.TrimSpace(v.Text)
		x, err := strconv.ParseFloat(s, 64)
		if err != nil && !math.IsInf(x, 0) || strings.ContainsAny(s, "xXpP_") {
			return v, failf("100038", "22018", "Numeric value '%s' is not recognized", v.Text)
		}
		if err != nil {
			return v, outOfRange(v.Text)
		}
		return FloatValue(x), nil
	}
	return v, cannotCast(v, Type{Kind: KindFloat})
}

func toBoolean(v Value) (Value, error) {
	switch v.Kind {
	case KindBoolean:
		return v, nil
	case KindNumber:
		return BoolValue(strings.Trim(v.Text, "-0.") != ""), nil
	case KindFloat:
		return BoolValue(v.Float() != 0), nil
	case KindVarchar:
		switch strings.ToLower(strings.TrimSpace(v.Text)) {
		case "true", "t", "yes", "y", "on", "1":
			return BoolValue(true), nil
		case "false", "f", "no", "n", "off", "0":
			return BoolValue(false), nil
		}
		return v, failf("100037", "22018", "Boolean value '%s' is not recognized", v.Text)
	}
	return v, cannotCast(v, Type{Kind: KindBoolean})
}

func (f timeFormats) toTime(v Value, t Type) (Value, error) {
	switch {
	case v.Kind == t.Kind:
	case v.Kind == KindVarchar:
		out, ok := f.parse(strings.TrimSpace(v.Text), t.Kind)
		if !ok {
			switch t.Kind {
			case KindDate:
				return v, failf("100040", "22007", "Date '%s' is not recognized", v.Text)
			case KindTime:
				return v, failf("100108", "22007", "Time '%s' is not recognized", v.Text)
			}
			return v, failf("100035", "22007", "Timestamp '%s' is not recognized", v.Text)
		}
		v = out
	case v.Kind == KindDate && isTimestamp(t.Kind), isTimestamp(v.Kind) && (isTimestamp(t.Kind) || t.Kind == KindDate || t.Kind == KindTime):
		zone := f.zone
		if zone == nil {
			zone = time.UTC
		}
		at := v.Time()
		switch {
		case (v.Kind == KindDate || v.Kind == KindTimestampNTZ) && t.Kind != KindTimestampNTZ:
			at = time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), zone)
		case v.Kind == KindTimestampLTZ:
			at = at.In(zone)
		}
		switch t.Kind {
		case KindDate:
			v = Value{Kind: KindDate, Int: floorDiv(TimestampValue(KindTimestampNTZ, at).Int, 86400)}
		case KindTime:
			v = Value{Kind: KindTime, Int: int64(at.Hour()*3600+at.Minute()*60+at.Second())*1e9 + int64(at.Nanosecond())}
		default:
			v = TimestampValue(t.Kind, at)
		}
	default:
		return v, cannotCast(v, t)
	}
	cut := int64(1)
	for i := t.Scale; i < 9; i++ {
		cut *= 10
	}
	if t.Kind == KindTime {
		v.Int -= v.Int % cut
	} else if t.Kind != KindDate {
		v.Nanos -= int32(int64(v.Nanos) % cut)
	}
	return v, nil
}

// store casts a value towards a column and checks what the column demands.
func (f timeFormats) store(v Value, c Column) (Value, error) {
	if v.Kind == KindVarchar && c.Type.Kind.Semistructured() && c.Type.Kind != KindVariant {
		return v, cannotCast(v, c.Type)
	}
	wide := c.Type
	if wide.Kind == KindVarchar {
		wide.Length = math.MaxInt
	}
	out, err := f.convert(v, wide)
	if err != nil {
		return v, err
	}
	switch {
	case out.Kind == KindNull:
		if c.NotNull {
			return v, failf("100072", "22000", "NULL result in a non-nullable column")
		}
	case out.Kind == KindVarchar:
		if n := c.Type.Length; len(out.Text) > n && (n >= MaxVarchar || utf8.RuneCountInString(out.Text) > n) {
			return v, failf("100078", "22000", "String '%.100s' is too long and would be truncated", out.Text)
		}
		if !utf8.ValidString(out.Text) {
			return v, failf("100068", "22000", "Invalid UTF8 detected in string")
		}
	case out.Kind.Semistructured():
		if out.Int != 0 { // already canonical
			out.Int = 0
			if len(out.Text) > MaxVariant {
				return v, failf("100082", "22000", "Max LOB size (%d) exceeded, actual size of parsed column is %d", MaxVariant, len(out.Text))
			}
			break
		}
		if out.Text, err = canonicalVariant(out.Text); err != nil {
			return v, err
		}
	}
	return out, nil
}
