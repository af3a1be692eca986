package dynamodb

import (
	"fmt"
	"slices"
	"strings"
)

// parseCondition reads a ConditionExpression, FilterExpression or
// KeyConditionExpression.
func parseCondition(kind, text string, s *scope) (condition, *Error) {
	return parseWith(kind, text, s, func(p *parser) condition {
		return p.condition(p.disjunction())
	})
}

// The operators by rising precedence: OR, AND, NOT, comparison. Operands and
// conditions share one rule for parentheses, and are told apart afterwards.

func (p *parser) disjunction() node {
	n := p.conjunction()
	for p.accept("OR") {
		p.operators++
		n = or{p.condition(n), p.condition(p.conjunction())}
	}
	return n
}

func (p *parser) conjunction() node {
	n := p.negation()
	for p.accept("AND") {
		p.operators++
		n = and{p.condition(n), p.condition(p.negation())}
	}
	return n
}

func (p *parser) negation() node {
	if p.accept("NOT") {
		p.operators++
		return not{p.condition(p.negation())}
	}
	return p.comparison()
}

func (p *parser) comparison() node {
	n := p.primary()
	t := p.peek()
	switch {
	case t.kind == tokPunct && slices.Contains([]string{"=", "<>", "<", "<=", ">", ">="}, t.text):
		p.next()
		p.operators++
		l, r := p.operand(n), p.operand(p.primary())
		p.distinct(t.text, l, r)
		if t.text != "=" && t.text != "<>" {
			p.ordered(t.text, l, r)
		}
		return compared{t.text, l, r}
	case p.accept("BETWEEN"):
		p.operators++
		x, lo := p.operand(n), p.operand(p.primary())
		p.expect("AND")
		hi := p.operand(p.primary())
		p.ordered("BETWEEN", x, lo, hi)
		p.bounds(lo, hi)
		return between{x, lo, hi}
	case p.accept("IN"):
		p.operators++
		c := in{x: p.operand(n)}
		p.expect("(")
		c.list = append(c.list, p.operand(p.primary()))
		for p.accept(",") {
			c.list = append(c.list, p.operand(p.primary()))
		}
		p.expect(")")
		if len(c.list) > 100 {
			p.fail(classOperand, fmt.Sprintf("Too many operands for the IN operator; operator: IN, number of operands: %d", len(c.list)))
		}
		return c
	}
	return n
}

func (p *parser) primary() node {
	switch t := p.peek(); t.kind {
	case tokValue:
		return p.literal()
	case tokName:
		return pathRef{p.path()}
	case tokWord:
		if p.toks[p.at+1].is("(") {
			return p.function()
		}
		if slices.ContainsFunc([]string{"AND", "OR", "NOT", "BETWEEN", "IN"}, t.is) {
			p.syntax()
		}
		return pathRef{p.path()}
	case tokPunct:
		if p.accept("(") {
			first := p.at
			nested := p.peek().is("(")
			n := p.disjunction()
			if nested && p.closes(first) == p.at-1 {
				p.fail(classParens, "The expression has redundant parentheses;")
			}
			p.expect(")")
			return n
		}
	}
	p.syntax()
	return nil
}

// closes returns the position of the parenthesis that closes the one at open.
func (p *parser) closes(open int) int {
	depth := 0
	for i := open; i < len(p.toks); i++ {
		switch {
		case p.toks[i].is("("):
			depth++
		case p.toks[i].is(")"):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func (p *parser) function() node {
	name := p.next().text
	p.expect("(")
	var args []node
	if !p.peek().is(")") {
		args = append(args, p.primary())
		for p.accept(",") {
			args = append(args, p.primary())
		}
	}
	p.expect(")")
	p.operators++
	want := map[string]int{
		"attribute_exists": 1, "attribute_not_exists": 1, "size": 1,
		"attribute_type": 2, "begins_with": 2, "contains": 2,
	}[name]
	if want == 0 {
		p.fail(classFunctionName, "Invalid function name; function: "+name)
		return exists{path{{}}}
	}
	if len(args) != want {
		p.fail(classOperand, fmt.Sprintf("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", name, len(args)))
		return exists{path{{}}}
	}
	ops := make([]operand, len(args))
	for i, a := range args {
		ops[i] = p.operand(a)
	}
	if len(ops) == 2 {
		p.distinct(name, ops[0], ops[1])
	}
	switch name {
	case "attribute_exists":
		return exists{p.document(name, ops[0])}
	case "attribute_not_exists":
		return absent{p.document(name, ops[0])}
	case "size":
		p.kindOf(name, ops[0], KindS, KindB, KindSS, KindNS, KindBS, KindL, KindM)
		return sizeOf{ops[0]}
	case "attribute_type":
		p.typeName(ops[1])
		return typed{ops[0], ops[1]}
	case "begins_with":
		p.kindOf(name, ops[0], KindS, KindB)
		p.kindOf(name, ops[1], KindS, KindB)
		return begins{ops[0], ops[1]}
	}
	return contains{ops[0], ops[1]}
}

// condition insists that n decides something; a bare operand does not.
func (p *parser) condition(n node) condition {
	switch n := n.(type) {
	case condition:
		return n
	case sizeOf:
		p.fail(classMisused, "The function is not allowed to be used this way in an expression; function: size")
		return exists{path{{}}}
	}
	p.syntax()
	return nil
}

// operand insists that n yields a value; a condition does not.
func (p *parser) operand(n node) operand {
	if o, ok := n.(operand); ok {
		return o
	}
	var name string
	switch n.(type) {
	case exists:
		name = "attribute_exists"
	case absent:
		name = "attribute_not_exists"
	case typed:
		name = "attribute_type"
	case begins:
		name = "begins_with"
	case contains:
		name = "contains"
	default:
		p.syntax()
	}
	p.fail(classMisused, "The function is not allowed to be used this way in an expression; function: "+name)
	return literal{}
}

func (p *parser) document(name string, o operand) path {
	if r, ok := o.(pathRef); ok {
		return r.p
	}
	p.fail(classOperand, "Operator or function requires a document path; operator or function: "+name)
	return path{{}}
}

func (p *parser) kindOf(name string, o operand, allowed ...Kind) {
	kind := staticKind(o)
	if kind != "" && !slices.Contains(allowed, kind) {
		p.fail(classOperand, "Incorrect operand type for operator or function; operator or function: "+name+", operand type: "+string(kind))
	}
}

// staticKind is the kind that an operand has whatever the item, or "".
func staticKind(o operand) Kind {
	switch o := o.(type) {
	case literal:
		return o.v.Kind
	case sizeOf:
		return KindN
	}
	return ""
}

func (p *parser) ordered(op string, operands ...operand) {
	for _, o := range operands {
		if kind := staticKind(o); kind != "" && kind != KindS && kind != KindN && kind != KindB {
			p.fail(classOperand, "Incorrect operand type for operator or function; operator or function: "+op+", operand type: "+string(kind))
		}
	}
}

func (p *parser) bounds(lo, hi operand) {
	l, ok1 := lo.(literal)
	h, ok2 := hi.(literal)
	if !ok1 || !ok2 || !l.v.exists() || !h.v.exists() {
		return
	}
	texts := fmt.Sprintf("lower bound operand: AttributeValue: {%s:%s}, upper bound operand: AttributeValue: {%s:%s}", l.v.Kind, l.v.quoted(), h.v.Kind, h.v.quoted())
	if l.v.Kind != h.v.Kind {
		p.fail(classOperand, "The BETWEEN operator requires same data type for lower and upper bounds; "+texts)
	} else if order, ok := l.v.compare(h.v); ok && order > 0 {
		p.fail(classOperand, "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "+texts)
	}
}

func (p *parser) distinct(op string, l, r operand) {
	a, ok1 := l.(pathRef)
	b, ok2 := r.(pathRef)
	if ok1 && ok2 && slices.Equal(a.p, b.p) {
		p.fail(classOperand, "The first operand must be distinct from the remaining operands for this operator or function; operator: "+op+", first operand: "+a.p.String())
	}
}

func (p *parser) typeName(o operand) {
	l, ok := o.(literal)
	switch {
	case !ok || l.v.Kind != KindS:
		kind := "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"
		if ok && l.v.exists() {
			kind = string(l.v.Kind)
		}
		p.fail(classOperand, "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: "+kind)
	case !slices.Contains(strings.Fields("S N B NULL SS BOOL L BS NS M"), l.v.Text):
		p.fail(classOperand, "Invalid attribute type name found; type: "+l.v.Text+", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}")
	}
}
