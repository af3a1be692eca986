package syntax

import (
	"strings"
	"unicode/utf8"
)

func (l *lexer) number() {
	start := l.pos
	digits := func() {
		for l.pos < len(l.src) && isDigit(l.src[l.pos]) {
			l.pos++
		}
	}
	digits()
	if l.pos < len(l.src) && l.src[l.pos] == '.' {
		l.pos++
		digits()
	}
	if rest := l.src[l.pos:]; len(rest) > 1 && (rest[0] == 'e' || rest[0] == 'E') {
		n := 1
		if rest[1] == '+' || rest[1] == '-' {
			n = 2
		}
		if len(rest) > n && isDigit(rest[n]) {
			l.pos += n
			digits()
		}
	}
	l.emit(tokenNumber, l.src[start:l.pos], start)
}

// quotedString reads '...' with doubled quotes and backslash escapes.
func (l *lexer) quotedString() error {
	start := l.pos
	var b strings.Builder
	for l.pos++; l.pos < len(l.src); l.pos++ {
		switch c := l.src[l.pos]; {
		case c == '\'' && strings.HasPrefix(l.src[l.pos+1:], "'"):
			l.pos++
			b.WriteByte('\'')
		case c == '\'':
			l.pos++
			l.emit(tokenString, b.String(), start)
			return nil
		case c == '\\' && l.pos+1 < len(l.src):
			l.pos++
			if err := l.escape(&b); err != nil {
				return err
			}
		default:
			b.WriteByte(c)
		}
	}
	return l.fail(start, "unexpected ''': the string has no end")
}

// escape reads what follows a backslash (Snowflake docs, "String & binary data types": escape sequences).
func (l *lexer) escape(b *strings.Builder) error {
	digits := func(n, base int) (rune, error) {
		from := l.pos + 1
		if from+n > len(l.src) {
			return 0, l.fail(l.pos, "unexpected '\\': invalid escape sequence")
		}
		var r rune
		for _, c := range []byte(l.src[from : from+n]) {
			d := strings.IndexByte("0123456789abcdef", c|0x20)
			if isDigit(c) {
				d = int(c - '0')
			}
			if d < 0 || d >= base {
				return 0, l.fail(l.pos, "unexpected '\\': invalid escape sequence")
			}
			r = r*rune(base) + rune(d)
		}
		l.pos += n
		return r, nil
	}
	switch c := l.src[l.pos]; c {
	case 'b':
		b.WriteByte('\b')
	case 'f':
		b.WriteByte('\f')
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case '0':
		b.WriteByte(0)
	case 'x', 'u':
		n := 2
		if c == 'u' {
			n = 4
		}
		r, err := digits(n, 16)
		if err != nil {
			return err
		}
		b.WriteRune(r)
	default:
		_, size := utf8.DecodeRuneInString(l.src[l.pos:])
		b.WriteString(l.src[l.pos : l.pos+size])
		l.pos += size - 1
	}
	return nil
}

func (l *lexer) quotedName() error {
	start := l.pos
	var b strings.Builder
	for l.pos++; l.pos < len(l.src); l.pos++ {
		if l.src[l.pos] != '"' {
			b.WriteByte(l.src[l.pos])
			continue
		}
		if strings.HasPrefix(l.src[l.pos+1:], `"`) {
			l.pos++
			b.WriteByte('"')
			continue
		}
		l.pos++
		if b.Len() == 0 {
			return l.fail(start, `unexpected '""': a quoted identifier must not be empty`)
		}
		l.emit(tokenQuoted, b.String(), start)
		return nil
	}
	return l.fail(start, `unexpected '"': the identifier has no end`)
}

// stage reads @name/path up to white space, a bracket, a comma or a semicolon outside double quotes.
func (l *lexer) stage() error {
	start, quoted := l.pos, false
	for ; l.pos < len(l.src); l.pos++ {
		c := l.src[l.pos]
		if c == '"' {
			quoted = !quoted
		}
		if !quoted && strings.IndexByte(" \t\r\n;,()'", c) >= 0 {
			break
		}
	}
	if quoted {
		return l.fail(start, `unexpected '"': the identifier has no end`)
	}
	l.emit(tokenStage, l.src[start:l.pos], start)
	return nil
}
