package snowflake

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

const hexDigits = "0123456789abcdef"

// appendJSONString quotes text.
func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= 0x20:
			b = append(b, c)
		case strings.IndexByte("\b\f\n\r\t", c) >= 0:
			b = append(b, '\\', "bfnrt"[strings.IndexByte("\b\f\n\r\t", c)])
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(b, '"')
}

// appendVariant writes a value as a VARIANT keeps it: without white space, keys of objects sorted, each key once, integers of up to
// 38 digits as they are and every other number as the double that a JSON parser makes of it (Snowflake docs,
// "Considerations for semi-structured data": non-integers are stored as double).
func appendVariant(b []byte, n node) ([]byte, error) {
	switch n.kind {
	case '{':
		order := make([]int, len(n.keys))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(x, y int) int { return strings.Compare(n.keys[x], n.keys[y]) })
		b = append(b, '{')
		for i, k := range order {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJSONString(b, n.keys[k]), ':')
			var err error
			if b, err = appendVariant(b, n.items[k]); err != nil {
				return b, err
			}
		}
		return append(b, '}'), nil
	case '[':
		b = append(b, '[')
		for i, v := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = appendVariant(b, v); err != nil {
				return b, err
			}
		}
		return append(b, ']'), nil
	case '"':
		if strings.IndexByte(n.raw, '\\') < 0 {
			return append(b, n.raw...), nil
		}
		return appendJSONString(b, unquoteJSON(n.raw)), nil
	case '0':
		if exactInteger(n.raw) {
			if n.raw == "-0" {
				return append(b, '0'), nil
			}
			return append(b, n.raw...), nil
		}
		f, err := strconv.ParseFloat(n.raw, 64)
		if err != nil || math.IsInf(f, 0) {
			return b, failf("100069", "22P02", "Error parsing JSON: number %s is out of range", n.raw)
		}
		return append(b, formatFloat(f)...), nil
	default:
		return append(b, n.raw...), nil
	}
}

// exactInteger says whether a JSON number keeps all its digits in a VARIANT.
func exactInteger(raw string) bool {
	return !strings.ContainsAny(raw, ".eE") && len(strings.TrimPrefix(raw, "-")) <= 38
}

// formatFloat writes a FLOAT as text: the shortest that reads back as the same number.
func formatFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case f == 0:
		return "0" // also minus zero
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strconv.FormatFloat(f, 'g', -1, 64)[:1], "+") + "inf"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// canonicalVariant brings JSON text into the form that appendVariant writes, and refuses what is over 128 MiB.
func canonicalVariant(text string) (string, error) {
	n, err := parseJSON(text, true)
	if err != nil {
		return "", err
	}
	b, err := appendVariant(make([]byte, 0, len(text)), n)
	if err != nil {
		return "", err
	}
	if len(b) > MaxVariant {
		return "", failf("100082", "22000", "Max LOB size (%d) exceeded, actual size of parsed column is %d", MaxVariant, len(b))
	}
	return string(b), nil
}
