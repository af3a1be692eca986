package validate

import (
	"regexp"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// newFormat returns the check of a format, nil if the library knows none. The common formats are first looked at here, which
// costs no allocation; what does not look good is shown to the library.
func newFormat(name string) func(text []byte) verdict {
	library, ok := jsonschema.Formats[name]
	if !ok {
		return nil
	}
	var plain func(text []byte) bool
	switch name {
	case "date":
		plain = plainDate
	case "date-time":
		plain = func(text []byte) bool {
			return len(text) > 11 && text[10] == 'T' && plainDate(text[:10]) && plainTime(text[11:])
		}
	case "time":
		plain = plainTime
	case "uuid":
		plain = plainUUID
	case "ipv4", "ip-address":
		plain = plainIPv4
	default:
		plain = func([]byte) bool { return false }
	}
	return func(text []byte) verdict {
		if plain(text) || library(string(text)) {
			return good
		}
		return bad
	}
}

func plainDate(b []byte) bool {
	if len(b) != 10 || b[4] != '-' || b[7] != '-' {
		return false
	}
	year, ok1 := digits(b[:4])
	month, ok2 := digits(b[5:7])
	day, ok3 := digits(b[8:])
	if !ok1 || !ok2 || !ok3 || month < 1 || month > 12 || day < 1 {
		return false
	}
	last := 31
	switch month {
	case 4, 6, 9, 11:
		last = 30
	case 2:
		last = 28
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			last = 29
		}
	}
	return day <= last
}

// plainTime knows all times but those with leap seconds.
func plainTime(b []byte) bool {
	if len(b) < 9 || !clock(b[:5]) || b[5] != ':' {
		return false
	}
	if s, ok := digits(b[6:8]); !ok || s > 59 {
		return false
	}
	b = b[8:]
	if b[0] == '.' {
		i := 1
		for i < len(b) && b[i]-'0' <= 9 {
			i++
		}
		if i == 1 {
			return false
		}
		b = b[i:]
	}
	switch len(b) {
	case 1:
		return b[0] == 'Z'
	case 6:
		return (b[0] == '+' || b[0] == '-') && clock(b[1:])
	}
	return false
}

// clock reports whether b is hours and minutes.
func clock(b []byte) bool {
	if len(b) != 5 || b[2] != ':' {
		return false
	}
	h, ok1 := digits(b[:2])
	m, ok2 := digits(b[3:])
	return ok1 && ok2 && h <= 23 && m <= 59
}

func digits(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = n*10 + int(c)
	}
	return n, true
}

func plainUUID(b []byte) bool {
	if len(b) != 36 {
		return false
	}
	for i, c := range b {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !(c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'f') {
				return false
			}
		}
	}
	return true
}

func plainIPv4(b []byte) bool {
	groups, n, length := 1, 0, 0
	for _, c := range b {
		if c == '.' {
			if length == 0 {
				return false
			}
			groups, n, length = groups+1, 0, 0
			continue
		}
		if c -= '0'; c > 9 || length > 0 && n == 0 {
			return false
		}
		n, length = n*10+int(c), length+1
		if n > 255 {
			return false
		}
	}
	return groups == 4 && length > 0
}

// matcher is a pattern.
type matcher struct {
	regexp *regexp.Regexp
}

func newMatcher(r *regexp.Regexp) *matcher { return &matcher{regexp: r} }

func (m *matcher) match(text []byte) bool { return m.regexp.Match(text) }
