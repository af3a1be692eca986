package dynamodb

import (
	"maps"
	"slices"
	"strings"
)

type attributeDefinition struct {
	AttributeName string
	AttributeType Kind
}

type keyElement struct{ AttributeName, KeyType string }

type projection struct {
	ProjectionType   string
	NonKeyAttributes []string `json:",omitempty"`
}

type indexInput struct {
	IndexName             string
	KeySchema             []keyElement
	Projection            *projection
	ProvisionedThroughput *throughput
}

func attributeKinds(defs []attributeDefinition) (map[string]Kind, *Error) {
	kinds := map[string]Kind{}
	for _, d := range defs {
		if d.AttributeType != KindS && d.AttributeType != KindN && d.AttributeType != KindB {
			return nil, invalid("1 validation error detected: Value '%s' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]", d.AttributeType)
		}
		if kinds[d.AttributeName] != "" {
			return nil, invalidParameter("Cannot define two attributes with the same name: %s", d.AttributeName)
		}
		kinds[d.AttributeName] = d.AttributeType
	}
	return kinds, nil
}

func parseSchema(elems []keyElement, kinds map[string]Kind) (schema, *Error) {
	if len(elems) < 1 || len(elems) > 2 {
		return schema{}, invalid("1 validation error detected: Value at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2")
	}
	if elems[0].KeyType != "HASH" {
		return schema{}, invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	}
	k := schema{hashKey: elems[0].AttributeName, hashKind: kinds[elems[0].AttributeName]}
	if len(elems) == 2 {
		if elems[1].KeyType != "RANGE" {
			return k, invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
		}
		k.sortKey, k.sortKind = elems[1].AttributeName, kinds[elems[1].AttributeName]
		if k.sortKey == k.hashKey {
			return k, invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
		}
	}
	for _, n := range k.names() {
		if kinds[n] == "" {
			return k, invalidParameter("Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
				strings.Join(k.names(), ", "), strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
		}
	}
	return k, nil
}

func (t *table) addIndex(in indexInput, kinds map[string]Kind) *Error {
	if !tableNamePattern.MatchString(in.IndexName) {
		return invalid("1 validation error detected: Value '%s' at 'indexName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+", in.IndexName)
	}
	key, err := parseSchema(in.KeySchema, kinds)
	if err != nil {
		return err
	}
	switch {
	case in.Projection == nil || in.Projection.ProjectionType == "":
		return invalidParameter("Unknown ProjectionType: null")
	case in.Projection.NonKeyAttributes != nil && in.Projection.ProjectionType != "INCLUDE":
		return invalidParameter("ProjectionType is %s, but NonKeyAttributes is specified", in.Projection.ProjectionType)
	case t.onDemand && in.ProvisionedThroughput != nil:
		return invalidParameter("ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", in.IndexName)
	case !t.onDemand && in.ProvisionedThroughput == nil:
		return invalidParameter("ProvisionedThroughput must be specified for index: %s", in.IndexName)
	case t.index(in.IndexName) != nil:
		return invalidParameter("Duplicate index name: %s", in.IndexName)
	case len(t.indexes) >= maxIndexes:
		return invalidParameter("GlobalSecondaryIndex count exceeds the per-table limit of 20")
	}
	t.indexes = append(t.indexes, &index{name: in.IndexName, schema: key, projection: *in.Projection, throughput: in.ProvisionedThroughput})
	return nil
}

// checkDefinitions refuses attribute definitions that no key uses.
func (t *table) checkDefinitions() *Error {
	used := map[string]bool{}
	for _, n := range t.schema.names() {
		used[n] = true
	}
	for _, x := range t.indexes {
		for _, n := range x.schema.names() {
			used[n] = true
		}
	}
	if len(used) == len(t.kinds) {
		return nil
	}
	if len(t.indexes) == 0 {
		return invalidParameter("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	return invalidParameter("Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]",
		strings.Join(slices.Sorted(maps.Keys(t.kinds)), ", "), strings.Join(slices.Sorted(maps.Keys(used)), ", "))
}
