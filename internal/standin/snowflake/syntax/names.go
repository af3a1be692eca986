package syntax

import (
	"strconv"
	"strings"
)

// reserved words cannot name a column or an alias without quotes (Snowflake docs, "Reserved & limited keywords").
var reserved = words(`ALL ALTER AND ANY AS BETWEEN BY CHECK COLUMN CONNECT CREATE CURRENT DELETE DISTINCT DROP ELSE EXISTS FOLLOWING FOR FROM
GRANT GROUP HAVING ILIKE IN INCREMENT INSERT INTERSECT INTO IS LIKE MINUS NOT NULL OF ON OR ORDER QUALIFY REGEXP REVOKE RLIKE ROW ROWS
SAMPLE SELECT SET SOME START TABLE TABLESAMPLE THEN TO TRIGGER UNION UNIQUE UPDATE VALUES WHENEVER WHERE WITH WINDOW EXCEPT
TRUE FALSE CASE WHEN CAST TRY_CAST CONSTRAINT LATERAL NATURAL USING`)

// notAlias words end a table reference, though they may name a column.
var notAlias = words(`JOIN INNER LEFT RIGHT FULL CROSS LIMIT OFFSET FETCH`)

// ansiColumns cannot name a column, with quotes or without (Snowflake docs, "Reserved & limited keywords").
var ansiColumns = words(`CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER LOCALTIME LOCALTIMESTAMP`)

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// ident reads one name. Names hold at most 255 characters (Snowflake docs, "Identifier requirements").
func (p *parser) ident() (Ident, error) {
	t := p.peek()
	if t.kind != tokenWord && t.kind != tokenQuoted || t.kind == tokenWord && reserved[t.text] {
		return Ident{}, p.unexpected()
	}
	if len(t.text) > 255 && len([]rune(t.text)) > 255 {
		return Ident{}, p.fail(t, "invalid identifier: longer than 255 characters")
	}
	p.i++
	return Ident{Name: t.text, Quoted: t.kind == tokenQuoted}, nil
}

// columnName reads a name for a new column.
func (p *parser) columnName() (string, error) {
	t := p.peek()
	if ansiColumns[t.text] && (t.kind == tokenWord || t.kind == tokenQuoted) {
		return "", p.fail(t, "unexpected '%s'.", t.raw)
	}
	id, err := p.ident()
	return id.Name, err
}

func (p *parser) name() (Name, error) {
	var n Name
	for {
		if p.isOp(".") && len(n) == 1 { // db..table
			p.i++
			n = append(n, Ident{Name: "PUBLIC"})
		}
		id, err := p.ident()
		if err != nil {
			return nil, err
		}
		n = append(n, id)
		if !p.isOp(".") {
			return n, nil
		}
		if len(n) >= 3 {
			return nil, p.unexpected()
		}
		p.i++
	}
}

// typeName reads NUMBER(38,0), DOUBLE PRECISION, TIMESTAMP_LTZ(9), CHAR VARYING and the like.
func (p *parser) typeName() (TypeName, error) {
	t := p.next()
	if t.kind != tokenWord {
		p.i--
		return TypeName{}, p.unexpected()
	}
	ty := TypeName{Name: t.text}
	if t.text == "DOUBLE" {
		p.accept("PRECISION")
	}
	if p.acceptOp("(") {
		for {
			t := p.next()
			n, err := strconv.Atoi(t.text)
			if t.kind != tokenNumber || err != nil || len(ty.Args) == 2 {
				return ty, p.fail(t, "unexpected '%s'.", t.raw)
			}
			ty.Args = append(ty.Args, n)
			if p.acceptOp(")") {
				break
			}
			if err := p.expectOp(","); err != nil {
				return ty, err
			}
		}
	}
	return ty, nil
}

func (p *parser) columnList() ([]string, error) {
	if err := p.expectOp("("); err != nil {
		return nil, err
	}
	var list []string
	for {
		id, err := p.ident()
		if err != nil {
			return nil, err
		}
		list = append(list, id.Name)
		if p.acceptOp(")") {
			return list, nil
		}
		if err := p.expectOp(","); err != nil {
			return nil, err
		}
	}
}

// ParseName reads a name of one to three parts and nothing else.
func ParseName(src string) (Name, error) {
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{src: src, tokens: tokens}
	n, err := p.name()
	if err == nil && p.peek().kind != tokenEOF {
		err = p.unexpected()
	}
	return n, err
}
