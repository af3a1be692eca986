package syntax

import "slices"

func (p *parser) create() (Statement, error) {
	replace := p.accept("OR", "REPLACE")
	for p.is("TEMPORARY", "TEMP", "TRANSIENT") {
		p.i++
	}
	kind := p.next().text
	if kind == "SECURE" && p.is("VIEW") {
		kind = p.next().text
	}
	exists := p.accept("IF", "NOT", "EXISTS")
	if replace && exists {
		return nil, p.fail(p.tokens[p.i-1], "options IF NOT EXISTS and OR REPLACE are incompatible.")
	}
	switch kind {
	case "DATABASE", "SCHEMA", "WAREHOUSE":
		n, err := p.name()
		if err != nil {
			return nil, err
		}
		p.accept("WITH")
		_, err = p.options()
		return &CreateContainer{Kind: kind, Name: n, OrReplace: replace, IfNotExists: exists}, err
	case "STAGE":
		n, err := p.name()
		if err != nil {
			return nil, err
		}
		opts, err := p.options()
		return &CreateStage{Name: n, OrReplace: replace, IfNotExists: exists, Options: opts}, err
	case "VIEW":
		return p.createView(&CreateView{OrReplace: replace, IfNotExists: exists, Text: p.src})
	case "TABLE":
		return p.createTable(&CreateTable{OrReplace: replace, IfNotExists: exists})
	}
	p.i--
	return nil, p.unexpected()
}

func (p *parser) createTable(c *CreateTable) (Statement, error) {
	var err error
	if c.Name, err = p.name(); err != nil {
		return nil, err
	}
	if p.isOp("(") && !p.peekIs(1, "SELECT") {
		p.i++
		for {
			d, err := p.columnDef(true)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(c.Columns, func(o ColumnDef) bool { return o.Name == d.Name }) {
				return nil, p.fail(p.tokens[p.i-1], "duplicate column name '%s'", d.Name)
			}
			c.Columns = append(c.Columns, d)
			if p.acceptOp(")") {
				break
			}
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
	}
	if c.Options, err = p.options(); err != nil {
		return nil, err
	}
	if p.accept("AS") {
		c.As, err = p.query()
	} else if len(c.Columns) == 0 {
		return nil, p.unexpected()
	}
	return c, err
}

// createView reads the parts of a view in the one order that the service takes them in (Snowflake docs, "CREATE VIEW").
func (p *parser) createView(c *CreateView) (Statement, error) {
	var err error
	if c.Name, err = p.name(); err != nil {
		return nil, err
	}
	if p.isOp("(") {
		if c.Columns, err = p.columnList(); err != nil {
			return nil, err
		}
	}
	c.CopyGrants = p.accept("COPY", "GRANTS")
	if p.accept("COMMENT") {
		if err := p.expectOp("="); err != nil {
			return nil, err
		}
		if c.Comment, err = p.stringLit(); err != nil {
			return nil, err
		}
	}
	if err := p.expect("AS"); err != nil {
		return nil, err
	}
	from := p.peek().pos
	if c.As, err = p.query(); err == nil {
		last := p.tokens[p.i-1]
		c.AsText = p.src[from : last.pos+len(last.raw)]
	}
	return c, err
}

// columnDef reads name, type and what may stand behind them. In CREATE TABLE ... AS the type may be missing.
func (p *parser) columnDef(typeless bool) (ColumnDef, error) {
	var d ColumnDef
	var err error
	if d.Name, err = p.columnName(); err != nil {
		return d, err
	}
	if !(typeless && p.isOp(",", ")")) {
		if d.Type, err = p.typeName(); err != nil {
			return d, err
		}
	}
	for {
		switch {
		case p.accept("NOT", "NULL"):
			d.NotNull = true
		case p.accept("NULL"):
		case p.accept("DEFAULT"):
			from := p.peek().pos
			if d.Default, err = p.concat(); err != nil {
				return d, err
			}
			last := p.tokens[p.i-1]
			d.DefaultText = p.src[from : last.pos+len(last.raw)]
		case p.accept("COMMENT"):
			p.acceptOp("=")
			if d.Comment, err = p.stringLit(); err != nil {
				return d, err
			}
		case p.accept("PRIMARY", "KEY"), p.accept("UNIQUE"): // not enforced by the service
		default:
			return d, nil
		}
	}
}

func (p *parser) drop() (Statement, error) {
	kind := p.next().text
	if !slices.Contains([]string{"TABLE", "VIEW", "STAGE", "SCHEMA", "DATABASE", "WAREHOUSE"}, kind) {
		p.i--
		return nil, p.unexpected()
	}
	d := &Drop{Kind: kind, IfExists: p.accept("IF", "EXISTS")}
	var err error
	d.Name, err = p.name()
	_ = p.accept("CASCADE") || p.accept("RESTRICT")
	return d, err
}
