package dynamodb

import (
	"slices"
	"strings"
)

// maxItem is the largest item (developer guide, "Constraints": 400 KB with
// attribute names).
const maxItem = 400 << 10

// expressionInput holds the parameters that expressions share.
type expressionInput struct {
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues wireItem
}

// param is a request parameter and whether it was given.
type param struct {
	name  string
	given bool
}

func givenNames(params []param) []string {
	var names []string
	for _, p := range params {
		if p.given {
			names = append(names, p.name)
		}
	}
	return names
}

// scope checks that old and new parameters are not mixed and that placeholders
// have an expression to stand in.
func (in *expressionInput) scope(expressions, legacy []param) (*scope, *Error) {
	given := givenNames(expressions)
	if old := givenNames(legacy); len(given) > 0 && len(old) > 0 {
		return nil, invalid("Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {%s} Expression parameters: {%s}", strings.Join(old, ", "), strings.Join(given, ", "))
	}
	if in.ExpressionAttributeNames != nil && len(given) == 0 {
		return nil, invalid("ExpressionAttributeNames can only be specified when using expressions")
	}
	if in.ExpressionAttributeValues != nil {
		var taking []string // all but the projection take values
		for _, p := range expressions {
			if p.name != "ProjectionExpression" {
				taking = append(taking, p.name)
				given = slices.DeleteFunc(given, func(n string) bool { return n == "ProjectionExpression" })
			}
		}
		if len(given) == 0 {
			return nil, invalid("ExpressionAttributeValues can only be specified when using expressions: %s %s null", strings.Join(taking, " and "), map[bool]string{true: "are", false: "is"}[len(taking) > 1])
		}
	}
	return newScope(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
}

// conditionInput holds the parameters of a conditional write.
type conditionInput struct {
	expressionInput
	ConditionExpression                 *string
	Expected                            map[string]wireExpected
	ConditionalOperator                 string
	ReturnValuesOnConditionCheckFailure string
}

func (in *conditionInput) condition(sc *scope) (condition, *Error) {
	if in.ConditionExpression != nil {
		return parseCondition("ConditionExpression", *in.ConditionExpression, sc)
	}
	return legacyExpected(in.Expected, in.ConditionalOperator)
}

func (in *conditionInput) check(c condition, old Item) *Error {
	if c == nil || c.holds(old) {
		return nil
	}
	err := failure("ConditionalCheckFailedException", "The conditional request failed")
	if in.ReturnValuesOnConditionCheckFailure == "ALL_OLD" {
		err.item = old
	}
	return err
}

// units is the capacity of bytes at so many bytes a unit, one at least.
func units(bytes, per int) float64 { return float64(max(1, (bytes+per-1)/per)) }

const (
	readUnit  = 4 << 10
	writeUnit = 1 << 10
)

// withCapacity adds ConsumedCapacity to a reply that asked for it.
func withCapacity(out map[string]any, want string, t *table, consumed float64) map[string]any {
	if want == "TOTAL" || want == "INDEXES" {
		out["ConsumedCapacity"] = map[string]any{"TableName": t.name, "CapacityUnits": consumed}
	}
	return out
}

type getItemInput struct {
	expressionInput
	TableName              string
	Key                    wireItem
	ConsistentRead         bool
	AttributesToGet        []string
	ProjectionExpression   *string
	ReturnConsumedCapacity string
}

func (s *Server) getItem(c *Counts, in *getItemInput) (any, *Error) {
	sc, err := in.scope([]param{{"ProjectionExpression", in.ProjectionExpression != nil}}, []param{{"AttributesToGet", in.AttributesToGet != nil}})
	if err != nil {
		return nil, err
	}
	paths, err := parsePaths(in.ProjectionExpression, in.AttributesToGet, sc)
	if err != nil {
		return nil, err
	}
	if err := sc.unused(); err != nil {
		return nil, err
	}
	key, err := in.Key.item()
	if err != nil {
		return nil, err
	}
	t, err := s.usable(in.TableName)
	if err != nil {
		return nil, err
	}
	if err := t.schema.checkKey(key); err != nil {
		return nil, err
	}
	var it Item
	if r := t.get(key); r != nil {
		it = r.seen(in.ConsistentRead, s.opt.Now(), s.opt.ReplicaLag)
	}
	consumed := units(it.size(), readUnit)
	if !in.ConsistentRead {
		consumed /= 2
	}
	c.ReadUnits += consumed
	out := map[string]any{}
	if it != nil {
		if paths != nil {
			it = project(it, paths)
		}
		out["Item"] = it
		if it == nil {
			out["Item"] = Item{}
		}
	}
	return withCapacity(out, in.ReturnConsumedCapacity, t, consumed), nil
}

// parsePaths reads a projection in its new or old form; nil means everything.
func parsePaths(expression *string, attributes []string, sc *scope) ([]path, *Error) {
	if expression != nil {
		return parseProjection(*expression, sc)
	}
	if hasDuplicates(attributes) {
		return nil, invalidParameter("Duplicate value in attribute name")
	}
	var paths []path
	for _, a := range attributes {
		paths = append(paths, path{{name: a}})
	}
	return paths, nil
}
