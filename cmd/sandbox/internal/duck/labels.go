package duck

import "strings"

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
