package duck

import (
	"errors"
	"fmt"
	"strings"
)

// operand reads one operand without what stands behind it.
func (t *translator) operand(table bool) (piece, error) {
	k := t.tokens[t.i]
	t.i++
	switch k.kind {
	case tokenString:
		return piece{text: literal(k.text), token: k}, nil
	case tokenNumber:
		return piece{text: k.text, token: k}, nil
	case tokenBind:
		if t.binds >= len(t.session.Binds) {
			return piece{}, fmt.Errorf("bind variable %d is not set", t.binds+1)
		}
		t.binds++
		return bound(t.session.Binds[t.binds-1])
	case tokenOp: // ( or [
		inner, err := t.sequence()
		if err != nil {
			return piece{}, err
		}
		closing := map[string]string{"(": ")", "[": "]"}[k.text]
		return piece{text: k.text + join(inner) + closing, group: inner}, t.expect(closing)
	}
	if k.kind == tokenWord && t.at("(") && !notFunctions[k.text] {
		t.i++
		return t.call(k.text)
	}
	parts := []token{k}
	for t.at(".") && t.i+1 < len(t.tokens) && (t.tokens[t.i+1].kind == tokenWord || t.tokens[t.i+1].kind == tokenQuoted) {
		parts = append(parts, t.tokens[t.i+1])
		t.i += 2
	}
	if p, ok, err := t.viewOf(parts, table); ok || err != nil {
		return p, err
	}
	return t.name(parts, table), nil
}

// viewOf writes a view out as the query that it is, under its own name where the query gives it none.
func (t *translator) viewOf(parts []token, table bool) (piece, bool, error) {
	if !table || t.view == nil || len(parts) == 1 && t.local[parts[0].text] {
		return piece{}, false, nil
	}
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.text
	}
	query, err := t.view(names)
	if query == "" || err != nil {
		return piece{}, false, err
	}
	named := false
	if t.i < len(t.tokens) {
		next := t.tokens[t.i]
		named = next.kind == tokenQuoted || next.kind == tokenWord && (next.text == "AS" || !notFunctions[next.text])
	}
	if !named {
		query += " AS " + quote(names[len(names)-1])
	}
	return piece{text: query}, true, nil
}

// typedLiteral says whether a string follows, as in DATE '2020-01-01'.
func (t *translator) typedLiteral() bool {
	return t.i < len(t.tokens) && t.tokens[t.i].kind == tokenString
}

func (t *translator) name(parts []token, table bool) piece {
	names, written := make([]string, len(parts)), make([]string, len(parts))
	for i, p := range parts {
		names[i], written[i] = p.text, p.text
		// A column may have a name that is a word of DuckDB's own grammar.
		if p.kind == tokenQuoted || !notFunctions[p.text] && t.column(p.text) && (len(parts) > 1 || !t.typedLiteral()) {
			written[i] = quote(p.text)
		}
	}
	p := piece{}
	if len(parts) == 1 {
		p.token = parts[0]
	}
	n := len(parts)
	if table && (n > 1 || !t.local[names[0]]) {
		if schema, view, ok := t.lookup(names); ok {
			p.text = quote(schema) + "." + quote(view)
			return p
		}
	}
	if !table && n > 2 { // a column with its table's full name
		if _, view, ok := t.lookup(names[:n-1]); ok {
			p.text = quote(view) + "." + written[n-1]
			return p
		}
	}
	p.text = strings.Join(written, ".")
	return p
}

// postfix says whether a cast, a path or an index follows.
func (t *translator) postfix(p piece) bool {
	return t.at("::") || t.at(":") || t.at("[") && (p.token.kind != tokenWord || !notFunctions[p.token.text])
}

// behind reads one cast or path behind an operand.
func (t *translator) behind(p piece) (piece, error) {
	if t.at("::") {
		t.i++
		typ, err := t.typeName()
		if err != nil {
			return piece{}, err
		}
		return piece{text: cast(p, typ, false)}, nil
	}
	var steps []string
	if t.at(":") {
		t.i++
		step, err := t.key()
		if err != nil {
			return piece{}, err
		}
		steps = append(steps, step)
	}
	for {
		switch {
		case t.at(".") && len(steps) > 0:
			t.i++
			step, err := t.key()
			if err != nil {
				return piece{}, err
			}
			steps = append(steps, step)
			continue
		case t.at("["):
			t.i++
			if t.i >= len(t.tokens) {
				return piece{}, t.expect("]")
			}
			k := t.tokens[t.i]
			t.i++
			switch k.kind {
			case tokenNumber:
				steps = append(steps, literal("["+k.text+"]"))
			case tokenString:
				steps = append(steps, literal("."+k.text))
			default:
				return piece{}, fmt.Errorf("an index is a number or a string, not %q", k.text)
			}
			if err := t.expect("]"); err != nil {
				return piece{}, err
			}
			continue
		}
		return get(p.text, steps), nil
	}
}

func (t *translator) key() (string, error) {
	if t.i >= len(t.tokens) || t.tokens[t.i].kind != tokenWord && t.tokens[t.i].kind != tokenQuoted {
		return "", errors.New("a key is expected behind the colon")
	}
	k := t.tokens[t.i]
	t.i++
	if k.kind == tokenWord {
		return literal("." + t.src[k.from:k.to]), nil // keys keep their case
	}
	return literal("." + k.text), nil
}

// get is the value behind steps, each a string literal.
func get(x string, steps []string) piece {
	return piece{text: fmt.Sprintf("CAST(%s(CAST(%s AS VARCHAR), %s) AS JSON)", fnGet, x, strings.Join(steps, ", ")), path: true}
}
