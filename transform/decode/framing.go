package decode

import "bytes"

// frames takes the documents of a text.
func (d *Decoder) frames(text []byte) error {
	switch d.o.Framing {
	case Lines:
		return d.lines(text)
	case Array:
		return d.array(text)
	case AnyFrames:
		return d.anyFrames(text)
	default:
		return d.take(text)
	}
}

// full reports whether no more of a record is taken, after saying so once of the rest.
func (d *Decoder) full(rest []byte) (bool, error) {
	switch {
	case d.ended:
		return true, nil
	case d.index >= MaxDocuments:
		d.ended = true
		return true, d.refuse(rest, "the record holds more than %d documents; this one and all after it are left out", MaxDocuments)
	case d.made > MaxMade:
		d.ended = true
		return true, d.refuse(rest, "the record's log events, with what the envelope says of each, have more than %d bytes; this one and all after it are left out", MaxMade)
	}
	return false, nil
}

func (d *Decoder) lines(text []byte) error {
	rest, found := text, false
	for len(rest) > 0 {
		line := rest
		if n := bytes.IndexByte(rest, '\n'); n >= 0 {
			line, rest = rest[:n], rest[n+1:]
		} else {
			rest = nil
		}
		if line = trim(line); len(line) == 0 {
			continue
		}
		if full, err := d.full(line); full || err != nil {
			return err
		}
		found = true
		if err := d.line(line); err != nil {
			return err
		}
	}
	if !found {
		return d.take(text) // which is no document, and will be refused as such
	}
	return nil
}

// line takes a line of one object or several.
func (d *Decoder) line(line []byte) error {
	if line[0] == '{' && (bytes.Contains(line, []byte("}{")) || bytes.Contains(line, []byte("} {"))) {
		return d.objects(line)
	}
	return d.take(line)
}

// objects takes objects that follow each other with or without white space. What follows an object and is none is
// one document with all that comes after it; so is an object that does not end.
func (d *Decoder) objects(text []byte) error {
	for {
		if full, err := d.full(text); full || err != nil {
			return err
		}
		end := valueEnd(text)
		if end < 0 {
			return d.take(text)
		}
		rest := trim(text[end:])
		if len(rest) == 0 || rest[0] != '{' {
			return d.take(text)
		}
		if err := d.take(text[:end]); err != nil {
			return err
		}
		text = rest
	}
}

func (d *Decoder) anyFrames(text []byte) error {
	trimmed := trim(text)
	switch {
	case len(trimmed) == 0:
		return d.take(text)
	case trimmed[0] == '[':
		return d.array(text)
	case trimmed[0] != '{':
		return d.lines(text)
	}
	end := valueEnd(trimmed)
	switch {
	case end == len(trimmed):
		return d.take(text)
	case end < 0:
		// An object that does not end: cut off, or a bad one of several. A document's own lines seldom begin with a brace.
		if bytes.Contains(trimmed, []byte("\n{")) {
			return d.lines(text)
		}
		return d.take(text)
	case bytes.IndexByte(trimmed[:end], '\n') >= 0:
		return d.objects(trimmed)
	case bytes.Contains(trimmed, []byte("\n}")) && onlyObjects(trimmed[end:]):
		// A short object on one line, and others that are laid out.
		return d.objects(trimmed)
	default:
		return d.lines(text)
	}
}

// onlyObjects reports whether a text is objects that all end, and nothing else.
func onlyObjects(text []byte) bool {
	for text = trim(text); len(text) > 0; {
		end := -1
		if text[0] == '{' {
			end = valueEnd(text)
		}
		if end < 0 {
			return false
		}
		text = trim(text[end:])
	}
	return true
}

func (d *Decoder) array(text []byte) error {
	rest := trim(text)
	if len(rest) == 0 {
		return d.take(text)
	}
	if rest[0] != '[' {
		return d.refuse(text, "not an array, though transform.decode.framing is array")
	}
	rest = trim(rest[1:])
	if len(rest) > 0 && rest[0] == ']' {
		return d.afterArray(rest[1:])
	}
	for {
		if full, err := d.full(rest); full || err != nil {
			return err
		}
		end := elementEnd(rest)
		if end < 0 {
			return d.refuse(rest, "the array does not end after this element")
		}
		element := trim(rest[:end])
		var err error
		if len(element) == 0 {
			err = d.refuse(element, "an element of the array is empty")
		} else {
			err = d.take(element)
		}
		if err != nil {
			return err
		}
		closed := rest[end] == ']'
		rest = rest[end+1:]
		if closed {
			return d.afterArray(rest)
		}
	}
}

func (d *Decoder) afterArray(rest []byte) error {
	if rest = trim(rest); len(rest) > 0 {
		return d.refuse(rest, "something else stands after the array")
	}
	return nil
}

// valueEnd returns the index after the object that b begins with, or -1 if it does not end. It looks at brackets and
// quotes alone.
func valueEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			if i = stringEnd(b, i); i < 0 {
				return -1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// elementEnd returns the index of the comma or bracket that ends the element that b begins with, or -1.
func elementEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			if i = stringEnd(b, i); i < 0 {
				return -1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 && b[i] == ']' {
				return i
			}
			depth = max(0, depth-1)
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

// stringEnd returns the index of the quote that ends the string whose first quote is at i, or -1.
func stringEnd(b []byte, i int) int {
	for {
		n := bytes.IndexByte(b[i+1:], '"')
		if n < 0 {
			return -1
		}
		quote := i + 1 + n
		escapes := 0
		for b[quote-1-escapes] == '\\' {
			escapes++
		}
		// The first quote ends the count, and an escaped one is in the string.
		if escapes%2 == 0 {
			return quote
		}
		i = quote
	}
}

// trim cuts off JSON's white space at both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }
