package dynamodb

import "slices"

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
