package duck

import (
	"fmt"
	"slices"
	"strings"

	"kinesis-snowflake/internal/standin/snowflake"
)

// A translator rewrites one SELECT. It knows no grammar: it walks over the words, joins what belongs to one operand (a name,
// a call, a group in brackets, and the ::TYPE, :key and [i] behind it) and hands everything else through.
type translator struct {
	src     string
	tokens  []token
	i       int
	session snowflake.SessionInfo
	binds   int
	lookup  func(parts []string) (schema, view string, ok bool) // a table, by its name of one to three parts
	view    func(parts []string) (query string, err error)      // a view's, likewise; empty where there is none
	column  func(name string) bool                              // whether any table has such a column
	local   map[string]bool                                     // names that WITH gives
	stop    string                                              // the word that ends the next sequence, and only that
}

// A piece is one operand or one word of the rewritten statement.
type piece struct {
	text  string
	token token // the only one it came from, or a zero token
	path  bool  // a JSON value cut out by a path: text is its expression
	group []piece
}

// words before a bracket that are no function names.
var notFunctions = wordSet(`SELECT FROM WHERE AND OR NOT IN AS ON USING BY OVER WITHIN GROUP ORDER VALUES EXISTS ANY ALL SOME WHEN THEN ELSE CASE
	BETWEEN LIKE ILIKE UNION INTERSECT EXCEPT HAVING QUALIFY LIMIT OFFSET DISTINCT JOIN INNER LEFT RIGHT FULL OUTER CROSS LATERAL WITH RECURSIVE IS FILTER
	PARTITION ROWS RANGE WINDOW`)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// translate rewrites the statement. labels name the result's columns where DuckDB would name them in its own way; it is nil
// where the number of columns is not known from the text.
func (t *translator) translate() (sql string, labels []string, err error) {
	if t.tokens, err = lex(t.src); err != nil {
		return "", nil, err
	}
	t.local = map[string]bool{}
	for i, k := range t.tokens {
		if i+2 < len(t.tokens) && (k.kind == tokenWord || k.kind == tokenQuoted) && t.tokens[i+1].text == "AS" && t.tokens[i+2].text == "(" {
			t.local[k.text] = true
		}
	}
	pieces, err := t.sequence()
	if err != nil {
		return "", nil, err
	}
	if t.i < len(t.tokens) {
		if t.tokens[t.i].text != ";" || t.i+1 < len(t.tokens) {
			return "", nil, fmt.Errorf("unexpected %q", t.tokens[t.i].text)
		}
		t.tokens = t.tokens[:t.i]
	}
	return join(pieces), t.labels(), nil
}

// sequence reads until the bracket that closes it.
func (t *translator) sequence() ([]piece, error) {
	var out []piece
	from, table := false, false // inside FROM; the next name is a table
	stop := t.stop
	t.stop = ""
	for t.i < len(t.tokens) {
		k := t.tokens[t.i]
		if k.kind == tokenOp {
			if k.text == ")" || k.text == ";" || k.text == "]" {
				return t.operands(out), nil
			}
			if k.text == "," {
				table = from
			}
			if k.text != "(" && k.text != "[" {
				out = append(out, piece{text: k.text, token: k})
				t.i++
				continue
			}
		}
		if k.kind == tokenWord {
			if k.text == stop {
				return t.operands(out), nil
			}
			switch k.text {
			case "FROM", "JOIN":
				from, table = true, true
			case "WHERE", "GROUP", "ORDER", "HAVING", "QUALIFY", "LIMIT", "UNION", "INTERSECT", "EXCEPT", "SELECT":
				from, table = false, false
			}
		}
		p, err := t.operand(table)
		if err != nil {
			return nil, err
		}
		if p.token.kind != tokenWord || !notFunctions[p.token.text] {
			table = false
		}
		for t.postfix(p) {
			if p.token.text == "END" && p.token.kind == tokenWord { // CASE ... END::TYPE
				at := startOfCase(out)
				p = piece{text: "(" + join(append(slices.Clone(out[at:]), p)) + ")"}
				out = out[:at]
			}
			if p, err = t.behind(p); err != nil {
				return nil, err
			}
		}
		out = append(out, p)
	}
	return t.operands(out), nil
}

func startOfCase(out []piece) int {
	depth := 1
	for i := len(out) - 1; i >= 0; i-- {
		switch {
		case out[i].token.kind != tokenWord:
		case out[i].token.text == "END":
			depth++
		case out[i].token.text == "CASE":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return 0
}

func (t *translator) at(text string) bool {
	return t.i < len(t.tokens) && t.tokens[t.i].kind == tokenOp && t.tokens[t.i].text == text
}

func (t *translator) expect(text string) error {
	if !t.at(text) {
		if t.i < len(t.tokens) {
			return fmt.Errorf("%q is expected before %q", text, t.tokens[t.i].text)
		}
		return fmt.Errorf("%q is expected at the end", text)
	}
	t.i++
	return nil
}

// operands gives paths the type that their neighbours ask for: VARIANT compares and computes by value.
func (t *translator) operands(out []piece) []piece {
	at := func(i int) piece {
		if i < 0 || i >= len(out) {
			return piece{}
		}
		return out[i]
	}
	for i := range out {
		if !out[i].path {
			continue
		}
		op, operand := at(i+1), at(i+2)
		if op.token.text == "NOT" { // NOT LIKE, NOT IN, NOT BETWEEN
			op, operand = at(i+2), at(i+3)
		}
		to := wanted(op, operand)
		if to == "" {
			to = wanted(at(i-1), at(i-2))
		}
		if to != "" {
			out[i] = piece{text: "TRY_CAST(" + textOf(out[i].text) + " AS " + to + ")"}
		}
	}
	return out
}

// wanted is the type for a path beside an operator, empty where it stays JSON.
func wanted(op, operand piece) string {
	if op.token.kind != tokenOp && op.token.kind != tokenWord {
		return ""
	}
	switch op.token.text {
	case "LIKE", "ILIKE", "RLIKE", "||":
		return "VARCHAR"
	case "+", "-", "*", "/", "%":
		return "DOUBLE"
	case "=", "<>", "!=", "<", ">", "<=", ">=", "IN", "BETWEEN":
		if len(operand.group) > 0 {
			operand = operand.group[0]
		}
		switch {
		case operand.text == "-" || operand.token.kind == tokenNumber && operand.text != "":
			return "DOUBLE"
		case operand.token.text == "TRUE" || operand.token.text == "FALSE":
			return "BOOLEAN"
		default:
			return "VARCHAR"
		}
	default:
		return ""
	}
}

func textOf(json string) string { return fnText + "(CAST(" + json + " AS VARCHAR))" }

func join(pieces []piece) string {
	var b strings.Builder
	for i, p := range pieces {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(p.text)
	}
	return b.String()
}
