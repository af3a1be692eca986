package syntax

// query reads SELECT or VALUES with UNION ALL, ORDER BY, LIMIT and OFFSET behind it. WITH and other set operations are left to the engine.
func (p *parser) query() (*Select, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer p.shallower()
	s, err := p.selectCore()
	if err != nil {
		return nil, err
	}
	for p.accept("UNION", "ALL") {
		u, err := p.selectCore()
		if err != nil {
			return nil, err
		}
		s.Union = append(s.Union, u)
	}
	if p.accept("ORDER", "BY") {
		if s.Order, err = p.orderBy(); err != nil {
			return nil, err
		}
	}
	if p.accept("LIMIT") {
		if s.Limit, err = p.unary(); err != nil {
			return nil, err
		}
	}
	if p.accept("OFFSET") {
		if s.Offset, err = p.unary(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (p *parser) orderBy() ([]OrderItem, error) {
	var items []OrderItem
	for {
		x, err := p.expr()
		if err != nil {
			return nil, err
		}
		o := OrderItem{Expr: x}
		if p.accept("DESC") {
			o.Desc = true
		} else {
			p.accept("ASC")
		}
		if p.accept("NULLS") {
			first := p.accept("FIRST")
			if !first && !p.accept("LAST") {
				return nil, p.unexpected()
			}
			o.NullsFirst = &first
		}
		items = append(items, o)
		if !p.acceptOp(",") {
			return items, nil
		}
	}
}

func (p *parser) selectCore() (*Select, error) {
	if p.acceptOp("(") {
		s, err := p.query()
		if err != nil {
			return nil, err
		}
		return s, p.expectOp(")")
	}
	if p.accept("VALUES") {
		v, err := p.values()
		return &Select{Values: v}, err
	}
	if err := p.expect("SELECT"); err != nil {
		return nil, err
	}
	s := &Select{}
	if p.accept("DISTINCT") {
		s.Distinct = true
	} else {
		p.accept("ALL")
	}
	var err error
	if s.Items, err = p.selectItems(); err != nil {
		return nil, err
	}
	if p.accept("FROM") {
		if s.From, err = p.tableRefs(); err != nil {
			return nil, err
		}
	}
	if p.accept("WHERE") {
		if s.Where, err = p.expr(); err != nil {
			return nil, err
		}
	}
	if p.accept("GROUP", "BY") {
		if s.GroupBy, err = p.exprList(); err != nil {
			return nil, err
		}
	}
	if p.accept("HAVING") {
		if s.Having, err = p.expr(); err != nil {
			return nil, err
		}
	}
	if p.accept("QUALIFY") {
		if s.Qualify, err = p.expr(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (p *parser) selectItems() ([]SelectItem, error) {
	var items []SelectItem
	for {
		from := p.peek().pos
		x, err := p.expr()
		if err != nil {
			return nil, err
		}
		last := p.tokens[p.i-1]
		it := SelectItem{Expr: x, Text: p.src[from : last.pos+len(last.raw)]}
		if p.accept("AS") {
			id, err := p.ident()
			if err != nil {
				return nil, err
			}
			it.Alias = id.Name
		} else if t := p.peek(); t.kind == tokenQuoted || t.kind == tokenWord && !reserved[t.text] && !notAlias[t.text] {
			it.Alias = t.text
			p.i++
		}
		items = append(items, it)
		if !p.acceptOp(",") {
			return items, nil
		}
	}
}

func (p *parser) values() ([][]Expr, error) {
	var rows [][]Expr
	for {
		if err := p.expectOp("("); err != nil {
			return nil, err
		}
		row, err := p.exprList()
		if err != nil {
			return nil, err
		}
		if err := p.expectOp(")"); err != nil {
			return nil, err
		}
		if len(rows) > 0 && len(row) != len(rows[0]) {
			return nil, p.fail(p.peek(), "invalid values list: rows of different lengths")
		}
		if rows = append(rows, row); len(rows) > MaxValues {
			return nil, p.fail(p.peek(), "maximum number of expressions in a list exceeded, expected at most 16,384")
		}
		if !p.isOp(",") {
			return rows, nil
		}
		p.i++
	}
}

func (p *parser) tableRefs() ([]TableRef, error) {
	first, err := p.tableRef()
	if err != nil {
		return nil, err
	}
	refs := []TableRef{first}
	for {
		join := ""
		on := false
		switch {
		case p.acceptOp(","), p.accept("CROSS", "JOIN"):
		case p.accept("JOIN"), p.accept("INNER", "JOIN"):
			join, on = "INNER", true
		case p.accept("LEFT", "JOIN"), p.accept("LEFT", "OUTER", "JOIN"):
			join, on = "LEFT", true
		default:
			return refs, nil
		}
		r, err := p.tableRef()
		if err != nil {
			return nil, err
		}
		r.Join = join
		if on {
			if err := p.expect("ON"); err != nil {
				return nil, err
			}
			if r.On, err = p.expr(); err != nil {
				return nil, err
			}
		}
		refs = append(refs, r)
	}
}

func (p *parser) tableRef() (TableRef, error) {
	var r TableRef
	var err error
	switch {
	case p.acceptOp("("):
		if r.Select, err = p.query(); err != nil {
			return r, err
		}
		if err := p.expectOp(")"); err != nil {
			return r, err
		}
	case p.accept("VALUES"):
		v, err := p.values()
		if err != nil {
			return r, err
		}
		r.Select = &Select{Values: v}
	default:
		if r.Name, err = p.name(); err != nil {
			return r, err
		}
		if p.isOp("(") {
			return r, p.unexpected()
		}
	}
	return r, p.alias(&r)
}

func (p *parser) alias(r *TableRef) error {
	as := p.accept("AS")
	if t := p.peek(); as || t.kind == tokenQuoted || t.kind == tokenWord && !reserved[t.text] && !notAlias[t.text] {
		id, err := p.ident()
		if err != nil {
			return err
		}
		r.Alias = id.Name
		if p.isOp("(") {
			if r.Columns, err = p.columnList(); err != nil {
				return err
			}
		}
	}
	return nil
}
