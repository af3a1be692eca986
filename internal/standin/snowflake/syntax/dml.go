package syntax

func (p *parser) insert() (Statement, error) {
	s := &Insert{Overwrite: p.accept("OVERWRITE")}
	if err := p.expect("INTO"); err != nil {
		return nil, err
	}
	var err error
	if s.Table, err = p.name(); err != nil {
		return nil, err
	}
	if p.isOp("(") && !p.peekIs(1, "SELECT", "VALUES") {
		if s.Columns, err = p.columnList(); err != nil {
			return nil, err
		}
	}
	s.Source, err = p.query()
	return s, err
}

func (p *parser) target() (n Name, alias string, err error) {
	if n, err = p.name(); err != nil {
		return
	}
	var r TableRef
	err = p.alias(&r)
	return n, r.Alias, err
}

func (p *parser) update() (Statement, error) {
	s := &Update{}
	var err error
	if s.Table, s.Alias, err = p.target(); err != nil {
		return nil, err
	}
	if err := p.expect("SET"); err != nil {
		return nil, err
	}
	for {
		n, err := p.name()
		if err != nil {
			return nil, err
		}
		if err := p.expectOp("="); err != nil {
			return nil, err
		}
		x, err := p.expr()
		if err != nil {
			return nil, err
		}
		s.Set = append(s.Set, Assignment{Column: n[len(n)-1].Name, Value: x})
		if !p.acceptOp(",") {
			break
		}
	}
	if p.accept("FROM") {
		if s.From, err = p.tableRefs(); err != nil {
			return nil, err
		}
	}
	if p.accept("WHERE") {
		s.Where, err = p.expr()
	}
	return s, err
}

func (p *parser) delete() (Statement, error) {
	s := &Delete{}
	if err := p.expect("FROM"); err != nil {
		return nil, err
	}
	var err error
	if s.Table, err = p.name(); err != nil {
		return nil, err
	}
	if !p.is("USING", "WHERE") {
		var r TableRef
		if err := p.alias(&r); err != nil {
			return nil, err
		}
		s.Alias = r.Alias
	}
	if p.accept("USING") {
		if s.Using, err = p.tableRefs(); err != nil {
			return nil, err
		}
	}
	if p.accept("WHERE") {
		s.Where, err = p.expr()
	}
	return s, err
}
