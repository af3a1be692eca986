package snowflake

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// fromVariant casts JSON: a null becomes SQL NULL, scalars are cast as their SQL counterparts, containers only become text.
func (f timeFormats) fromVariant(v Value, t Type) (Value, error) {
	text := v.Text
	switch c := text[0]; {
	case c == 'n':
		return Value{}, nil
	case c == '"':
		return f.convert(TextValue(unquoteJSON(text)), t)
	case c == 't' || c == 'f':
		return f.convert(BoolValue(c == 't'), t)
	case c == '{' || c == '[':
		if t.Kind == KindVarchar {
			s, err := canonicalVariant(text)
			if err != nil {
				return v, err
			}
			return f.convert(TextValue(s), t)
		}
	case exactInteger(text):
		if text == "-0" {
			text = "0"
		}
		if t.Kind != KindDate && !isTimestamp(t.Kind) && t.Kind != KindTime {
			return f.convert(NumberValue(text), t)
		}
	default:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return v, outOfRange(text)
		}
		return f.convert(FloatValue(x), t)
	}
	shown := text
	if len(shown) > 200 {
		shown = shown[:200]
	}
	return v, failf("100071", "22000", "Failed to cast variant value %s to %s", shown, variantTarget(t))
}

func variantTarget(t Type) string {
	switch t.Kind {
	case KindNumber:
		return "FIXED"
	case KindFloat:
		return "REAL"
	case KindVarchar:
		return "TEXT"
	}
	return t.Kind.String()
}

// toVariant wraps a value into JSON. A cast to OBJECT or ARRAY refuses JSON of another shape.
func (f timeFormats) toVariant(v Value, k Kind) (Value, error) {
	if !v.Kind.Semistructured() {
		if k != KindVariant {
			return v, cannotCast(v, Type{Kind: k})
		}
		return JSONValue(k, string(f.appendJSON(nil, v))), nil
	}
	if want := map[Kind]byte{KindObject: '{', KindArray: '['}[k]; want != 0 && v.Text[0] != want {
		if v.Text[0] == 'n' {
			return Value{}, nil
		}
		return v, failf("100071", "22000", "Failed to cast variant value %.200s to %s", v.Text, k)
	}
	v.Kind = k
	return v, nil
}

// appendJSON writes a SQL value as JSON: numbers without trailing zeros, times as text.
func (f timeFormats) appendJSON(b []byte, v Value) []byte {
	switch v.Kind {
	case KindNull:
		return append(b, "null"...)
	case KindNumber:
		if strings.IndexByte(v.Text, '.') >= 0 {
			return append(b, strings.TrimRight(strings.TrimRight(v.Text, "0"), ".")...)
		}
		return append(b, v.Text...)
	case KindFloat:
		return append(b, formatFloat(v.Float())...)
	case KindBoolean:
		return strconv.AppendBool(b, v.Bool())
	case KindVariant, KindObject, KindArray:
		return append(b, v.Text...)
	default:
		return appendJSONString(b, f.text(v))
	}
}

// text writes a value as ::VARCHAR does.
func (f timeFormats) text(v Value) string {
	switch v.Kind {
	case KindNumber, KindVarchar:
		return v.Text
	case KindVariant, KindObject, KindArray:
		if v.Text[0] == '"' {
			return unquoteJSON(v.Text)
		}
		return v.Text
	case KindFloat:
		return formatFloat(v.Float())
	case KindBoolean:
		return strconv.FormatBool(v.Bool())
	case KindBinary:
		return strings.ToUpper(hex.EncodeToString([]byte(v.Text)))
	case KindNull:
		return ""
	}
	return f.format(v)
}
