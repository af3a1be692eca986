package syntax

func (p *parser) statement() (Statement, error) {
	for p.isOp(";") {
		p.i++
	}
	if p.isOp("(") || p.is("SELECT", "VALUES") {
		s, err := p.query()
		return &Query{Select: s}, err
	}
	t := p.next()
	if t.kind == tokenEOF {
		return nil, ErrEmpty
	}
	if t.kind != tokenWord {
		p.i--
		return nil, p.unexpected()
	}
	switch t.text {
	case "BEGIN":
		_ = p.accept("TRANSACTION") || p.accept("WORK")
		return Begin{}, p.transactionName()
	case "START":
		if err := p.expect("TRANSACTION"); err != nil {
			return nil, err
		}
		return Begin{}, p.transactionName()
	case "COMMIT":
		p.accept("WORK")
		return Commit{}, nil
	case "ROLLBACK":
		p.accept("WORK")
		return Rollback{}, nil
	case "USE":
		return p.use()
	case "CREATE":
		return p.create()
	case "DROP":
		return p.drop()
	case "UNDROP":
		if err := p.expect("TABLE"); err != nil {
			return nil, err
		}
		n, err := p.name()
		return &Undrop{Name: n}, err
	case "TRUNCATE":
		p.accept("TABLE")
		s := &Truncate{IfExists: p.accept("IF", "EXISTS")}
		var err error
		s.Name, err = p.name()
		return s, err
	case "ALTER":
		return p.alter()
	case "DESC", "DESCRIBE":
		if !p.accept("TABLE") && !p.accept("VIEW") {
			return nil, p.unexpected()
		}
		n, err := p.name()
		if err == nil && p.accept("TYPE") {
			_, err = p.options()
		}
		return &Describe{Name: n}, err
	case "SHOW":
		return p.show()
	case "INSERT":
		return p.insert()
	case "UPDATE":
		return p.update()
	case "DELETE":
		return p.delete()
	case "COPY":
		return p.copy()
	case "PUT":
		return p.put()
	case "LIST", "LS", "REMOVE", "RM":
		return p.listOrRemove(t.text)
	case "GRANT", "REVOKE":
		for p.peek().kind != tokenEOF && !p.isOp(";") {
			p.i++
		}
		return &Grant{}, nil
	}
	p.i--
	return nil, p.unexpected()
}

func (p *parser) transactionName() error {
	if p.accept("NAME") {
		_, err := p.ident()
		return err
	}
	return nil
}

func (p *parser) use() (Statement, error) {
	u := &Use{}
	switch {
	case p.accept("SECONDARY", "ROLES"):
		u.Kind = "SECONDARY ROLES"
		p.next()
		return u, nil
	case p.is("DATABASE", "SCHEMA", "WAREHOUSE", "ROLE") && p.tokens[p.i+1].kind != tokenEOF:
		u.Kind = p.next().text
	default:
		u.Kind = "DATABASE"
	}
	var err error
	u.Name, err = p.name()
	if len(u.Name) == 2 && u.Kind == "DATABASE" {
		u.Kind = "SCHEMA"
	}
	return u, err
}

func (p *parser) show() (Statement, error) {
	s := &Show{}
	p.accept("TERSE")
	t := p.next()
	switch t.text {
	case "TABLES", "VIEWS", "COLUMNS", "STAGES", "LOCKS", "TRANSACTIONS", "SCHEMAS", "DATABASES", "PARAMETERS", "WAREHOUSES":
		s.What = t.text
	default:
		p.i--
		return nil, p.unexpected()
	}
	p.accept("HISTORY")
	if p.accept("LIKE") {
		l, err := p.stringLit()
		if err != nil {
			return nil, err
		}
		s.Like = &l
	}
	if p.accept("IN") || p.accept("FOR") {
		if p.is("ACCOUNT", "DATABASE", "SCHEMA", "TABLE", "SESSION") {
			s.InKind = p.next().text
		} else if s.What == "COLUMNS" {
			s.InKind = "TABLE"
		} else {
			s.InKind = "SCHEMA"
		}
		if t := p.peek(); t.kind == tokenWord && !reserved[t.text] && !p.is("STARTS", "LIMIT") || t.kind == tokenQuoted {
			var err error
			if s.In, err = p.name(); err != nil {
				return nil, err
			}
		}
	}
	if p.accept("STARTS", "WITH") {
		l, err := p.stringLit()
		if err != nil {
			return nil, err
		}
		s.Starts = &l
	}
	if p.accept("LIMIT") {
		if t := p.next(); t.kind != tokenNumber {
			p.i--
			return nil, p.unexpected()
		}
	}
	return s, nil
}
