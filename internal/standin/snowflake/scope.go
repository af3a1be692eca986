package snowflake

import "kinesis-snowflake/internal/standin/snowflake/syntax"

// source is one table of FROM. Only columns that some expression reads are fetched: slots says where in the row a column
// stands, -1 for none.
type source struct {
	alias string
	name  TableName
	cols  []Column
	slots []int
	pick  []int
	// load gives the rows, of picked columns; outer is the env around the query.
	load func(outer *env, fn func(id int64, row []Value) error) error
	join string
	on   *compiled
}

func (s *source) slot(col int) int {
	if s.slots[col] < 0 {
		s.slots[col] = len(s.pick)
		s.pick = append(s.pick, col)
	}
	return s.slots[col]
}

type scope struct {
	sources []*source
	parent  *scope
	aliases map[string]syntax.Expr // of the select list, for GROUP BY and ORDER BY
}

func (c *compiler) column(x *syntax.Column) (compiled, error) {
	if c.copy {
		return c.metadata(x)
	}
	depth := 0
	for s := c.scope; s != nil; s = s.parent {
		src, col, err := s.find(x.Name)
		if err != nil {
			return compiled{}, err
		}
		if src >= 0 {
			if depth == 0 && c.aggs != nil && !c.aggs.inside && !c.aggs.grouped(x) {
				return compiled{}, failf("000979", "42601", "SQL compilation error:\n[%s] is not a valid group by expression", x.Name)
			}
			return columnAt(s.sources[src].cols[col].Type, depth, src, s.sources[src].slot(col)), nil
		}
		depth++
	}
	return compiled{}, invalidIdentifier(x.Name.String())
}

func columnAt(t Type, depth, src, slot int) compiled {
	if depth == 0 {
		return compiled{t, func(e *env) (Value, error) { return cell(e, src, slot), nil }}
	}
	return compiled{t, func(e *env) (Value, error) {
		for range depth {
			e = e.parent
		}
		return cell(e, src, slot), nil
	}}
}

func cell(e *env, src, slot int) Value {
	if src >= len(e.rows) || slot >= len(e.rows[src]) {
		return Value{} // the empty side of an outer join
	}
	return e.rows[src][slot]
}

// find resolves a name in one scope: source and column, -1 for none.
func (s *scope) find(n syntax.Name) (src, col int, err error) {
	src = -1
	name := n[len(n)-1].Name
	for i, t := range s.sources {
		if !t.answers(n[:len(n)-1]) {
			continue
		}
		for k, c := range t.cols {
			if c.Name != name {
				continue
			}
			if src >= 0 {
				return -1, 0, failf("001065", "42702", "SQL compilation error: error line 1 at position 0\nambiguous column name '%s'", name)
			}
			src, col = i, k
		}
	}
	return src, col, nil
}

func (s *source) answers(q syntax.Name) bool {
	switch len(q) {
	case 0:
		return true
	case 1:
		return s.alias == q[0].Name
	}
	full := []string{s.name.Database, s.name.Schema, s.name.Table}
	for i, p := range full[3-len(q):] {
		if q[i].Name != p {
			return false
		}
	}
	return true
}
