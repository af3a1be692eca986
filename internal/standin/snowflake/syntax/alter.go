package syntax

func (p *parser) alter() (Statement, error) {
	switch {
	case p.accept("SESSION"):
		a := &AlterSession{}
		var err error
		switch {
		case p.accept("SET"):
			if a.Set, err = p.options(); err == nil && len(a.Set) == 0 {
				err = p.unexpected()
			}
		case p.accept("UNSET"):
			for {
				id, err := p.ident()
				if err != nil {
					return nil, err
				}
				a.Unset = append(a.Unset, id.Name)
				if !p.acceptOp(",") {
					break
				}
			}
		default:
			err = p.unexpected()
		}
		return a, err
	case p.accept("TABLE"):
		a := &AlterTable{IfExists: p.accept("IF", "EXISTS")}
		var err error
		if a.Name, err = p.name(); err != nil {
			return nil, err
		}
		return a, p.alterAction(a)
	}
	return nil, p.unexpected()
}

func (p *parser) alterAction(a *AlterTable) error {
	var err error
	switch {
	case p.accept("ADD"):
		p.accept("COLUMN")
		return p.addColumns(a)
	case p.is("DROP") && p.peekIs(1, "CONSTRAINT", "PRIMARY", "CLUSTERING"):
		return p.unexpected()
	case p.accept("DROP"):
		p.accept("COLUMN")
		a.DropIf = p.accept("IF", "EXISTS")
		for {
			id, err := p.ident()
			if err != nil {
				return err
			}
			a.Drop = append(a.Drop, id.Name)
			if !p.acceptOp(",") {
				return nil
			}
		}
	case p.accept("RENAME", "TO"):
		a.RenameTab, err = p.name()
		return err
	case p.accept("RENAME", "COLUMN"):
		id, err := p.ident()
		if err != nil {
			return err
		}
		if err := p.expect("TO"); err != nil {
			return err
		}
		a.RenameFrom = id.Name
		a.RenameTo, err = p.columnName()
		return err
	case p.is("ALTER", "MODIFY"):
		p.i++
		brackets := p.acceptOp("(")
		for {
			c, err := p.columnChange()
			if err != nil {
				return err
			}
			a.Change = append(a.Change, c)
			if !p.acceptOp(",") {
				break
			}
			_ = p.accept("ALTER") || p.accept("MODIFY")
		}
		if brackets {
			return p.expectOp(")")
		}
		return nil
	case p.accept("SET"):
		if a.Set, err = p.options(); err == nil && len(a.Set) == 0 {
			err = p.unexpected()
		}
		return err
	case p.accept("UNSET"):
		id, err := p.ident()
		a.Unset = []string{id.Name}
		return err
	}
	return p.unexpected()
}

// addColumns reads what ADD COLUMN takes: [IF NOT EXISTS] name type ..., and the same again behind commas. IF NOT EXISTS
// counts for the column behind it alone (Snowflake docs, "ALTER TABLE": must be given for each column).
func (p *parser) addColumns(a *AlterTable) error {
	for {
		p.accept("COLUMN")
		exists := p.accept("IF", "NOT", "EXISTS")
		d, err := p.columnDef(false)
		if err != nil {
			return err
		}
		d.IfNotExists = exists
		a.Add = append(a.Add, d)
		if !p.acceptOp(",") {
			return nil
		}
	}
}

func (p *parser) columnChange() (ColumnChange, error) {
	p.accept("COLUMN")
	var c ColumnChange
	id, err := p.ident()
	if err != nil {
		return c, err
	}
	c.Name = id.Name
	switch {
	case p.accept("DROP", "NOT", "NULL"):
		c.DropNotNull = true
	case p.accept("SET", "NOT", "NULL"):
		c.SetNotNull = true
	case p.accept("DROP", "DEFAULT"):
		c.DropDefault = true
	case p.accept("COMMENT"):
		s, err := p.stringLit()
		if err != nil {
			return c, err
		}
		c.Comment = &s
	default:
		if p.accept("SET", "DATA") {
			if err := p.expect("TYPE"); err != nil {
				return c, err
			}
		} else {
			p.accept("TYPE")
		}
		t, err := p.typeName()
		if err != nil {
			return c, err
		}
		c.Type = &t
	}
	return c, nil
}
