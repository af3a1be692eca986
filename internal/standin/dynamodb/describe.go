package dynamodb

import (
	"maps"
	"slices"
	"time"
)

// seconds is how the protocol writes a time.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (s *Server) arn(t *table) string {
	return "arn:aws:dynamodb:" + s.opt.Region + ":" + s.opt.Account + ":table/" + t.name
}

func (k schema) describe() []keyElement {
	elems := []keyElement{{k.hashKey, "HASH"}}
	if k.sortKey != "" {
		elems = append(elems, keyElement{k.sortKey, "RANGE"})
	}
	return elems
}

func (t *throughput) describe() map[string]any {
	if t == nil {
		t = &throughput{} // on demand, the service shows zeros
	}
	return map[string]any{"ReadCapacityUnits": t.ReadCapacityUnits, "WriteCapacityUnits": t.WriteCapacityUnits, "NumberOfDecreasesToday": 0}
}

func (s *Server) describe(t *table) map[string]any {
	count, size := 0, 0
	for _, r := range t.rows {
		if r.item != nil {
			count++
			size += r.item.size()
		}
	}
	var defs []attributeDefinition
	for _, n := range slices.Sorted(maps.Keys(t.kinds)) {
		defs = append(defs, attributeDefinition{n, t.kinds[n]})
	}
	d := map[string]any{
		"TableName": t.name, "TableArn": s.arn(t), "TableId": "00000000-0000-0000-0000-000000000000",
		"TableStatus": s.status(t), "CreationDateTime": seconds(t.created),
		"KeySchema": t.schema.describe(), "AttributeDefinitions": defs,
		"ItemCount": count, "TableSizeBytes": size,
		"ProvisionedThroughput":     t.throughput.describe(),
		"DeletionProtectionEnabled": t.protected,
	}
	if t.onDemand {
		d["BillingModeSummary"] = map[string]any{"BillingMode": "PAY_PER_REQUEST", "LastUpdateToPayPerRequestDateTime": seconds(t.created)}
	}
	if t.class != "" {
		d["TableClassSummary"] = map[string]any{"TableClass": t.class}
	}
	if len(t.indexes) > 0 {
		indexes := make([]map[string]any, len(t.indexes))
		for i, x := range t.indexes {
			indexes[i] = map[string]any{
				"IndexName": x.name, "IndexArn": s.arn(t) + "/index/" + x.name, "IndexStatus": s.indexStatus(x),
				"KeySchema": x.schema.describe(), "Projection": x.projection, "ProvisionedThroughput": x.throughput.describe(),
				"ItemCount": 0, "IndexSizeBytes": 0,
			}
			if s.indexStatus(x) == "CREATING" {
				indexes[i]["Backfilling"] = true
			}
		}
		d["GlobalSecondaryIndexes"] = indexes
	}
	return d
}

func (s *Server) indexStatus(x *index) string {
	switch {
	case !x.goneAt.IsZero():
		return "DELETING"
	case s.opt.Now().Before(x.readyAt):
		return "CREATING"
	}
	return "ACTIVE"
}

type ttlSpecification struct {
	AttributeName string
	Enabled       bool
}

func (s *Server) updateTimeToLive(_ *Counts, in *struct {
	TableName               string
	TimeToLiveSpecification ttlSpecification
}) (any, *Error) {
	t, err := s.usable(in.TableName)
	if err != nil {
		return nil, err
	}
	spec := in.TimeToLiveSpecification
	if spec.Enabled == (t.ttl != "") {
		return nil, invalid("TimeToLive is already %s", map[bool]string{true: "enabled", false: "disabled"}[spec.Enabled])
	}
	if t.ttl = ""; spec.Enabled {
		t.ttl = spec.AttributeName
	}
	return map[string]any{"TimeToLiveSpecification": spec}, nil
}

func (s *Server) describeTimeToLive(_ *Counts, in *tableInput) (any, *Error) {
	t, err := s.usable(in.TableName)
	if err != nil {
		return nil, err
	}
	d := map[string]any{"TimeToLiveStatus": "DISABLED"}
	if t.ttl != "" {
		d = map[string]any{"TimeToLiveStatus": "ENABLED", "AttributeName": t.ttl}
	}
	return map[string]any{"TimeToLiveDescription": d}, nil
}

func (s *Server) updateContinuousBackups(_ *Counts, in *struct {
	TableName                        string
	PointInTimeRecoverySpecification struct{ PointInTimeRecoveryEnabled bool }
}) (any, *Error) {
	t, err := s.backedUp(in.TableName)
	if err != nil {
		return nil, err
	}
	t.pitr = in.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled
	return t.backups(), nil
}

func (s *Server) describeContinuousBackups(_ *Counts, in *tableInput) (any, *Error) {
	t, err := s.backedUp(in.TableName)
	if err != nil {
		return nil, err
	}
	return t.backups(), nil
}

// backedUp finds a table under the name of the exception that the backup calls use.
func (s *Server) backedUp(name string) (*table, *Error) {
	t, err := s.usable(name)
	if err != nil {
		return nil, failure("TableNotFoundException", "Table not found: %s", tableName(name))
	}
	return t, nil
}

func (t *table) backups() any {
	status := "DISABLED"
	if t.pitr {
		status = "ENABLED"
	}
	return map[string]any{"ContinuousBackupsDescription": map[string]any{
		"ContinuousBackupsStatus":        "ENABLED",
		"PointInTimeRecoveryDescription": map[string]any{"PointInTimeRecoveryStatus": status},
	}}
}

type tagInput struct {
	ResourceArn string
	Tags        []tag
	TagKeys     []string
}

func (s *Server) tagResource(_ *Counts, in *tagInput) (any, *Error) {
	t, err := s.anyTable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	for _, g := range in.Tags {
		t.tags[g.Key] = g.Value
	}
	return struct{}{}, nil
}

func (s *Server) untagResource(_ *Counts, in *tagInput) (any, *Error) {
	t, err := s.anyTable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	for _, k := range in.TagKeys {
		delete(t.tags, k)
	}
	return struct{}{}, nil
}

func (s *Server) listTags(_ *Counts, in *tagInput) (any, *Error) {
	t, err := s.anyTable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags := []tag{}
	for _, k := range slices.Sorted(maps.Keys(t.tags)) {
		tags = append(tags, tag{k, t.tags[k]})
	}
	return map[string]any{"Tags": tags}, nil
}
