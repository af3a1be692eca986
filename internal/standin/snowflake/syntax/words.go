package syntax

// FirstWord gives the statement's first word in upper case, comments passed over; empty where there is none.
func FirstWord(sql string) string { return wordAt(sql, 0) }

// SecondWord gives the word behind the first.
func SecondWord(sql string) string { return wordAt(sql, 1) }

func wordAt(sql string, n int) string {
	l := &lexer{src: sql[:min(len(sql), MaxStatement)]}
	for {
		if l.skip() != nil || l.pos >= len(l.src) {
			return ""
		}
		l.tokens = l.tokens[:0]
		if l.next() != nil || len(l.tokens) == 0 {
			return ""
		}
		t := l.tokens[0]
		if t.kind == tokenOp && (t.text == ";" || t.text == "(") {
			continue
		}
		if n == 0 {
			if t.kind == tokenWord {
				return t.text
			}
			return ""
		}
		n--
	}
}
