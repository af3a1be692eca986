package duck

import (
	"errors"
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
	return t.name(parts, table), nil
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

// labels are the names that the service gives to result columns without one: the expression's text in upper case.
func (t *translator) labels() []string {
	depth, i := 0, 0
	for ; i < len(t.tokens); i++ {
		switch k := t.tokens[i]; {
		case k.kind == tokenOp && k.text == "(":
			depth++
		case k.kind == tokenOp && k.text == ")":
			depth--
		}
		if depth == 0 && t.tokens[i].kind == tokenWord && t.tokens[i].text == "SELECT" {
			break
		}
	}
	i++
	if i < len(t.tokens) && t.tokens[i].kind == tokenWord && t.tokens[i].text == "DISTINCT" {
		i++
	}
	var labels []string
	for from := i; i <= len(t.tokens); i++ {
		end := i == len(t.tokens)
		if !end && t.tokens[i].kind == tokenOp {
			switch t.tokens[i].text {
			case "(", "[":
				depth++
			case ")", "]":
				depth--
			}
		}
		if !end && depth > 0 {
			continue
		}
		last := end || t.tokens[i].kind == tokenWord && endOfItems[t.tokens[i].text]
		if !last && (t.tokens[i].kind != tokenOp || t.tokens[i].text != ",") {
			continue
		}
		if from >= i {
			return nil
		}
		label, ok := t.label(t.tokens[from:i])
		if !ok {
			return nil
		}
		labels = append(labels, label)
		if last {
			break
		}
		from = i + 1
	}
	return labels
}

var endOfItems = wordSet("FROM WHERE GROUP HAVING QUALIFY ORDER LIMIT UNION INTERSECT EXCEPT")

// label names one item; it is empty where DuckDB's name is right, and not ok for a star.
func (t *translator) label(item []token) (label string, ok bool) {
	last := item[len(item)-1]
	if last.kind == tokenOp && last.text == "*" {
		return "", false
	}
	isName := func(k token) bool { return k.kind == tokenWord || k.kind == tokenQuoted }
	chain := isName(last)
	for i, k := range item {
		if i%2 == 0 && !isName(k) || i%2 == 1 && k.text != "." {
			chain = false
		}
	}
	if chain {
		return "", true
	}
	if n := len(item); isName(last) && n > 1 && last.text != "END" {
		before := item[n-2]
		if before.kind != tokenOp || before.text == ")" || before.text == "]" {
			return "", true // an alias
		}
	}
	return strings.ToUpper(t.src[item[0].from:last.to]), true
}
