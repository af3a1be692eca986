package step

import (
	"fmt"
	"strings"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/jsonscan"
)

// flatten lifts the members of objects to the top level. Lists stay as they are, and so do objects without members, which would
// leave nothing behind.
type flatten struct {
	keys      []string // none: every top-level object
	separator []byte
	depth     int
}

// maxFlattened bounds the fields of a row: an object of a record may have millions of members, none of which becomes a column
// beyond the first hundreds.
const maxFlattened = 1 << 16

func (s *flatten) run(x *Runner, st *compiled) (bool, error) {
	fields := x.row.Fields
	some := false
	for i := range fields {
		some = some || s.names(&fields[i])
	}
	if !some {
		return true, nil
	}
	// Into new memory: there are more fields than before, and they come in between.
	out := x.spare[:0]
	for i := range fields {
		f := &fields[i]
		if !s.names(f) {
			out = append(out, *f)
			continue
		}
		var err error
		if out, err = s.lift(x, out, f, f.Name, f.Value, s.depth); err != nil {
			if st.onError == Fail {
				return false, &pathError{cut(f.Name), err}
			}
			return true, nil
		}
	}
	x.spare = fields[:0]
	x.row.Fields = out
	return true, nil
}

// cut shortens a key of a record for a log line.
func cut(name []byte) string {
	const most = 100
	if len(name) <= most {
		return string(name)
	}
	return strings.ToValidUTF8(string(name[:most]), "") + "..."
}

func (s *flatten) names(f *row.Field) bool {
	if f.Kind != row.Object {
		return false
	}
	for _, key := range s.keys {
		if named(f, key) {
			return true
		}
	}
	return len(s.keys) == 0
}

// lift appends the members of an object as fields. parent is the field that the object stands in, prefix its name.
func (s *flatten) lift(x *Runner, out []row.Field, parent *row.Field, prefix, v []byte, depth int) ([]row.Field, error) {
	any := false
	for w := walk(v); ; any = true {
		key, value, ok := w.member()
		if !ok {
			break
		}
		if len(out) >= maxFlattened {
			return out, fmt.Errorf("has more than %d members", maxFlattened)
		}
		start := len(x.buf)
		x.buf = append(append(x.buf, prefix...), s.separator...)
		f := row.Field{Key: row.NoKey, Value: value, Flags: parent.Flags & row.HostileKey}
		mark := len(x.buf)
		if x.buf, ok = jsonscan.AppendDecoded(x.buf, key); !ok {
			x.buf = append(x.buf[:mark], key...)
			f.Flags |= row.HostileKey
		}
		if len(x.buf) > maxBuf {
			return out, errGrown
		}
		f.Name = x.buf[start:len(x.buf):len(x.buf)]
		if value[0] == '{' && depth > 1 {
			inner := *parent
			inner.Flags |= f.Flags & row.HostileKey
			var err error
			if out, err = s.lift(x, out, &inner, f.Name, value, depth-1); err != nil {
				return out, err
			}
			continue
		}
		if parent.Flags&^row.HostileKey == 0 {
			f.Kind = jsonscan.KindOf(value) // nothing in the object needs a flag, so nothing in its member does
		} else if err := x.setValue(&f, value); err != nil {
			return out, err
		}
		out = append(out, f)
	}
	if !any {
		f := row.Field{Key: row.NoKey, Kind: row.Object, Name: prefix, Value: v, Flags: parent.Flags & row.HostileKey}
		out = append(out, f)
	}
	return out, nil
}
