package syntax

func (p *parser) copy() (Statement, error) {
	c := &Copy{}
	if err := p.expect("INTO"); err != nil {
		return nil, err
	}
	var err error
	if c.Table, err = p.name(); err != nil {
		return nil, err
	}
	if p.isOp("(") {
		if c.Columns, err = p.columnList(); err != nil {
			return nil, err
		}
	}
	if err := p.expect("FROM"); err != nil {
		return nil, err
	}
	if p.acceptOp("(") {
		if err := p.expect("SELECT"); err != nil {
			return nil, err
		}
		if c.Items, err = p.selectItems(); err != nil {
			return nil, err
		}
		if err := p.expect("FROM"); err != nil {
			return nil, err
		}
		if c.Stage, err = p.stageRef(); err != nil {
			return nil, err
		}
		if !p.isOp(")") {
			var r TableRef
			if err := p.alias(&r); err != nil {
				return nil, err
			}
			c.Alias = r.Alias
		}
		if err := p.expectOp(")"); err != nil {
			return nil, err
		}
	} else if c.Stage, err = p.stageRef(); err != nil {
		return nil, err
	}
	c.Options, err = p.options()
	return c, err
}

func (p *parser) put() (Statement, error) {
	s := &Put{}
	t := p.next()
	if t.kind != tokenFile && t.kind != tokenString || len(t.text) < len("file://") {
		p.i--
		return nil, p.unexpected()
	}
	s.File = t.text[len("file://"):]
	var err error
	if s.Stage, err = p.stageRef(); err != nil {
		return nil, err
	}
	s.Options, err = p.options()
	return s, err
}

func (p *parser) listOrRemove(word string) (Statement, error) {
	stage, err := p.stageRef()
	if err != nil {
		return nil, err
	}
	opts, err := p.options()
	if err != nil {
		return nil, err
	}
	pattern := ""
	for _, o := range opts {
		if o.Name != "PATTERN" || len(o.Values) != 1 {
			return nil, p.unexpected()
		}
		pattern = o.Values[0]
	}
	if word == "LIST" || word == "LS" {
		return &List{Stage: stage, Pattern: pattern}, nil
	}
	return &Remove{Stage: stage, Pattern: pattern}, nil
}
