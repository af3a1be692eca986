package duck

import (
	"encoding/json"
	"strconv"
	"strings"
)

// member cuts the value of a key, or of an index written as [0], out of JSON text. The last of several equal keys counts, as
// in PARSE_JSON. ok is false where there is none.
func member(text, step string) (value string, ok bool) {
	index := -1
	if strings.HasPrefix(step, "[") {
		n, err := strconv.Atoi(strings.Trim(step, "[]"))
		if err != nil {
			return "", false
		}
		index = n
	} else {
		step = strings.TrimPrefix(step, ".")
	}
	open, object := byte('['), index < 0
	if object {
		open = '{'
	}
	i := space(text, 0)
	if i >= len(text) || text[i] != open {
		return "", false
	}
	i = space(text, i+1)
	for n := 0; i < len(text) && text[i] != ']' && text[i] != '}'; n++ {
		hit := n == index
		if object {
			end := skip(text, i)
			key, isString := unquote(text[i:end])
			hit = isString && key == step
			i = space(text, end)
			if i >= len(text) || text[i] != ':' {
				return "", false
			}
			i = space(text, i+1)
		}
		end := skip(text, i)
		if hit {
			value, ok = text[i:end], true
			if !object {
				return value, ok
			}
		}
		if i = space(text, end); i < len(text) && text[i] == ',' {
			i = space(text, i+1)
		}
	}
	return value, ok
}

// space is the place of the next character that is no white space.
func space(s string, i int) int {
	for i < len(s) && strings.IndexByte(" \t\r\n", s[i]) >= 0 {
		i++
	}
	return i
}

// skip is the end of the value that begins at i. The text is known to be JSON; in any other it stops somewhere behind i.
func skip(s string, i int) int {
	depth := 0
	for i < len(s) {
		switch s[i] {
		case '"':
			for i++; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
			i++
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		default:
			from := i
			for i < len(s) && strings.IndexByte(" \t\r\n,:]}\"[{", s[i]) < 0 {
				i++
			}
			if i == from {
				i++ // a comma, a colon or a space inside a container
			}
		}
		if depth <= 0 {
			return min(i, len(s))
		}
	}
	return len(s)
}

// unquote is the text of a JSON value as a cast to VARCHAR has it: a string without its quotes, anything else as it stands.
func unquote(value string) (text string, isString bool) {
	if !strings.HasPrefix(value, `"`) {
		return value, false
	}
	if strings.IndexByte(value, '\\') < 0 {
		return strings.Trim(value, `"`), true
	}
	if json.Unmarshal([]byte(value), &text) != nil {
		return value, false
	}
	return text, true
}

// kindOf names a JSON value as TYPEOF does.
func kindOf(value string) string {
	switch {
	case value == "":
		return "NULL_VALUE"
	case value[0] == '{':
		return "OBJECT"
	case value[0] == '[':
		return "ARRAY"
	case value[0] == '"':
		return "VARCHAR"
	case value == "null":
		return "NULL_VALUE"
	case value == "true", value == "false":
		return "BOOLEAN"
	case strings.ContainsAny(value, "eE"):
		return "DOUBLE"
	case strings.Contains(value, "."):
		return "DECIMAL"
	default:
		return "INTEGER"
	}
}

// keys lists an object's keys in order, each once, as JSON text; it is false for anything but an object.
func keys(text string) (list string, ok bool) {
	i := space(text, 0)
	if i >= len(text) || text[i] != '{' {
		return "", false
	}
	var out []string
	seen := map[string]bool{}
	for i = space(text, i+1); i < len(text) && text[i] == '"'; {
		end := skip(text, i)
		if key := text[i:end]; !seen[key] {
			seen[key] = true
			out = append(out, key)
		}
		i = space(text, end)
		if i < len(text) && text[i] == ':' {
			i = space(text, skip(text, space(text, i+1)))
		}
		if i < len(text) && text[i] == ',' {
			i = space(text, i+1)
		}
	}
	return "[" + strings.Join(out, ",") + "]", true
}

// size counts an array's elements; it is false for anything but an array.
func size(text string) (n int64, ok bool) {
	i := space(text, 0)
	if i >= len(text) || text[i] != '[' {
		return 0, false
	}
	for i = space(text, i+1); i < len(text) && text[i] != ']'; n++ {
		if i = space(text, skip(text, i)); i < len(text) && text[i] == ',' {
			i = space(text, i+1)
		}
	}
	return n, true
}
