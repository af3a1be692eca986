package dynamodb

import (
	"fmt"
	"strings"
)

// action is one step of an update: SET, REMOVE, ADD or DELETE of one path.
// legacy marks an action of the older AttributeUpdates, whose type mismatches
// have their own message.
type action struct {
	verb   string
	path   path
	term   term // SET
	value  Value
	legacy bool
}

// term is the right-hand side of SET. It fails when the item lacks what it
// refers to or has it with another type.
type term interface{ resolve(Item) (Value, *Error) }

type (
	operandTerm struct{ o operand }
	arithmetic  struct {
		l, r  term
		minus bool
	}
	ifNotExists struct {
		p        path
		fallback term
	}
	listAppend struct{ l, r term }
)

func parseUpdate(text string, s *scope) ([]action, *Error) {
	return parseWith("UpdateExpression", text, s, (*parser).update)
}

func (p *parser) update() []action {
	var actions []action
	seen := map[string]bool{}
	for p.peek().kind != tokEOF {
		verb := strings.ToUpper(p.peek().text)
		if p.peek().kind != tokWord || verb != "SET" && verb != "REMOVE" && verb != "ADD" && verb != "DELETE" {
			p.syntax()
		}
		p.next()
		if seen[verb] {
			p.fail(classSection, fmt.Sprintf("The %q section can only be used once in an update expression;", verb))
		}
		seen[verb] = true
		actions = append(actions, p.action(verb))
		for p.accept(",") {
			actions = append(actions, p.action(verb))
		}
	}
	if len(actions) == 0 {
		p.syntax()
	}
	paths := make([]path, len(actions))
	for i, a := range actions {
		paths[i] = a.path
	}
	p.overlapping(paths)
	return actions
}

func (p *parser) action(verb string) action {
	p.operators++
	a := action{verb: verb, path: p.path()}
	switch verb {
	case "SET":
		p.expect("=")
		a.term = p.sum()
	case "ADD", "DELETE":
		if p.peek().kind != tokValue {
			p.syntax()
		}
		a.value = p.literal().v
		kind := a.value.Kind
		if kind != "" && kind.setOf() == "" && (verb == "DELETE" || kind != KindN) {
			p.fail(classOperand, "Incorrect operand type for operator or function; operator: "+verb+", operand type: "+longName(kind))
		}
	}
	return a
}

// longName is how the service calls a type in the message about ADD and DELETE.
func longName(k Kind) string {
	switch k {
	case KindS:
		return "STRING"
	case KindN:
		return "NUMBER"
	case KindB:
		return "BINARY"
	case KindBool:
		return "BOOLEAN"
	case KindL:
		return "LIST"
	case KindM:
		return "MAP"
	}
	return string(k)
}

func (p *parser) sum() term {
	l := p.term()
	for _, op := range []string{"+", "-"} {
		if p.accept(op) {
			p.operators++
			r := p.term()
			p.termKind(op, l, KindN)
			p.termKind(op, r, KindN)
			return arithmetic{l, r, op == "-"}
		}
	}
	return l
}

func (p *parser) term() term {
	switch t := p.peek(); {
	case t.kind == tokValue:
		return operandTerm{p.literal()}
	case t.is("("):
		p.next()
		inner := p.sum()
		p.expect(")")
		return inner
	case t.kind == tokWord && p.toks[p.at+1].is("("):
		return p.updateFunction()
	}
	return operandTerm{pathRef{p.path()}}
}

func (p *parser) updateFunction() term {
	name := p.next().text
	p.expect("(")
	var args []term
	if !p.peek().is(")") {
		args = append(args, p.sum())
		for p.accept(",") {
			args = append(args, p.sum())
		}
	}
	p.expect(")")
	p.operators++
	if name != "if_not_exists" && name != "list_append" {
		p.fail(classFunctionName, "Invalid function name; function: "+name)
		return operandTerm{literal{}}
	}
	if len(args) != 2 {
		p.fail(classOperand, fmt.Sprintf("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", name, len(args)))
		return operandTerm{literal{}}
	}
	if name == "list_append" {
		p.termKind(name, args[0], KindL)
		p.termKind(name, args[1], KindL)
		return listAppend{args[0], args[1]}
	}
	if o, ok := args[0].(operandTerm); ok {
		if r, ok := o.o.(pathRef); ok {
			return ifNotExists{r.p, args[1]}
		}
	}
	p.fail(classOperand, "Operator or function requires a document path; operator or function: "+name)
	return operandTerm{literal{}}
}

func (p *parser) termKind(name string, t term, want Kind) {
	o, ok := t.(operandTerm)
	if !ok {
		return
	}
	if l, ok := o.o.(literal); ok && l.v.exists() && l.v.Kind != want {
		p.fail(classOperand, "Incorrect operand type for operator or function; operator or function: "+name+", operand type: "+string(l.v.Kind))
	}
}
