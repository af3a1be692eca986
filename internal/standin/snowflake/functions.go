package snowflake

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

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
	"LPAD": {3, 3, false, always(KindVarchar), func(st *execution, a []Value) (Value, error) {
		n, err := st.formats.convert(a[1], defaultType(KindNumber))
		if err != nil {
			return n, err
		}
		length, err := strconv.Atoi(n.Text)
		if err != nil {
			return n, outOfRange(n.Text)
		}
		text, fill := []rune(st.formats.text(a[0])), []rune(st.formats.text(a[2]))
		var pad []rune
		for i := 0; len(fill) > 0 && len(text)+len(pad) < length; i++ {
			pad = append(pad, fill[i%len(fill)])
		}
		all := append(pad, text...)
		return TextValue(string(all[:min(len(all), max(length, 0))])), nil
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
