package dynamodb

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

type throughput struct{ ReadCapacityUnits, WriteCapacityUnits int64 }

type tag struct{ Key, Value string }

type createTableInput struct {
	TableName                 string
	AttributeDefinitions      []attributeDefinition
	KeySchema                 []keyElement
	BillingMode               string
	ProvisionedThroughput     *throughput
	GlobalSecondaryIndexes    []indexInput
	LocalSecondaryIndexes     []indexInput
	TableClass                string
	DeletionProtectionEnabled bool
	Tags                      []tag
}

// Limits of tables (developer guide, "Service quotas").
const maxIndexes = 20

var tableNamePattern = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

// tableName accepts a name or an ARN, as every operation does.
func tableName(s string) string {
	if i := strings.LastIndex(s, ":table/"); strings.HasPrefix(s, "arn:") && i >= 0 {
		return s[i+len(":table/"):]
	}
	return s
}

func (s *Server) createTable(_ *Counts, in *createTableInput) (any, *Error) {
	if !tableNamePattern.MatchString(in.TableName) {
		return nil, invalid("TableName must be at least 3 characters long and at most 255 characters long, and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'")
	}
	if len(in.LocalSecondaryIndexes) > 0 {
		return nil, invalid("local secondary indexes are not part of this stand-in")
	}
	onDemand := in.BillingMode == "PAY_PER_REQUEST"
	switch {
	case onDemand && in.ProvisionedThroughput != nil:
		return nil, invalidParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	case !onDemand && (in.ProvisionedThroughput == nil || in.ProvisionedThroughput.ReadCapacityUnits < 1 || in.ProvisionedThroughput.WriteCapacityUnits < 1):
		return nil, invalidParameter("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	kinds, err := attributeKinds(in.AttributeDefinitions)
	if err != nil {
		return nil, err
	}
	key, err := parseSchema(in.KeySchema, kinds)
	if err != nil {
		return nil, err
	}
	now := s.opt.Now()
	t := &table{
		name: in.TableName, schema: key, kinds: kinds, onDemand: onDemand, throughput: in.ProvisionedThroughput,
		class: in.TableClass, protected: in.DeletionProtectionEnabled,
		created: now, readyAt: now.Add(s.opt.TableDelay), tags: map[string]string{},
	}
	for _, g := range in.Tags {
		t.tags[g.Key] = g.Value
	}
	if in.GlobalSecondaryIndexes != nil && len(in.GlobalSecondaryIndexes) == 0 {
		return nil, invalidParameter("List of GlobalSecondaryIndexes is empty")
	}
	for _, g := range in.GlobalSecondaryIndexes {
		if err := t.addIndex(g, kinds); err != nil {
			return nil, err
		}
	}
	for _, x := range t.indexes {
		x.readyAt = t.readyAt
	}
	if err := t.checkDefinitions(); err != nil {
		return nil, err
	}
	if s.tables[in.TableName] != nil {
		return nil, failure("ResourceInUseException", "Table already exists: %s", in.TableName)
	}
	s.tables[in.TableName] = t
	return map[string]any{"TableDescription": s.describe(t)}, nil
}

type tableInput struct{ TableName string }

func (s *Server) describeTable(_ *Counts, in *tableInput) (any, *Error) {
	t, err := s.anyTable(in.TableName)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Table": s.describe(t)}, nil
}

func (s *Server) deleteTable(_ *Counts, in *tableInput) (any, *Error) {
	t, err := s.tableAtRest(in.TableName)
	if err != nil {
		return nil, err
	}
	if t.protected {
		return nil, invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	t.goneAt = s.opt.Now().Add(s.opt.TableDelay)
	t.rows = nil
	d := s.describe(t)
	s.settle()
	return map[string]any{"TableDescription": d}, nil
}

func (s *Server) listTables(_ *Counts, in *struct {
	ExclusiveStartTableName string
	Limit                   *int
}) (any, *Error) {
	limit := 100 // the service's page
	if in.Limit != nil {
		if limit = *in.Limit; limit < 1 || limit > 100 {
			return nil, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100", limit)
		}
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(s.tables)), func(n string) bool { return n <= in.ExclusiveStartTableName })
	out := map[string]any{"TableNames": names[:min(limit, len(names))]}
	if len(names) > limit {
		out["LastEvaluatedTableName"] = names[limit-1]
	}
	return out, nil
}

// settle completes what the clock has completed: deleted tables and indexes go.
func (s *Server) settle() {
	now := s.opt.Now()
	for name, t := range s.tables {
		if !t.goneAt.IsZero() && !now.Before(t.goneAt) {
			delete(s.tables, name)
			continue
		}
		t.indexes = slices.DeleteFunc(t.indexes, func(x *index) bool { return !x.goneAt.IsZero() && !now.Before(x.goneAt) })
	}
}

// anyTable finds a table in whatever state, for the control plane.
func (s *Server) anyTable(name string) (*table, *Error) {
	name = tableName(name)
	if name == "" {
		return nil, invalid("1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null")
	}
	if t := s.tables[name]; t != nil {
		return t, nil
	}
	return nil, failure("ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
}

// tableAtRest finds a table that is neither being made, changed nor deleted.
func (s *Server) tableAtRest(name string) (*table, *Error) {
	t, err := s.anyTable(name)
	if err != nil {
		return nil, err
	}
	for status, verb := range map[string]string{"CREATING": "created", "UPDATING": "updated", "DELETING": "deleted"} {
		if s.status(t) == status {
			return nil, failure("ResourceInUseException", "Attempt to change a resource which is still in use: Table is being %s: %s", verb, t.name)
		}
	}
	return t, nil
}

// usable finds a table for the data plane.
func (s *Server) usable(name string) (*table, *Error) {
	if tableName(name) == "" {
		return s.anyTable(name)
	}
	t := s.tables[tableName(name)]
	if t == nil || s.status(t) == "CREATING" || s.status(t) == "DELETING" {
		return nil, failure("ResourceNotFoundException", "Requested resource not found")
	}
	return t, nil
}

func (s *Server) status(t *table) string {
	now := s.opt.Now()
	switch {
	case !t.goneAt.IsZero():
		return "DELETING"
	case now.Before(t.readyAt):
		return "CREATING"
	case now.Before(t.updatedAt):
		return "UPDATING"
	}
	return "ACTIVE"
}
