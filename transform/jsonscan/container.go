package jsonscan

import "kinesis-snowflake/internal/row"

// container scans the object or array that opens at i, above which depth containers are open, and returns the index
// after its closing bracket, or -1. It keeps one bit a level: set for an object, clear for an array.
func (s *Scanner) container(b []byte, i, depth int) (int, row.Flag) {
	var (
		stack [MaxDepth / 64]uint64
		flags row.Flag
		base  = depth
		obj   bool
		want  problem
	)
open:
	if depth >= MaxDepth {
		return s.fail(tooDeep, i), 0
	}
	if obj = b[i] == '{'; obj {
		stack[depth>>6] |= 1 << (depth & 63)
	} else {
		stack[depth>>6] &^= 1 << (depth & 63)
	}
	depth++
	i++
	if i < len(b) && b[i] <= ' ' {
		i = space(b, i)
	}
	if obj {
		if i < len(b) && b[i] == '}' {
			goto closed
		}
		want = wantKeyOrBrace
		goto key
	}
	if i < len(b) && b[i] == ']' {
		goto closed
	}
	want = wantValueOrBracket
	goto value

key:
	if i >= len(b) || b[i] != '"' {
		return s.fail(want, i), 0
	}
	{
		end, f := s.str(b, i+1)
		if end < 0 {
			return -1, 0
		}
		flags |= f
		if i = s.colon(b, end+1); i < 0 {
			return -1, 0
		}
		want = wantValue
	}

value:
	if i >= len(b) {
		return s.fail(want, i), 0
	}
	switch b[i] {
	case '"':
		end, f := s.str(b, i+1)
		if end < 0 {
			return -1, 0
		}
		flags |= f
		i = end + 1
	case '{', '[':
		goto open
	case 't':
		i = s.literal(b, i, "true")
	case 'f':
		i = s.literal(b, i, "false")
	case 'n':
		i = s.literal(b, i, "null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		end, _, f := s.number(b, i)
		flags |= f
		i = end
	default:
		return s.fail(want, i), 0
	}
	if i < 0 {
		return -1, 0
	}

after:
	if i < len(b) && b[i] <= ' ' {
		i = space(b, i)
	}
	if i >= len(b) {
		return s.fail(wantCommaOr(obj), i), 0
	}
	if b[i] == ',' {
		i++
		if i < len(b) && b[i] <= ' ' {
			i = space(b, i)
		}
		if obj {
			want = wantKey
			goto key
		}
		want = wantValue
		goto value
	}
	if obj && b[i] != '}' || !obj && b[i] != ']' {
		return s.fail(wantCommaOr(obj), i), 0
	}

closed:
	i++
	depth--
	if depth == base {
		return i, flags
	}
	obj = stack[(depth-1)>>6]>>((depth-1)&63)&1 != 0
	goto after
}

func wantCommaOr(obj bool) problem {
	if obj {
		return wantCommaOrBrace
	}
	return wantCommaOrBracket
}
