package syntax

// expr reads an expression: OR binds least, then AND, NOT, comparisons, ||, + and -, * / %, signs, casts and paths.
func (p *parser) expr() (Expr, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer p.shallower()
	return p.binary([]string{"OR"}, func() (Expr, error) {
		return p.binary([]string{"AND"}, p.not)
	})
}

func (p *parser) binary(ops []string, operand func() (Expr, error)) (Expr, error) {
	l, err := operand()
	if err != nil {
		return nil, err
	}
	for {
		op := ""
		for _, o := range ops {
			if p.isOp(o) || isWordStart(o[0]) && p.is(o) {
				op = o
			}
		}
		if op == "" {
			return l, nil
		}
		p.i++
		r, err := operand()
		if err != nil {
			return nil, err
		}
		if err := p.grow(); err != nil {
			return nil, err
		}
		l = &Binary{Op: op, L: l, R: r}
	}
}

func (p *parser) not() (Expr, error) {
	if !p.is("NOT") {
		return p.comparison()
	}
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer p.shallower()
	p.i++
	x, err := p.not()
	return &Unary{Op: "NOT", X: x}, err
}

func (p *parser) comparison() (Expr, error) {
	l, err := p.concat()
	if err != nil {
		return nil, err
	}
	for {
		if p.isOp("=", "<>", "!=", "<", "<=", ">", ">=") {
			op := p.next().text
			if op == "!=" {
				op = "<>"
			}
			r, err := p.concat()
			if err != nil {
				return nil, err
			}
			l = &Binary{Op: op, L: l, R: r}
		} else if p.is("IS") {
			p.i++
			not := p.accept("NOT")
			if p.accept("DISTINCT") {
				return nil, p.unexpected()
			}
			if err := p.expect("NULL"); err != nil {
				return nil, err
			}
			l = &IsNull{X: l, Not: not}
		} else if p.is("IN") || p.is("LIKE") || p.is("ILIKE") || p.is("BETWEEN") || p.is("NOT") && p.peekIs(1, "IN", "LIKE", "ILIKE", "BETWEEN") {
			if l, err = p.predicate(l); err != nil {
				return nil, err
			}
		} else {
			return l, nil
		}
		if err := p.grow(); err != nil {
			return nil, err
		}
	}
}

func (p *parser) predicate(l Expr) (Expr, error) {
	not := p.accept("NOT")
	var x Expr
	switch word := p.next().text; word {
	case "IN":
		in := &In{X: l, Not: not}
		if err := p.expectOp("("); err != nil {
			return nil, err
		}
		var err error
		if p.is("SELECT", "WITH", "VALUES") {
			in.Select, err = p.query()
		} else {
			in.List, err = p.exprList()
		}
		if err != nil {
			return nil, err
		}
		return in, p.expectOp(")")
	case "BETWEEN":
		lo, err := p.concat()
		if err != nil {
			return nil, err
		}
		if err := p.expect("AND"); err != nil {
			return nil, err
		}
		hi, err := p.concat()
		if err != nil {
			return nil, err
		}
		x = &Binary{Op: "AND", L: &Binary{Op: ">=", L: l, R: lo}, R: &Binary{Op: "<=", L: l, R: hi}}
	default:
		r, err := p.concat()
		if err != nil {
			return nil, err
		}
		x = &Binary{Op: word, L: l, R: r}
	}
	if not {
		x = &Unary{Op: "NOT", X: x}
	}
	return x, nil
}

func (p *parser) concat() (Expr, error) {
	return p.binary([]string{"||"}, func() (Expr, error) {
		return p.binary([]string{"+", "-"}, func() (Expr, error) {
			return p.binary([]string{"*", "/", "%"}, p.unary)
		})
	})
}

func (p *parser) unary() (Expr, error) {
	if !p.isOp("-", "+") {
		return p.postfix()
	}
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer p.shallower()
	op := p.next().text
	x, err := p.unary()
	if n, ok := x.(Number); ok && op == "-" && err == nil && n.Text[0] != '-' {
		return Number{Text: "-" + n.Text}, nil
	}
	return &Unary{Op: op, X: x}, err
}

// postfix reads casts, paths and indexes behind a primary expression.
func (p *parser) postfix() (Expr, error) {
	x, err := p.primary()
	for err == nil {
		switch {
		case p.isOp("::"):
			p.i++
			var t TypeName
			if t, err = p.typeName(); err == nil {
				x = &Cast{X: x, Type: t}
			}
		case p.isOp(":"):
			p.i++
			x, err = p.path(x)
		case p.isOp("["):
			p.i++
			var i Expr
			if i, err = p.expr(); err == nil {
				x, err = &Index{X: x, I: i}, p.expectOp("]")
			}
		default:
			return x, nil
		}
		if err == nil {
			err = p.grow()
		}
	}
	return nil, err
}

// path reads key[.key ...] behind a colon; keys keep their case, with quotes or without.
func (p *parser) path(x Expr) (Expr, error) {
	for {
		t := p.next()
		switch t.kind {
		case tokenWord:
			x = &Field{X: x, Key: t.raw}
		case tokenQuoted:
			x = &Field{X: x, Key: t.text}
		default:
			p.i--
			return nil, p.unexpected()
		}
		if err := p.grow(); err != nil {
			return nil, err
		}
		if !p.isOp(".") {
			return x, nil
		}
		p.i++
	}
}
