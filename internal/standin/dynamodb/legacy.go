package dynamodb

import (
	"maps"
	"slices"
)

// The older parameters of requests, translated into the trees of expressions.

type wireExpected struct {
	Value              *wireValue
	Exists             *bool
	ComparisonOperator string
	AttributeValueList *[]wireValue
}

type wireCondition struct {
	ComparisonOperator string
	AttributeValueList []wireValue
}

type wireUpdate struct {
	Action string
	Value  *wireValue
}

// operandCounts: the number of values each operator takes; IN takes any.
var operandCounts = map[string]int{
	"NULL": 0, "NOT_NULL": 0, "EQ": 1, "NE": 1, "LE": 1, "LT": 1, "GE": 1, "GT": 1,
	"CONTAINS": 1, "NOT_CONTAINS": 1, "BEGINS_WITH": 1, "BETWEEN": 2, "IN": -1,
}

// legacyCondition builds the condition of one attribute and one operator.
func legacyCondition(attr, op string, list []wireValue) (condition, *Error) {
	want, known := operandCounts[op]
	if !known {
		return nil, invalid("1 validation error detected: Value '%s' at 'comparisonOperator' failed to satisfy constraint: Member must satisfy enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]", op)
	}
	if want >= 0 && len(list) != want || want < 0 && len(list) == 0 {
		return nil, invalidParameter("Invalid number of argument(s) for the %s ComparisonOperator", op)
	}
	values := make([]operand, len(list))
	for i := range list {
		v, err := list[i].value()
		if err != nil {
			return nil, err
		}
		if i > 0 && v.Kind != values[0].value(nil).Kind {
			return nil, invalidParameter("AttributeValues inside AttributeValueList must be of same type")
		}
		scalar := v.Kind == KindS || v.Kind == KindN || v.Kind == KindB
		if !scalar && op != "EQ" && op != "NE" || v.Kind == KindN && op == "BEGINS_WITH" {
			return nil, invalidParameter("ComparisonOperator %s is not valid for %s AttributeValue type", op, v.Kind)
		}
		values[i] = literal{v}
	}
	p := path{{name: attr}}
	x := pathRef{p}
	switch op {
	case "NULL":
		return absent{p}, nil
	case "NOT_NULL":
		return exists{p}, nil
	case "EQ":
		return compared{"=", x, values[0]}, nil
	case "NE":
		return compared{"<>", x, values[0]}, nil
	case "LE":
		return compared{"<=", x, values[0]}, nil
	case "LT":
		return compared{"<", x, values[0]}, nil
	case "GE":
		return compared{">=", x, values[0]}, nil
	case "GT":
		return compared{">", x, values[0]}, nil
	case "CONTAINS":
		return contains{x, values[0]}, nil
	case "NOT_CONTAINS":
		return not{contains{x, values[0]}}, nil
	case "BEGINS_WITH":
		return begins{x, values[0]}, nil
	case "IN":
		return in{x, values}, nil
	}
	if order, _ := values[0].value(nil).compare(values[1].value(nil)); order > 0 {
		return nil, invalid("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
	}
	return between{x, values[0], values[1]}, nil
}

// legacyExpected translates Expected; a nil condition means no condition.
func legacyExpected(expected map[string]wireExpected, operator string) (condition, *Error) {
	var all []condition
	for _, attr := range slices.Sorted(maps.Keys(expected)) {
		e := expected[attr]
		c, err := e.condition(attr)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return join(all, operator)
}

func (e wireExpected) condition(attr string) (condition, *Error) {
	switch {
	case e.AttributeValueList != nil && e.Value != nil:
		return nil, invalidParameter("Value and AttributeValueList cannot be used together for Attribute: %s", attr)
	case e.ComparisonOperator != "" && e.Exists != nil:
		return nil, invalidParameter("Exists and ComparisonOperator cannot be used together for Attribute: %s", attr)
	case e.ComparisonOperator != "":
		var list []wireValue
		if e.AttributeValueList != nil {
			list = *e.AttributeValueList
		} else if e.Value != nil {
			list = []wireValue{*e.Value}
		} else if operandCounts[e.ComparisonOperator] != 0 {
			return nil, invalidParameter("Value or AttributeValueList must be used with ComparisonOperator: %s for Attribute: %s", e.ComparisonOperator, attr)
		}
		return legacyCondition(attr, e.ComparisonOperator, list)
	case e.AttributeValueList != nil:
		return nil, invalidParameter("AttributeValueList can only be used with a ComparisonOperator for Attribute: %s", attr)
	case e.Exists != nil && !*e.Exists:
		if e.Value != nil {
			return nil, invalidParameter("Value cannot be used when Exists is false for Attribute: %s", attr)
		}
		return absent{path{{name: attr}}}, nil
	case e.Value == nil:
		given := "null"
		if e.Exists != nil {
			given = "true"
		}
		return nil, invalidParameter("Value must be provided when Exists is %s for Attribute: %s", given, attr)
	}
	v, err := e.Value.value()
	if err != nil {
		return nil, err
	}
	return compared{"=", pathRef{path{{name: attr}}}, literal{v}}, nil
}

// legacyFilter translates QueryFilter, ScanFilter or KeyConditions.
func legacyFilter(filter map[string]wireCondition, operator string) (condition, *Error) {
	var all []condition
	for _, attr := range slices.Sorted(maps.Keys(filter)) {
		c, err := legacyCondition(attr, filter[attr].ComparisonOperator, filter[attr].AttributeValueList)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return join(all, operator)
}

func join(all []condition, operator string) (condition, *Error) {
	if len(all) == 0 {
		if operator != "" {
			return nil, invalidParameter("ConditionalOperator cannot be used without Filter or Expected")
		}
		return nil, nil
	}
	joined := all[0]
	for _, c := range all[1:] {
		if operator == "OR" {
			joined = or{joined, c}
		} else {
			joined = and{joined, c}
		}
	}
	return joined, nil
}

// legacyUpdates translates AttributeUpdates.
func legacyUpdates(updates map[string]wireUpdate) ([]action, *Error) {
	var actions []action
	for _, attr := range slices.Sorted(maps.Keys(updates)) {
		u := updates[attr]
		a := action{verb: "REMOVE", path: path{{name: attr}}, legacy: true}
		if u.Value == nil {
			if u.Action != "DELETE" {
				return nil, invalidParameter("Only DELETE action is allowed when no attribute value is specified")
			}
			actions = append(actions, a)
			continue
		}
		v, err := u.Value.value()
		if err != nil {
			return nil, err
		}
		a.value = v
		switch u.Action {
		case "", "PUT":
			a.verb, a.term = "SET", operandTerm{literal{v}}
		case "ADD":
			if v.Kind != KindN && v.Kind != KindL && v.Kind.setOf() == "" {
				return nil, invalidParameter("ADD action is not supported for the type %s", v.Kind)
			}
			a.verb = "ADD"
		case "DELETE":
			if v.Kind.setOf() == "" {
				return nil, invalidParameter("DELETE action with value is not supported for the type %s", v.Kind)
			}
			a.verb = "DELETE"
		default:
			return nil, invalid("1 validation error detected: Value '%s' at 'attributeUpdates.%s.member.action' failed to satisfy constraint: Member must satisfy enum value set: [ADD, DELETE, PUT]", u.Action, attr)
		}
		actions = append(actions, a)
	}
	return actions, nil
}
