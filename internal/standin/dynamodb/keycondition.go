package dynamodb

import "fmt"

// splitKeys takes a key condition apart into one condition a key attribute. A
// key condition is a conjunction of comparisons of top-level attributes with
// values, and nothing else.
func splitKeys(c condition, byKey map[string]condition) *Error {
	switch c := c.(type) {
	case nil:
		return invalid("Conditions can be of length 1 or 2 only")
	case and:
		if err := splitKeys(c.l, byKey); err != nil {
			return err
		}
		return splitKeys(c.r, byKey)
	case or:
		return badKeyOperator("OR")
	case not:
		return badKeyOperator("NOT")
	case in:
		return badKeyOperator("IN")
	case exists:
		return badKeyOperator("attribute_exists")
	case absent:
		return badKeyOperator("attribute_not_exists")
	case typed:
		return badKeyOperator("attribute_type")
	case contains:
		return badKeyOperator("contains")
	case compared:
		if c.op == "<>" {
			return badKeyOperator("<>")
		}
		if _, ok := c.l.(literal); ok { // :v = key reads as key = :v
			c.l, c.r = c.r, c.l
			c.op = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}[c.op]
		}
		return keyCondition(byKey, c.op, c, c.l, c.r)
	case between:
		return keyCondition(byKey, "BETWEEN", c, c.x, c.lo, c.hi)
	case begins:
		return keyCondition(byKey, "begins_with", c, c.x, c.prefix)
	}
	return badKeyOperator(fmt.Sprintf("%T", c))
}

func badKeyOperator(op string) *Error {
	return invalid("Invalid operator used in KeyConditionExpression: %s", op)
}

func keyCondition(byKey map[string]condition, op string, c condition, x operand, values ...operand) *Error {
	ref, ok := x.(pathRef)
	if _, size := x.(sizeOf); size {
		return invalid("KeyConditionExpressions cannot contain nested operations")
	}
	if !ok {
		return invalid("Invalid condition in KeyConditionExpression: %s operator must have the key attribute as its first operand", op)
	}
	if len(ref.p) > 1 {
		return invalid("KeyConditionExpressions cannot have conditions on nested attributes")
	}
	for _, v := range values {
		if _, ok := v.(literal); !ok {
			return invalid("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
		}
	}
	name := ref.p[0].name
	if byKey[name] != nil {
		return invalid("KeyConditionExpressions must only contain one condition per key")
	}
	byKey[name] = c
	return nil
}

// checkConditions insists on equality for the partition key, on at most one
// condition on the sort key, and on the keys' types.
func (k schema) checkConditions(byKey map[string]condition) *Error {
	if len(byKey) > 2 {
		return invalid("Conditions can be of length 1 or 2 only")
	}
	hash, ok := byKey[k.hashKey]
	if !ok {
		return invalid("Query condition missed key schema element: %s", k.hashKey)
	}
	if c, ok := hash.(compared); !ok || c.op != "=" {
		return invalid("Query key condition not supported")
	}
	if len(byKey) == 2 && (k.sortKey == "" || byKey[k.sortKey] == nil) {
		if k.sortKey == "" {
			return invalid("Query key condition not supported")
		}
		return invalid("Query condition missed key schema element: %s", k.sortKey)
	}
	for name, c := range byKey {
		for _, v := range keyValues(c) {
			if v.Kind != k.kind(name) {
				return invalidParameter("Condition parameter type does not match schema type")
			}
			if v.Text == "" {
				return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kindWord(v.Kind), name)
			}
		}
	}
	return nil
}

func keyValues(c condition) []Value {
	switch c := c.(type) {
	case compared:
		return []Value{c.r.value(nil)}
	case between:
		return []Value{c.lo.value(nil), c.hi.value(nil)}
	case begins:
		return []Value{c.prefix.value(nil)}
	}
	return nil
}

// heads lists the top-level attributes that a condition looks at.
func heads(n node) []string {
	var out []string
	add := func(nodes ...node) {
		for _, n := range nodes {
			out = append(out, heads(n)...)
		}
	}
	switch n := n.(type) {
	case and:
		add(n.l, n.r)
	case or:
		add(n.l, n.r)
	case not:
		add(n.c)
	case compared:
		add(n.l, n.r)
	case between:
		add(n.x, n.lo, n.hi)
	case in:
		add(n.x)
		for _, o := range n.list {
			add(o)
		}
	case begins:
		add(n.x, n.prefix)
	case contains:
		add(n.x, n.part)
	case typed:
		add(n.x)
	case sizeOf:
		add(n.of)
	case exists:
		out = append(out, n.p[0].name)
	case absent:
		out = append(out, n.p[0].name)
	case pathRef:
		out = append(out, n.p[0].name)
	}
	return out
}
