package plan

import (
	"fmt"
	"slices"
	"strings"

	"kinesis-snowflake/sink"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/sink/table"
)

// shape is what the table would become, and how.
type shape struct {
	plan     *table.Plan // nil: no row can be loaded
	columns  []table.Column
	before   map[string]bool // columns that were there
	ddl      []string
	problems []string
	notes    []string
}

// maxRounds bounds how often the table is changed for one batch. Each round makes it fit more.
const maxRounds = 8

// form takes the rows for one batch, and does to a table of its own what the sink does for that to the real one.
func (a *analysis) form() (*shape, error) {
	exists := a.target.exists != nil && *a.target.exists
	s := &shape{columns: slices.Clone(a.target.columns), before: map[string]bool{}}
	for i := range s.columns {
		s.before[s.columns[i].Name] = true
	}
	if len(a.rows) == 0 {
		return s, nil
	}
	offsets, stage := a.target.name, a.target.name
	offsets.Object, stage.Object = offsets.Object+offsetsSuffix, sink.StageName
	if !a.target.ledger {
		s.ddl = append(s.ddl, snowflake.CreateOffsets{Offsets: offsets, Application: a.cfg.Source.Application}.SQL())
	}
	first, err := table.NewPlan(a.target.config, s.columns, &a.seen, nil)
	if err != nil {
		s.problems = append(s.problems, err.Error())
		return s, nil
	}
	if !exists && first.Frozen() {
		s.problems = append(s.problems, "there is no such table, transform.evolution is freeze, and no column is pinned with its type: create the table, pin its columns, or let evolution add them")
		return s, nil
	}
	plan := first
	for range maxRounds {
		ext := plan.Extend(&a.seen)
		switch {
		case !exists:
			s.ddl = append(s.ddl, table.CreateTable(a.target.name.String(), ext.Add, a.target.comment))
			s.columns, exists = append(s.columns, ext.Add...), true
		case len(ext.Add) > 0:
			s.ddl = append(s.ddl, table.AddColumns(a.target.name.String(), ext.Add))
			for _, c := range ext.Add {
				c.NotNull = false
				s.columns = append(s.columns, c)
			}
		}
		s.widen(a.target.name.String(), ext.Widen)
		if plan, err = table.NewPlan(a.target.config, s.columns, &a.seen, first); err != nil {
			return nil, err
		}
		null, wide := a.measure(plan)
		if len(null)+len(wide) == 0 && !plan.Extend(&a.seen).Replan {
			break
		}
		if len(null) > 0 && a.target.config.Freeze {
			s.problems = append(s.problems, "transform.evolution is freeze, and columns are NOT NULL that records come without: "+names(null))
			break
		}
		for _, c := range null {
			s.ddl = append(s.ddl, table.DropNotNull(a.target.name.String(), c.Name))
			s.find(c.Name).NotNull = false
		}
		s.widen(a.target.name.String(), wide)
		if plan, err = table.NewPlan(a.target.config, s.columns, &a.seen, first); err != nil {
			return nil, err
		}
	}
	for _, d := range plan.Disputed() {
		s.problems = append(s.problems, fmt.Sprintf("column %s is %s in the table, where the file pins %s: the table's type counts", table.Quote(d.Column), d.Table, d.Pinned))
	}
	s.plan = plan
	if !a.target.ledger {
		s.ddl = append(s.ddl, snowflake.CreateStage{Stage: stage}.SQL())
	}
	a.view(s)
	return s, nil
}

// view adds the statement for the view of the newest rows, if there is to be one. It is made again when the table changes.
func (a *analysis) view(s *shape) {
	if len(a.target.key) == 0 || a.target.exists != nil && *a.target.exists && len(s.ddl) == 0 {
		return
	}
	name := a.target.name
	name.Object += sink.LatestEnding
	if v, ok := table.Latest(&a.target.config, name.String(), a.target.name.String(), s.columns, a.target.key); ok {
		s.ddl = append(s.ddl, v.Create)
		return
	}
	s.notes = append(s.notes, fmt.Sprintf("view %s waits until the table has a column for each of sink.key, %s", name, strings.Join(a.target.key, ", ")))
}

// measure returns the columns of a plan that would have to accept NULL for the rows, and those that would have to be wider.
func (a *analysis) measure(plan *table.Plan) (null, wide []table.Column) {
	var st table.Stats
	var line []byte
	for i := range a.rows {
		line = table.AppendRow(line[:0], plan, a.shardOf(i), &a.rows[i].Row, &st)
	}
	for _, name := range append(plan.Unfilled(), st.MissingNotNull(plan)...) {
		null = append(null, table.Column{Name: name})
	}
	return null, st.Widen(plan)
}

func (a *analysis) shardOf(i int) string { return a.records[a.rows[i].record].shard }

func (s *shape) widen(target string, wide []table.Column) {
	for _, c := range wide {
		s.ddl = append(s.ddl, table.SetType(target, c))
		s.find(c.Name).Type = c.Type
	}
}

func (s *shape) find(name string) *table.Column {
	return &s.columns[slices.IndexFunc(s.columns, func(c table.Column) bool { return c.Name == name })]
}

func names(columns []table.Column) string {
	all := make([]string, len(columns))
	for i := range columns {
		all[i] = table.Quote(columns[i].Name)
	}
	return strings.Join(all, ", ")
}
