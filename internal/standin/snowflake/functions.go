package snowflake

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

func argumentCount(x *syntax.Call) *Error {
	return failf("000938", "22023", "SQL compilation error: error line 1 at position 0\nnot enough or too many arguments for function [%s]", x.Name)
}

// function is a scalar function over evaluated arguments. A strict one gives NULL when any argument is NULL.
type function struct {
	least, most int // arguments; most -1 for any number
	lenient     bool
	typ         func(args []compiled) Type
	run         func(st *execution, args []Value) (Value, error)
}

func always(k Kind) func([]compiled) Type {
	return func([]compiled) Type { return defaultType(k) }
}

func common(args []compiled) Type {
	var t Type
	for _, a := range args {
		t = commonType(t, a.typ)
	}
	return t
}

func text1(fn func(string) string) function {
	return function{1, 1, false, always(KindVarchar), func(st *execution, a []Value) (Value, error) {
		return TextValue(fn(st.formats.text(a[0]))), nil
	}}
}

func text2(fn func(a, b string) bool) function {
	return function{2, 2, false, always(KindBoolean), func(st *execution, a []Value) (Value, error) {
		return BoolValue(fn(st.formats.text(a[0]), st.formats.text(a[1]))), nil
	}}
}

func sessionText(fn func(*execution) string) function {
	return function{0, 0, true, always(KindVarchar), func(st *execution, _ []Value) (Value, error) {
		if s := fn(st); s != "" {
			return TextValue(s), nil
		}
		return Value{}, nil
	}}
}

func firstNotNull(st *execution, a []Value) (Value, error) {
	for _, v := range a {
		if !v.IsNull() {
			return v, nil
		}
	}
	return Value{}, nil
}

func extreme(sign int) function {
	return function{1, -1, false, common, func(st *execution, a []Value) (Value, error) {
		best := a[0]
		for _, v := range a[1:] {
			n, err := st.formats.compare(v, best)
			if err != nil {
				return best, err
			}
			if n*sign > 0 {
				best = v
			}
		}
		return best, nil
	}}
}

func now(k Kind) function {
	return function{0, 1, true, always(k), func(st *execution, _ []Value) (Value, error) {
		return st.formats.convert(TimestampValue(KindTimestampLTZ, st.now), defaultType(k))
	}}
}

var functions = map[string]function{
	"CURRENT_TIMESTAMP": now(KindTimestampLTZ), "LOCALTIMESTAMP": now(KindTimestampLTZ), "GETDATE": now(KindTimestampLTZ), "SYSTIMESTAMP": now(KindTimestampLTZ),
	"CURRENT_DATE": now(KindDate), "CURRENT_TIME": now(KindTime), "LOCALTIME": now(KindTime),
	"SYSDATE": {0, 0, true, always(KindTimestampNTZ), func(st *execution, _ []Value) (Value, error) {
		return TimestampValue(KindTimestampNTZ, st.now.UTC()), nil
	}},
	"CURRENT_USER":      sessionText(func(st *execution) string { return st.session.user }),
	"CURRENT_ROLE":      sessionText(func(st *execution) string { return st.session.role }),
	"CURRENT_DATABASE":  sessionText(func(st *execution) string { return st.session.database }),
	"CURRENT_SCHEMA":    sessionText(func(st *execution) string { return st.session.schema }),
	"CURRENT_WAREHOUSE": sessionText(func(st *execution) string { return st.session.warehouse }),
	"CURRENT_ACCOUNT":   sessionText(func(st *execution) string { return st.server.options.Account }),
	"CURRENT_VERSION":   sessionText(func(*execution) string { return serverVersion }),
	"CURRENT_SESSION":   sessionText(func(st *execution) string { return strconv.FormatInt(st.session.id, 10) }),
	"CURRENT_TRANSACTION": sessionText(func(st *execution) string {
		if st.tx == nil || !st.tx.explicit {
			return ""
		}
		return strconv.FormatInt(st.tx.id, 10)
	}),
	"LAST_QUERY_ID": sessionText(func(st *execution) string { return st.session.lastQuery }),
	"UUID_STRING":   sessionText(func(st *execution) string { return st.server.uuid() }),
	"SYSTEM$ABORT_TRANSACTION": {1, 1, false, always(KindVarchar), func(st *execution, a []Value) (Value, error) {
		return st.server.abortTransaction(st, a[0])
	}},
	"SYSTEM$WAIT": {1, 1, false, always(KindVarchar), func(st *execution, a []Value) (Value, error) {
		v, err := toFloat(a[0])
		if err != nil {
			return v, err
		}
		return TextValue("waited " + formatFloat(v.Float()) + " seconds"), st.wait(time.Duration(v.Float() * float64(time.Second)))
	}},
	"COALESCE": {1, -1, true, common, firstNotNull}, "NVL": {2, 2, true, common, firstNotNull}, "IFNULL": {2, 2, true, common, firstNotNull},
	"ZEROIFNULL": {1, 1, true, common, func(st *execution, a []Value) (Value, error) { return firstNotNull(st, append(a, IntValue(0))) }},
	"NULLIF": {2, 2, true, func(a []compiled) Type { return a[0].typ }, func(st *execution, a []Value) (Value, error) {
		if a[0].IsNull() || a[1].IsNull() {
			return a[0], nil
		}
		n, err := st.formats.compare(a[0], a[1])
		if err != nil || n == 0 {
			return Value{}, err
		}
		return a[0], nil
	}},
	"IFF": {3, 3, true, func(a []compiled) Type { return commonType(a[1].typ, a[2].typ) }, func(st *execution, a []Value) (Value, error) {
		if !a[0].IsNull() {
			b, err := toBoolean(a[0])
			if err != nil || b.Bool() {
				return a[1], err
			}
		}
		return a[2], nil
	}},
	"UPPER": text1(strings.ToUpper), "LOWER": text1(strings.ToLower),
	"TRIM": text1(func(s string) string { return strings.Trim(s, " ") }), "LTRIM": text1(func(s string) string { return strings.TrimLeft(s, " ") }),
	"RTRIM":      text1(func(s string) string { return strings.TrimRight(s, " ") }),
	"STARTSWITH": text2(strings.HasPrefix), "ENDSWITH": text2(strings.HasSuffix), "CONTAINS": text2(strings.Contains),
	"LENGTH": {1, 1, false, always(KindNumber), length}, "LEN": {1, 1, false, always(KindNumber), length},
	"REPLACE": {3, 3, false, always(KindVarchar), func(st *execution, a []Value) (Value, error) {
		return TextValue(strings.ReplaceAll(st.formats.text(a[0]), st.formats.text(a[1]), st.formats.text(a[2]))), nil
	}},
	"SUBSTR": {2, 3, false, always(KindVarchar), substr}, "SUBSTRING": {2, 3, false, always(KindVarchar), substr},
	"LEFT": {2, 2, false, always(KindVarchar), func(st *execution, a []Value) (Value, error) {
		return substr(st, []Value{a[0], IntValue(1), a[1]})
	}},
	"ABS": {1, 1, false, common, func(st *execution, a []Value) (Value, error) {
		if a[0].Kind == KindFloat {
			return FloatValue(max(a[0].Float(), -a[0].Float())), nil
		}
		v, err := st.formats.convert(a[0], defaultTypeOf(a[0]))
		return NumberValue(strings.TrimPrefix(v.Text, "-")), err
	}},
	"GREATEST": extreme(1), "LEAST": extreme(-1),
	"PARSE_JSON": {1, 1, false, always(KindVariant), parseJSONFunction},
	"TRY_PARSE_JSON": {1, 1, false, always(KindVariant), func(st *execution, a []Value) (Value, error) {
		v, err := parseJSONFunction(st, a)
		if err != nil {
			return Value{}, nil
		}
		return v, nil
	}},
	"TO_JSON": {1, 1, false, always(KindVarchar), func(st *execution, a []Value) (Value, error) {
		return TextValue(string(st.formats.appendJSON(nil, a[0]))), nil
	}},
	"TO_VARIANT":                 {1, 1, false, always(KindVariant), func(st *execution, a []Value) (Value, error) { return st.formats.toVariant(a[0], KindVariant) }},
	"OBJECT_CONSTRUCT":           {0, -1, true, always(KindObject), objectConstruct(false)},
	"OBJECT_CONSTRUCT_KEEP_NULL": {0, -1, true, always(KindObject), objectConstruct(true)},
	"ARRAY_CONSTRUCT": {0, -1, true, always(KindArray), func(st *execution, a []Value) (Value, error) {
		b := []byte{'['}
		for i, v := range a {
			if i > 0 {
				b = append(b, ',')
			}
			b = st.formats.appendJSON(b, v)
		}
		return JSONValue(KindArray, string(append(b, ']'))), nil
	}},
	"ARRAY_SIZE": {1, 1, false, always(KindNumber), func(_ *execution, a []Value) (Value, error) {
		n, err := parseJSON(a[0].Text, true)
		if err != nil || n.kind != '[' {
			return Value{}, err
		}
		return IntValue(int64(len(n.items))), nil
	}},
	"IS_NULL_VALUE": {1, 1, false, always(KindBoolean), func(_ *execution, a []Value) (Value, error) {
		return BoolValue(a[0].Kind.Semistructured() && a[0].Text == "null"), nil
	}},
	"TYPEOF":  {1, 1, false, always(KindVarchar), typeOf},
	"TO_CHAR": castFunction(KindVarchar), "TO_VARCHAR": castFunction(KindVarchar),
	"TO_DOUBLE": castFunction(KindFloat), "TO_BOOLEAN": castFunction(KindBoolean), "TO_DATE": castFunction(KindDate), "TO_TIME": castFunction(KindTime),
	"TO_TIMESTAMP_NTZ": castFunction(KindTimestampNTZ), "TO_TIMESTAMP_LTZ": castFunction(KindTimestampLTZ), "TO_TIMESTAMP_TZ": castFunction(KindTimestampTZ), "TO_TIMESTAMP": castFunction(KindTimestampNTZ),
}

func defaultTypeOf(v Value) Type {
	return Type{Kind: KindNumber, Precision: 38, Scale: min(scaleOf(v.Text), 37)}
}

func castFunction(k Kind) function {
	return function{1, 1, false, always(k), func(st *execution, a []Value) (Value, error) { return st.formats.convert(a[0], defaultType(k)) }}
}

func length(st *execution, a []Value) (Value, error) {
	return IntValue(int64(utf8.RuneCountInString(st.formats.text(a[0])))), nil
}

func substr(st *execution, a []Value) (Value, error) {
	r := []rune(st.formats.text(a[0]))
	from, err := strconv.Atoi(a[1].Text)
	if err != nil {
		return Value{}, failf("100038", "22018", "Numeric value '%s' is not recognized", a[1].Text)
	}
	if from < 0 {
		from += len(r) + 1
	}
	from = min(max(from-1, 0), len(r))
	to := len(r)
	if len(a) == 3 {
		n, err := strconv.Atoi(a[2].Text)
		if err != nil {
			return Value{}, failf("100038", "22018", "Numeric value '%s' is not recognized", a[2].Text)
		}
		to = min(len(r), from+max(min(n, len(r)), 0))
	}
	return TextValue(string(r[from:to])), nil
}

func parseJSONFunction(st *execution, a []Value) (Value, error) {
	if strings.TrimSpace(a[0].Text) == "" {
		return Value{}, nil
	}
	n, err := parseJSON(st.formats.text(a[0]), false)
	if err != nil {
		return Value{}, err
	}
	b, err := appendVariant(nil, n)
	return Value{Kind: KindVariant, Text: string(b), Int: 1}, err
}

func typeOf(_ *execution, a []Value) (Value, error) {
	names := map[byte]string{'{': "OBJECT", '[': "ARRAY", '"': "VARCHAR", 't': "BOOLEAN", 'f': "BOOLEAN", 'n': "NULL_VALUE"}
	if !a[0].Kind.Semistructured() {
		return Value{}, compileError("Invalid argument types for function 'TYPEOF': (%s)", a[0].Kind)
	}
	s := names[a[0].Text[0]]
	if s == "" {
		s = "DOUBLE"
		if exactInteger(a[0].Text) {
			s = "INTEGER"
		}
	}
	return TextValue(s), nil
}

// objectConstruct builds an object with sorted keys; pairs whose key or value is NULL are left out (unless nulls are kept).
func objectConstruct(keepNull bool) func(*execution, []Value) (Value, error) {
	return func(st *execution, a []Value) (Value, error) {
		if len(a)%2 != 0 {
			return Value{}, compileError("not enough arguments for function [OBJECT_CONSTRUCT]")
		}
		pairs := make([]int, 0, 16)
		for i := 0; i < len(a); i += 2 {
			if a[i].IsNull() || a[i+1].IsNull() && !keepNull {
				continue
			}
			pairs = append(pairs, i)
		}
		slices.SortFunc(pairs, func(x, y int) int { return strings.Compare(a[x].Text, a[y].Text) })
		b := make([]byte, 0, 256)
		b = append(b, '{')
		for n, i := range pairs {
			if n > 0 {
				if a[pairs[n-1]].Text == a[i].Text {
					return Value{}, failf("100069", "22P02", "Duplicate field key '%s'", a[i].Text)
				}
				b = append(b, ',')
			}
			b = append(appendJSONString(b, a[i].Text), ':')
			v := a[i+1]
			if v.Kind.Semistructured() && v.Int == 0 {
				var err error
				if v.Text, err = canonicalVariant(v.Text); err != nil {
					return Value{}, err
				}
			}
			b = st.formats.appendJSON(b, v)
		}
		return Value{Kind: KindObject, Text: string(append(b, '}')), Int: 1}, nil
	}
}

func (c *compiler) call(x *syntax.Call) (compiled, error) {
	if aggregateNames[x.Name] {
		return c.aggregate(x)
	}
	switch x.Name {
	case "GET":
		if len(x.Args) != 2 {
			return compiled{}, argumentCount(x)
		}
		return c.get(x.Args[0], x.Args[1])
	case "CONCAT":
		if len(x.Args) == 0 {
			return compiled{}, argumentCount(x)
		}
	case "TO_NUMBER", "TO_DECIMAL", "TO_NUMERIC":
		t := Type{Kind: KindNumber, Precision: 38}
		for i, p := range []*int{&t.Precision, &t.Scale} {
			if len(x.Args) <= i+1 {
				break
			}
			n, ok := x.Args[i+1].(syntax.Number)
			if !ok {
				return compiled{}, argumentCount(x)
			}
			*p, _ = strconv.Atoi(n.Text)
		}
		if len(x.Args) == 0 || t.Precision < 1 || t.Precision > 38 || t.Scale < 0 || t.Scale > t.Precision {
			return compiled{}, argumentCount(x)
		}
		a, err := c.expr(x.Args[0])
		return c.castTo(a, t, false), err
	}
	f, ok := functions[x.Name]
	if strings.HasPrefix(x.Name, "TRY_TO_") && !ok {
		if g, known := functions[x.Name[4:]]; known {
			f, ok = g, true
			run := g.run
			f.run = func(st *execution, a []Value) (Value, error) {
				if v, err := run(st, a); err == nil {
					return v, nil
				}
				return Value{}, nil // what TRY_ is for
			}
		}
	}
	if !ok && x.Name != "CONCAT" || c.copy && (strings.HasPrefix(x.Name, "SYSTEM$") || strings.HasPrefix(x.Name, "TRY_TO_TIMESTAMP")) {
		return compiled{}, failf("002140", "42601", "SQL compilation error:\nUnknown function %s", x.Name)
	}
	args := make([]compiled, len(x.Args))
	for i, a := range x.Args {
		var err error
		if args[i], err = c.expr(a); err != nil {
			return compiled{}, err
		}
	}
	if x.Name == "CONCAT" {
		return c.concat(args...), nil
	}
	if len(args) < f.least || f.most >= 0 && len(args) > f.most || x.Star || x.Distinct {
		return compiled{}, argumentCount(x)
	}
	st := c.st
	return compiled{f.typ(args), func(e *env) (Value, error) {
		var few [16]Value
		vals := few[:0]
		for _, a := range args {
			v, err := a.run(e)
			if err != nil || v.IsNull() && !f.lenient {
				return Value{}, err
			}
			vals = append(vals, v)
		}
		return f.run(st, vals)
	}}, nil
}

// get is GET(x, i), x[i] and x:key. On a record of COPY it reads the parsed document, elsewhere it parses.
func (c *compiler) get(x, index syntax.Expr) (compiled, error) {
	i, err := c.expr(index)
	if err != nil {
		return compiled{}, err
	}
	if i.typ.Kind != KindNumber && i.typ.Kind != KindVarchar && i.typ.Kind != KindNull && i.typ.Kind != KindVariant {
		return compiled{}, compileError("Invalid argument types for function 'GET': (VARIANT, %s)", i.typ)
	}
	if d, ok := x.(*syntax.Dollar); ok && c.copy {
		if _, err := c.dollar(d); err != nil {
			return compiled{}, err
		}
		return compiled{Type{Kind: KindVariant}, func(e *env) (Value, error) {
			k, err := i.run(e)
			if err != nil {
				return k, err
			}
			return child(e.record.node, k), nil
		}}, nil
	}
	a, err := c.expr(x)
	if err != nil {
		return compiled{}, err
	}
	if !a.typ.Kind.Semistructured() && a.typ.Kind != KindNull {
		return compiled{}, compileError("Invalid argument types for function 'GET': (%s, %s)", a.typ, i.typ)
	}
	return compiled{Type{Kind: KindVariant}, func(e *env) (Value, error) {
		v, k, err := both(a, i, e)
		if err != nil || v.IsNull() {
			return Value{}, err
		}
		n, err := parseJSON(v.Text, true)
		return child(n, k), err
	}}, nil
}

// child is one element of an array or one value of an object; SQL NULL for what is not there.
func child(n node, k Value) Value {
	switch {
	case n.kind == '[' && k.Kind == KindNumber:
		if i, err := strconv.Atoi(k.Text); err == nil && i >= 0 && i < len(n.items) {
			return JSONValue(KindVariant, n.items[i].raw)
		}
	case n.kind == '{' && k.Kind == KindVarchar:
		if i := slices.Index(n.keys, k.Text); i >= 0 {
			return JSONValue(KindVariant, n.items[i].raw)
		}
	}
	return Value{}
}
