package dynamodb

import (
	"math/bits"
	"slices"
)

// maxPage is how much one Query or Scan examines before it stops (developer
// guide: "up to 1 MB of data").
const maxPage = 1 << 20

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
