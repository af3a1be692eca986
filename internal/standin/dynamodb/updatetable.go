package dynamodb

import (
	"maps"
	"slices"
)

type updateTableInput struct {
	TableName                   string
	AttributeDefinitions        []attributeDefinition
	BillingMode                 string
	ProvisionedThroughput       *throughput
	TableClass                  string
	DeletionProtectionEnabled   *bool
	GlobalSecondaryIndexUpdates []struct {
		Create *indexInput
		Delete *struct{ IndexName string }
		Update *struct {
			IndexName             string
			ProvisionedThroughput *throughput
		}
	}
}

func (s *Server) updateTable(_ *Counts, in *updateTableInput) (any, *Error) {
	t, err := s.tableAtRest(in.TableName)
	if err != nil {
		return nil, err
	}
	if in.BillingMode == "" && in.ProvisionedThroughput == nil && in.DeletionProtectionEnabled == nil && in.TableClass == "" && len(in.GlobalSecondaryIndexUpdates) == 0 {
		return nil, invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	}
	if len(in.GlobalSecondaryIndexUpdates) > 1 {
		return nil, failure("LimitExceededException", "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
	}
	done := s.opt.Now().Add(s.opt.TableDelay)
	for _, u := range in.GlobalSecondaryIndexUpdates {
		switch {
		case u.Create != nil:
			added, err := attributeKinds(in.AttributeDefinitions)
			if err != nil {
				return nil, err
			}
			kinds := maps.Clone(t.kinds)
			maps.Copy(kinds, added)
			trial := &table{schema: t.schema, kinds: kinds, indexes: slices.Clone(t.indexes), onDemand: t.onDemand}
			if err := trial.addIndex(*u.Create, kinds); err != nil {
				return nil, err
			}
			if err := trial.checkDefinitions(); err != nil {
				return nil, err
			}
			trial.indexes[len(trial.indexes)-1].readyAt = done
			t.indexes, t.kinds = trial.indexes, kinds
		case u.Delete != nil:
			x := t.index(u.Delete.IndexName)
			if x == nil {
				return nil, failure("ResourceNotFoundException", "Requested resource not found")
			}
			x.goneAt = done
		case u.Update != nil:
			x := t.index(u.Update.IndexName)
			if x == nil {
				return nil, failure("ResourceNotFoundException", "Requested resource not found")
			}
			x.throughput = u.Update.ProvisionedThroughput
		default:
			return nil, invalidParameter("One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null")
		}
	}
	switch in.BillingMode {
	case "PAY_PER_REQUEST":
		t.onDemand, t.throughput = true, nil
	case "PROVISIONED":
		if in.ProvisionedThroughput == nil {
			return nil, invalidParameter("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
		}
		t.onDemand = false
	}
	if in.ProvisionedThroughput != nil {
		if t.onDemand {
			return nil, invalidParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		t.throughput = in.ProvisionedThroughput
	}
	if in.DeletionProtectionEnabled != nil {
		t.protected = *in.DeletionProtectionEnabled
	}
	t.updatedAt = done
	return map[string]any{"TableDescription": s.describe(t)}, nil
}
