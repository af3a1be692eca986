package dynamodb

import (
	"math/bits"
	"slices"
)

// maxPage is how much one Query or Scan examines before it stops (developer
// guide: "up to 1 MB of data").
const maxPage = 1 << 20

type readInput struct {
	expressionInput
	TableName              string
	IndexName              string
	Select                 string
	ConsistentRead         bool
	Limit                  *int
	ExclusiveStartKey      wireItem
	FilterExpression       *string
	ProjectionExpression   *string
	AttributesToGet        []string
	ConditionalOperator    string
	ReturnConsumedCapacity string

	// Query
	KeyConditionExpression *string
	KeyConditions          map[string]wireCondition
	QueryFilter            map[string]wireCondition
	ScanIndexForward       *bool

	// Scan
	ScanFilter    map[string]wireCondition
	Segment       *int
	TotalSegments *int
}

// entry is a row as one index, or the table itself, orders it.
type entry struct {
	at   place // in the index
	main place // in the table: tells apart equal places of an index
	item Item
}

func (a entry) compare(b entry) int {
	if c := a.at.compare(b.at); c != 0 {
		return c
	}
	return a.main.compare(b.main)
}

// reading is a Query or Scan in the making.
type reading struct {
	t       *table
	x       *index // nil reads the table
	schema  schema // of x or t
	keep    condition
	paths   []path
	start   *entry
	reverse bool
}

// prepareRead does what Query and Scan share. expressions lists those that may
// stand beside the projection and the filter.
func (s *Server) prepareRead(in *readInput, legacy map[string]wireCondition, filterName string, query bool) (*reading, *scope, *Error) {
	expressions := []param{{"ProjectionExpression", in.ProjectionExpression != nil}, {"FilterExpression", in.FilterExpression != nil}}
	old := []param{{"AttributesToGet", in.AttributesToGet != nil}, {filterName, legacy != nil}, {"ConditionalOperator", in.ConditionalOperator != ""}}
	if query {
		expressions = append(expressions, param{"KeyConditionExpression", in.KeyConditionExpression != nil})
		old = append(old, param{"KeyConditions", in.KeyConditions != nil && in.KeyConditionExpression != nil})
	}
	sc, err := in.scope(expressions, old)
	if err != nil {
		return nil, nil, err
	}
	rd := &reading{}
	if rd.paths, err = parsePaths(in.ProjectionExpression, in.AttributesToGet, sc); err != nil {
		return nil, nil, err
	}
	if in.FilterExpression != nil {
		rd.keep, err = parseCondition("FilterExpression", *in.FilterExpression, sc)
	} else {
		rd.keep, err = legacyFilter(legacy, in.ConditionalOperator)
	}
	if err != nil {
		return nil, nil, err
	}
	if in.Limit != nil && *in.Limit < 1 {
		return nil, nil, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", *in.Limit)
	}
	switch {
	case !slices.Contains([]string{"", "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"}, in.Select):
		return nil, nil, invalid("1 validation error detected: Value '%s' at 'select' failed to satisfy constraint: Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]", in.Select)
	case rd.paths != nil && in.Select != "" && in.Select != "SPECIFIC_ATTRIBUTES":
		return nil, nil, invalid("Cannot specify the ProjectionExpression when choosing to get %s", in.Select)
	case in.Select == "ALL_PROJECTED_ATTRIBUTES" && in.IndexName == "":
		return nil, nil, invalidParameter("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
	}
	return rd, sc, nil
}

// bind finds the table and the index, and reads the start key.
func (s *Server) bind(rd *reading, in *readInput) *Error {
	t, err := s.usable(in.TableName)
	if err != nil {
		return err
	}
	rd.t, rd.schema = t, t.schema
	if in.IndexName != "" {
		x := t.index(in.IndexName)
		switch {
		case x == nil:
			return invalid("The table does not have the specified index: %s", in.IndexName)
		case in.ConsistentRead:
			return invalid("Consistent reads are not supported on global secondary indexes")
		case s.indexStatus(x) == "CREATING":
			return invalid("Cannot read from backfilling global secondary index: %s", x.name)
		case in.Select == "ALL_ATTRIBUTES" && x.projection.ProjectionType != "ALL":
			return invalidParameter("Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", x.name)
		}
		rd.x, rd.schema = x, x.schema
	}
	if in.ExclusiveStartKey == nil {
		return nil
	}
	key, err := in.ExclusiveStartKey.item()
	if err != nil {
		return err
	}
	start := entry{}
	want := slices.Compact(slices.Sorted(slices.Values(slices.Concat(t.schema.names(), rd.schema.names()))))
	var ok1, ok2 bool
	start.main, ok1 = t.schema.place(key)
	start.at, ok2 = rd.schema.place(key)
	if !ok1 || !ok2 || len(key) != len(want) {
		if rd.x == nil {
			return invalid("The provided starting key is invalid: The provided key element does not match the schema")
		}
		return invalid("The provided starting key is invalid")
	}
	rd.start = &start
	return nil
}

// entries lists the rows that are in the index, in its order.
func (s *Server) entries(rd *reading, consistent bool) []entry {
	now := s.opt.Now()
	out := make([]entry, 0, len(rd.t.rows))
	for _, r := range rd.t.rows {
		it := r.seen(consistent && rd.x == nil, now, s.opt.ReplicaLag)
		if it == nil {
			continue
		}
		e := entry{r.place, r.place, it}
		if rd.x != nil {
			at, ok := rd.x.schema.place(it)
			if !ok {
				continue
			}
			e.at, e.item = at, rd.x.project(it, rd.t)
		}
		out = append(out, e)
	}
	if rd.x != nil {
		slices.SortFunc(out, entry.compare)
	}
	if rd.reverse {
		slices.Reverse(out)
	}
	return out
}

// page examines candidates after the start key until the limit or 1 MB.
func (s *Server) page(c *Counts, rd *reading, in *readInput, matches func(entry) bool) (any, *Error) {
	items := []Item{}
	count, scanned, size := 0, 0, 0
	var last *entry
	for _, e := range s.entries(rd, in.ConsistentRead) {
		if rd.start != nil {
			order := e.compare(*rd.start)
			if order == 0 || order < 0 != rd.reverse {
				continue
			}
		}
		if !matches(e) {
			continue
		}
		// The service reports a last key whenever it stopped before it knew
		// that nothing follows: also when the limit fell on the last item.
		n := e.item.size()
		if size+n > maxPage && scanned > 0 {
			break
		}
		scanned++
		size += n
		if rd.keep == nil || rd.keep.holds(e.item) {
			count++
			it := e.item
			if rd.paths != nil {
				if it = project(it, rd.paths); it == nil {
					it = Item{}
				}
			}
			items = append(items, it)
		}
		last = &e
		if in.Limit != nil && scanned == *in.Limit {
			break
		}
	}
	out := map[string]any{"Count": count, "ScannedCount": scanned}
	if in.Select != "COUNT" {
		out["Items"] = items
	}
	if last != nil && s.stopped(rd, in, *last, scanned, matches) {
		key := rd.t.schema.pick(last.item)
		for _, n := range rd.schema.names() {
			key[n] = last.item[n]
		}
		out["LastEvaluatedKey"] = key
	}
	consumed := units(size, readUnit)
	if !in.ConsistentRead {
		consumed /= 2
	}
	c.ReadUnits += consumed
	return withCapacity(out, in.ReturnConsumedCapacity, rd.t, consumed), nil
}

// stopped reports whether the page ended before the candidates did.
func (s *Server) stopped(rd *reading, in *readInput, last entry, scanned int, matches func(entry) bool) bool {
	if in.Limit != nil && scanned == *in.Limit {
		return true
	}
	return slices.ContainsFunc(s.entries(rd, in.ConsistentRead), func(e entry) bool {
		order := e.compare(last)
		return order != 0 && order > 0 != rd.reverse && matches(e)
	})
}

func (s *Server) scan(c *Counts, in *readInput) (any, *Error) {
	segment, total := 0, 1
	switch {
	case in.Segment != nil && in.TotalSegments == nil:
		return nil, invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case in.Segment == nil && in.TotalSegments != nil:
		return nil, invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case in.Segment != nil:
		if segment, total = *in.Segment, *in.TotalSegments; segment >= total || segment < 0 {
			return nil, invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", segment, total)
		}
	}
	rd, sc, err := s.prepareRead(in, in.ScanFilter, "ScanFilter", false)
	if err != nil {
		return nil, err
	}
	if err := sc.unused(); err != nil {
		return nil, err
	}
	if err := s.bind(rd, in); err != nil {
		return nil, err
	}
	return s.page(c, rd, in, func(e entry) bool {
		part, _ := bits.Mul64(e.at.hash, uint64(total))
		return part == uint64(segment)
	})
}

func (s *Server) query(c *Counts, in *readInput) (any, *Error) {
	rd, sc, err := s.prepareRead(in, in.QueryFilter, "QueryFilter", true)
	if err != nil {
		return nil, err
	}
	var keys condition
	switch {
	case in.KeyConditionExpression != nil:
		keys, err = parseCondition("KeyConditionExpression", *in.KeyConditionExpression, sc)
	case in.KeyConditions != nil:
		keys, err = legacyFilter(in.KeyConditions, "")
	default:
		err = invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	if err != nil {
		return nil, err
	}
	if err := sc.unused(); err != nil {
		return nil, err
	}
	byKey := map[string]condition{}
	if err := splitKeys(keys, byKey); err != nil {
		return nil, err
	}
	if err := s.bind(rd, in); err != nil {
		return nil, err
	}
	if err := rd.schema.checkConditions(byKey); err != nil {
		return nil, err
	}
	for _, n := range rd.schema.names() {
		if rd.keep != nil && slices.Contains(heads(rd.keep), n) {
			return nil, invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", n)
		}
	}
	rd.reverse = in.ScanIndexForward != nil && !*in.ScanIndexForward
	return s.page(c, rd, in, func(e entry) bool {
		for _, cond := range byKey {
			if !cond.holds(e.item) {
				return false
			}
		}
		return true
	})
}
