package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/sink/table"
)

// shape keeps the table's columns and the plan made of them, and runs the DDL. DDL commits an open transaction, so it
// runs before a batch's transaction, never in it.
type shape struct {
	client  *snowflake.Client
	target  snowflake.Name
	config  table.Config
	comment string
	log     *slog.Logger

	exists   bool
	columns  []table.Column
	warned   bool            // of the limit of columns
	disputed bool            // pins that the table contradicts were named
	stiff    map[string]bool // columns, with their type, that could not be widened
}

// errNoColumns says that nothing tells which columns a table that evolution may not shape is to have.
var errNoColumns = errors.New("there is no such table, evolution is frozen, and no column is pinned with its type: create the table, pin its columns, or let evolution add them")

// maxDDLRounds bounds how often one batch may find that the table changed between DDL and DESC.
const maxDDLRounds = 5

// cover returns a plan under which every value observed has a place, creating the table or adding columns if it must.
// prev is the plan so far, or nil.
func (s *shape) cover(ctx context.Context, prev *table.Plan, seen *table.Observation) (*table.Plan, error) {
	if prev == nil {
		if err := s.describe(ctx); err != nil {
			return nil, err
		}
		plan, err := table.NewPlan(s.config, s.columns, seen, nil)
		if err != nil {
			return nil, err
		}
		prev = plan
	}
	plan := prev
	for range maxDDLRounds {
		ext := plan.Extend(seen)
		wide := s.mayWiden(ext.Widen)
		if !ext.Replan && s.exists || len(ext.Add)+len(wide) == 0 && len(ext.Widen) > 0 && plan != prev {
			s.warnIfDisputed(ctx, plan)
			return plan, nil
		}
		if !s.exists && plan.Frozen() {
			return nil, fmt.Errorf("create table %s: %w", s.target, errNoColumns)
		}
		if len(ext.Add) > 0 || !s.exists {
			if err := s.change(ctx, ext.Add); err != nil {
				return nil, err
			}
		}
		if len(wide) > 0 {
			if err := s.widen(ctx, wide); err != nil {
				return nil, err
			}
		}
		next, err := table.NewPlan(s.config, s.columns, seen, prev)
		if err != nil {
			return nil, err
		}
		plan = next
	}
	return nil, fmt.Errorf("add columns to %s: the table has changed %d times meanwhile", s.target, maxDDLRounds)
}

// again describes the table anew and reports whether its columns are others than prev was made for. If so it asks for all that
// the batch holds: a column that is gone is made again for every value that lay in it.
func (s *shape) again(ctx context.Context, seen func() (*table.Observation, error), prev *table.Plan) (*table.Plan, bool, error) {
	before := s.columns
	if err := s.describe(ctx); err != nil {
		return nil, false, err
	}
	if equalColumns(before, s.columns) && (prev == nil || prev.MadeFor(s.columns)) {
		return prev, false, nil
	}
	all, err := seen()
	if err != nil {
		return nil, false, err
	}
	plan, err := table.NewPlan(s.config, s.columns, all, prev)
	return plan, true, err
}

// errRetyped says that the plan's columns are not the table's.
var errRetyped = errors.New("the table's columns have changed")

// unchanged returns an error of class Drift if the table has other columns than the plan was made for. COPY fails
// for a column that is gone, but into one that was made again with another type it would round or cut without a word.
func (s *shape) unchanged(ctx context.Context, plan *table.Plan) error {
	exists, columns, err := s.read(ctx)
	if err == nil && (!exists || !plan.MadeFor(columns)) {
		err = &snowflake.Error{Class: snowflake.Drift, Statement: "DESC TABLE", Err: errRetyped}
	}
	return err
}

func equalColumns(a, b []table.Column) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// change creates the table or adds columns, then reads what is there now: another worker may have been first, with
// other types.
func (s *shape) change(ctx context.Context, add []table.Column) error {
	ddl, what := table.AddColumns(s.target.String(), add), "add columns to"
	if !s.exists {
		ddl, what = table.CreateTable(s.target.String(), add, s.comment), "create"
	}
	if _, err := s.client.Exec(ctx, snowflake.Text(ddl)); err != nil {
		if snowflake.ClassOf(err) != snowflake.Retry {
			return fmt.Errorf("%s table %s: %w", what, s.target, err)
		}
		s.log.InfoContext(ctx, "another worker changed the table first", "table", s.target.String(), "error", err)
	}
	names := make([]string, len(add))
	for i := range add {
		names[i] = table.Quote(add[i].Name) + " " + add[i].Type.String()
	}
	s.log.InfoContext(ctx, "table changed", "table", s.target.String(), "what", what, "columns", strings.Join(names, ", "))
	return s.describe(ctx)
}

func (s *shape) describe(ctx context.Context) error {
	exists, columns, err := s.read(ctx)
	if err == nil {
		s.exists, s.columns = exists, columns
	}
	return err
}

// read asks for the table's columns as they are now.
func (s *shape) read(ctx context.Context) (exists bool, columns []table.Column, err error) {
	res, err := s.client.Query(ctx, snowflake.DescribeTable{Table: s.target})
	var failed *snowflake.Error
	if errors.As(err, &failed) && (failed.Code == 2003 || failed.Code == 2043) {
		return false, nil, nil
	}
	if err != nil {
		return false, nil, fmt.Errorf("describe table %s: %w", s.target, err)
	}
	columns = make([]table.Column, 0, len(res.Rows))
	for i := range res.Rows {
		columns = append(columns, table.Column{
			Name: res.Get(i, "name"), Type: table.ParseType(res.Get(i, "type")),
			NotNull: res.Get(i, "null?") == "N", HasDefault: res.Get(i, "default") != "", Computed: res.Get(i, "expression") != "",
		})
	}
	return true, columns, nil
}

// mayWiden leaves out columns that could not be widened before.
func (s *shape) mayWiden(columns []table.Column) []table.Column {
	return slices.DeleteFunc(slices.Clone(columns), func(c table.Column) bool { return s.stiff[s.stiffness(c.Name)] })
}

// stiffness names a column as it is now.
func (s *shape) stiffness(column string) string {
	for i := range s.columns {
		if s.columns[i].Name == column {
			return column + " " + s.columns[i].Type.String()
		}
	}
	return column
}

// widen gives columns wider types, each by a statement of its own, and reads what they are then. Where Snowflake refuses,
// the column stays what it is, since its values have a place in _RESCUED; it is not asked again.
func (s *shape) widen(ctx context.Context, columns []table.Column) error {
	for _, c := range columns {
		before := s.stiffness(c.Name)
		_, err := s.client.Exec(ctx, snowflake.Text(table.SetType(s.target.String(), c)))
		switch class := snowflake.ClassOf(err); {
		case err == nil:
			s.log.InfoContext(ctx, "column widened", "table", s.target.String(), "from", before, "to", c.Type.String())
		case class == snowflake.Permanent || class == snowflake.Drift || class == snowflake.Data:
			if err := s.describe(ctx); err != nil {
				return err
			}
			if s.stiffness(c.Name) != before {
				continue // another worker widened it further
			}
			if s.stiff == nil {
				s.stiff = map[string]bool{}
			}
			s.stiff[before] = true
			s.log.WarnContext(ctx, "cannot widen a column, which takes OWNERSHIP of the table: values too long or too large for it go to _RESCUED",
				"table", s.target.String(), "column", before, "wanted", c.Type.String(), "error", err)
		default:
			return fmt.Errorf("widen column %s of %s: %w", table.Quote(c.Name), s.target, err)
		}
	}
	return s.describe(ctx)
}

// warnIfDisputed names once the pins that the table contradicts.
func (s *shape) warnIfDisputed(ctx context.Context, p *table.Plan) {
	if s.disputed {
		return
	}
	s.disputed = true
	for _, d := range p.Disputed() {
		s.log.WarnContext(ctx, "a column has another type than the pipeline file pins; the table's counts",
			"table", s.target.String(), "column", d.Column, "pinned", d.Pinned.String(), "type", d.Table.String())
	}
}

// errNotNull says that a frozen table wants values that a COPY cannot give.
var errNotNull = errors.New("evolution is frozen, and columns are NOT NULL that nothing can be loaded into; let them accept NULL, or give them a default")

// acceptNull drops NOT NULL where rows have no value, or, as unfit reports of a column, have one that it does not take: a COPY
// would fail for each of them. Where Snowflake refuses, as it does for a primary key's column and without OWNERSHIP, such
// rows are failed from then on: they must not hold up the others.
func (s *shape) acceptNull(ctx context.Context, columns []string, unfit func(column string) bool) error {
	if s.config.Freeze {
		return fmt.Errorf("load into %s: %w: %s", s.target, errNotNull, strings.Join(columns, ", "))
	}
	for _, c := range columns {
		said := "column accepts NULL from now on, because records come without it"
		if unfit(c) {
			said = "column accepts NULL from now on, because values come that do not fit it: they go to _RESCUED"
		}
		_, err := s.client.Exec(ctx, snowflake.Text(table.DropNotNull(s.target.String(), c)))
		switch class := snowflake.ClassOf(err); {
		case err == nil:
			s.log.WarnContext(ctx, said, "table", s.target.String(), "column", c)
		case (class == snowflake.Permanent || class == snowflake.Data) && ofAlter(err) && s.fillable(c):
			s.config.Required = append(slices.Clone(s.config.Required), c)
			s.log.WarnContext(ctx, "cannot let a column accept NULL, which takes OWNERSHIP of the table and is refused for a primary key: records without a value that fits it are failed messages",
				"table", s.target.String(), "column", c, "error", err)
		default:
			return fmt.Errorf("let column %s of %s accept NULL, since rows have no value that fits it: %w", table.Quote(c), s.target, err)
		}
	}
	return s.describe(ctx)
}

// ofAlter reports whether an error is an ALTER's own, not that of the login before it.
func ofAlter(err error) bool {
	var e *snowflake.Error
	return errors.As(err, &e) && strings.HasPrefix(e.Statement, "ALTER")
}

// fillable reports whether records can have a value for a column.
func (s *shape) fillable(column string) bool {
	return !s.config.Variant && slices.ContainsFunc(s.columns, func(c table.Column) bool { return c.Name == column && c.Fillable() })
}

// warnIfFull says once that keys go without a column because the table has as many as inference adds. first is one of
// them.
func (s *shape) warnIfFull(ctx context.Context, p *table.Plan, first string) {
	if p.Full() && !s.warned && !s.config.Freeze {
		s.warned = true
		s.log.WarnContext(ctx, "the table has as many columns as are added by inference; values of further keys go to _RESCUED",
			"table", s.target.String(), "columns", s.config.ColumnLimit(), "key", first)
	}
}
