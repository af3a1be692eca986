package syntax

import "strconv"

func (p *parser) primary() (Expr, error) {
	t := p.next()
	switch t.kind {
	case tokenNumber:
		return Number{Text: t.text}, nil
	case tokenString:
		return String{Text: t.text}, nil
	case tokenBind:
		p.binds++
		return &Bind{N: p.binds - 1}, nil
	case tokenDollar:
		n, err := strconv.Atoi(t.text)
		if err != nil || n < 1 {
			return nil, p.fail(t, "unexpected '%s'", t.raw)
		}
		return &Dollar{N: n}, nil
	case tokenQuoted:
		p.i--
		return p.column()
	case tokenWord:
		return p.word(t)
	case tokenOp:
		switch t.text {
		case "(":
			return p.bracket()
		case "*":
			return &Star{}, nil
		}
	}
	p.i--
	return nil, p.unexpected()
}

func (p *parser) bracket() (Expr, error) {
	if p.is("SELECT", "WITH", "VALUES") {
		s, err := p.query()
		if err != nil {
			return nil, err
		}
		return &Scalar{Select: s}, p.expectOp(")")
	}
	x, err := p.expr()
	if err != nil {
		return nil, err
	}
	return x, p.expectOp(")")
}

func (p *parser) word(t token) (Expr, error) {
	switch t.text {
	case "NULL":
		return Null{}, nil
	case "TRUE", "FALSE":
		return Bool{Value: t.text == "TRUE"}, nil
	case "CASE":
		return p.caseExpr()
	case "EXISTS":
		if err := p.expectOp("("); err != nil {
			return nil, err
		}
		s, err := p.query()
		if err != nil {
			return nil, err
		}
		return &Exists{Select: s}, p.expectOp(")")
	case "CAST", "TRY_CAST":
		if err := p.expectOp("("); err != nil {
			return nil, err
		}
		x, err := p.expr()
		if err != nil {
			return nil, err
		}
		if err := p.expect("AS"); err != nil {
			return nil, err
		}
		ty, err := p.typeName()
		if err != nil {
			return nil, err
		}
		return &Cast{X: x, Type: ty, Try: t.text == "TRY_CAST"}, p.expectOp(")")
	case "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_USER", "LOCALTIME", "LOCALTIMESTAMP":
		if !p.isOp("(") {
			return &Call{Name: t.text}, nil
		}
	}
	if p.isOp("(") {
		return p.call(t)
	}
	if reserved[t.text] {
		p.i--
		return nil, p.unexpected()
	}
	p.i--
	return p.column()
}

func (p *parser) column() (Expr, error) {
	var n Name
	for {
		id, err := p.ident()
		if err != nil {
			return nil, err
		}
		n = append(n, id)
		if len(n) > 4 {
			return nil, p.unexpected()
		}
		if !p.isOp(".") {
			return &Column{Name: n}, nil
		}
		p.i++
		if p.isOp("*") && len(n) == 1 {
			p.i++
			return &Star{Table: id.Name}, nil
		}
		if t := p.peek(); t.kind == tokenDollar && len(n) == 1 {
			p.i++
			k, err := strconv.Atoi(t.text)
			if err != nil || k < 1 {
				return nil, p.fail(t, "unexpected '%s'", t.raw)
			}
			return &Dollar{Table: id.Name, N: k}, nil
		}
	}
}

func (p *parser) call(name token) (Expr, error) {
	p.i++
	c := &Call{Name: name.text}
	if p.isOp(")") {
		p.i++
		if name.text == "ROW_NUMBER" && p.accept("OVER") {
			var err error
			c.Over, err = p.window()
			return c, err
		}
		return c, nil
	}
	if p.isOp("*") && p.tokens[p.i+1].text == ")" {
		p.i += 2
		c.Star = true
		return c, nil
	}
	c.Distinct = p.accept("DISTINCT")
	var err error
	if c.Args, err = p.exprList(); err != nil {
		return nil, err
	}
	if err := p.expectOp(")"); err != nil {
		return nil, err
	}
	if p.is("OVER", "WITHIN") {
		return nil, p.unexpected()
	}
	return c, nil
}

// window reads what stands behind OVER. Frames, and windows of other functions than ROW_NUMBER, are left to the engine.
func (p *parser) window() (*Window, error) {
	w := &Window{}
	if err := p.expectOp("("); err != nil {
		return nil, err
	}
	var err error
	if p.accept("PARTITION", "BY") {
		if w.Partition, err = p.exprList(); err != nil {
			return nil, err
		}
	}
	if p.accept("ORDER", "BY") {
		if w.Order, err = p.orderBy(); err != nil {
			return nil, err
		}
	}
	return w, p.expectOp(")")
}

func (p *parser) caseExpr() (Expr, error) {
	c := &Case{}
	var err error
	if !p.is("WHEN") {
		if c.X, err = p.expr(); err != nil {
			return nil, err
		}
	}
	for p.accept("WHEN") {
		var w When
		if w.If, err = p.expr(); err != nil {
			return nil, err
		}
		if err = p.expect("THEN"); err != nil {
			return nil, err
		}
		if w.Then, err = p.expr(); err != nil {
			return nil, err
		}
		c.When = append(c.When, w)
	}
	if p.accept("ELSE") {
		if c.Else, err = p.expr(); err != nil {
			return nil, err
		}
	}
	if len(c.When) == 0 {
		return nil, p.unexpected()
	}
	return c, p.expect("END")
}

func (p *parser) exprList() ([]Expr, error) {
	var list []Expr
	for {
		x, err := p.expr()
		if err != nil {
			return nil, err
		}
		list = append(list, x)
		if !p.isOp(",") {
			return list, nil
		}
		p.i++
	}
}
