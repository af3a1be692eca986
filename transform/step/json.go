package step

import (
	"encoding/json"
	"unicode/utf8"
)

// unquote resolves the escapes of the inside of a JSON string. It reports false for what no Unicode text can hold.
func unquote(raw string) (string, bool) {
	var s string
	if json.Unmarshal([]byte(`"`+raw+`"`), &s) != nil || !utf8.ValidString(s) {
		return "", false
	}
	return s, true
}
