package jsonscan

import "kinesis-snowflake/internal/row"

// MaxDepth is the deepest nesting that is accepted, the record's own object being level 1. It bounds whatever walks a
// value recursively later on; producers that nest more deeply are broken or hostile.
const MaxDepth = 512

// maxScratch is how many bytes of decoded keys a Scanner keeps between records. Keys with escapes are rare and short;
// the bound keeps one odd record from holding megabytes for the life of the Scanner.
const maxScratch = 64 << 10

// Scanner scans one record at a time. The zero value is ready. It is not safe for concurrent use.
type Scanner struct {
	names []byte // decoded keys of the current record

	// Where and why the current scan failed; meaningful only once a scanning method has returned -1.
	problem problem
	at      int
}

// Object checks b and appends its top-level members to fields, in their order, each with Key set to [row.NoKey].
// Names and values are slices of b or of the Scanner's own memory: they are valid until b changes or Object is called
// again.
//
// The error is always an [*Error]. It matches [ErrNotObject] if b is valid JSON but no object, [ErrTooDeep], or else
// [ErrSyntax]; fields then comes back at its old length.
func (s *Scanner) Object(b []byte, fields []row.Field) ([]row.Field, error) {
	if cap(s.names) > maxScratch {
		s.names = nil
	}
	s.names = s.names[:0]
	n := len(fields)
	i := space(b, 0)
	if i >= len(b) || b[i] != '{' {
		return fields, s.other(b, i)
	}
	fields, i = s.members(b, i, fields)
	if i >= 0 {
		if i = space(b, i); i == len(b) {
			return fields, nil
		}
		s.fail(wantEnd, i)
	}
	return fields[:n], s.error(b)
}

// members scans the object that opens at i and returns the index after its closing brace, or -1.
func (s *Scanner) members(b []byte, i int, fields []row.Field) ([]row.Field, int) {
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return fields, i + 1
	}
	want := wantKeyOrBrace
	for {
		if i >= len(b) || b[i] != '"' {
			return fields, s.fail(want, i)
		}
		key := i + 1
		end, keyFlags := s.str(b, key)
		if end < 0 {
			return fields, -1
		}
		name := b[key:end:end]
		if i = s.colon(b, end+1); i < 0 {
			return fields, -1
		}
		next, kind, flags := s.value(b, i)
		if next < 0 {
			return fields, -1
		}
		if keyFlags != 0 {
			if keyFlags&row.Hostile != 0 {
				flags |= row.HostileKey
			} else {
				name = s.decode(name)
			}
		}
		fields = append(fields, row.Field{Key: row.NoKey, Kind: kind, Flags: flags, Name: name, Value: b[i:next:next]})
		i = next
		if i < len(b) && b[i] <= ' ' {
			i = space(b, i)
		}
		if i >= len(b) || b[i] != ',' {
			break
		}
		i++
		if i < len(b) && b[i] <= ' ' {
			i = space(b, i)
		}
		want = wantKey
	}
	if i >= len(b) || b[i] != '}' {
		return fields, s.fail(wantCommaOrBrace, i)
	}
	return fields, i + 1
}

// value scans the top-level value at i.
func (s *Scanner) value(b []byte, i int) (end int, kind row.Kind, flags row.Flag) {
	if i >= len(b) {
		return s.fail(wantValue, i), 0, 0
	}
	switch b[i] {
	case '"':
		end, flags = s.str(b, i+1)
		if end < 0 {
			return -1, 0, 0
		}
		return end + 1, row.String, flags
	case '{':
		end, flags = s.container(b, i, 1)
		return end, row.Object, flags
	case '[':
		end, flags = s.container(b, i, 1)
		return end, row.Array, flags
	case 't':
		return s.literal(b, i, "true"), row.True, 0
	case 'f':
		return s.literal(b, i, "false"), row.False, 0
	case 'n':
		return s.literal(b, i, "null"), row.Null, 0
	}
	end, kind, _ = s.number(b, i)
	return end, kind, 0
}

// other explains a text that does not begin with an object. It scans the value, since text that is not JSON at all is
// a different failure from JSON of another shape.
func (s *Scanner) other(b []byte, i int) error {
	if len(b) >= 3 && string(b[:3]) == "\xef\xbb\xbf" {
		s.fail(byteOrderMark, 0)
		return s.error(b)
	}
	var (
		end  int
		kind row.Kind
	)
	if i < len(b) && b[i] == '[' {
		kind = row.Array
		end, _ = s.container(b, i, 0)
	} else {
		end, kind, _ = s.value(b, i)
	}
	if end >= 0 {
		if end = space(b, end); end == len(b) {
			return &Error{Offset: i, problem: notObject, kind: kind}
		}
		s.fail(wantEnd, end)
	}
	return s.error(b)
}

// colon skips the colon between a key and its value, from just after the key, and returns the value's index.
func (s *Scanner) colon(b []byte, i int) int {
	if i >= len(b) || b[i] != ':' {
		if i = space(b, i); i >= len(b) || b[i] != ':' {
			return s.fail(wantColon, i)
		}
	}
	i++
	if i < len(b) && b[i] <= ' ' {
		i = space(b, i)
	}
	return i
}

// space returns the index of the first byte from i on that is no JSON white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// Value checks that b is one JSON value, which may have white space around it, nested as deep as a member of a record may be.
// It returns the value's kind, and the flags that the value would have in a [row.Field]. The error is an [*Error].
func (s *Scanner) Value(b []byte) (row.Kind, row.Flag, error) {
	end, kind, flags := s.value(b, space(b, 0))
	if end >= 0 {
		if end = space(b, end); end == len(b) {
			return kind, flags, nil
		}
		s.fail(wantEnd, end)
	}
	return 0, 0, s.error(b)
}
