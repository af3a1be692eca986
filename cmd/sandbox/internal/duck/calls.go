package duck

import (
	"errors"
	"fmt"
	"strings"

	"kinesis-snowflake/internal/standin/snowflake"
)

// templates are the functions that DuckDB has under another name or not at all; $1.. are the arguments, and a function
// stands once for each number of arguments it may have. @1 is an argument as text, #1 as JSON text.
var templates = map[string]map[int]string{
	"IFF":              {3: "CASE WHEN $1 THEN $2 ELSE $3 END"},
	"NVL":              {2: "COALESCE($1, $2)"},
	"NVL2":             {3: "CASE WHEN $1 IS NOT NULL THEN $2 ELSE $3 END"},
	"ZEROIFNULL":       {1: "COALESCE($1, 0)"},
	"NULLIFZERO":       {1: "NULLIF($1, 0)"},
	"DIV0":             {2: "CASE WHEN $2 = 0 THEN 0 ELSE $1 / $2 END"},
	"EQUAL_NULL":       {2: "($1 IS NOT DISTINCT FROM $2)"},
	"STARTSWITH":       {2: "starts_with(@1, @2)"},
	"ENDSWITH":         {2: "ends_with(@1, @2)"},
	"CONTAINS":         {2: "contains(@1, @2)"},
	"CHARINDEX":        {2: "strpos(@2, @1)"},
	"RLIKE":            {2: "regexp_full_match(@1, $2)"},
	"REGEXP_LIKE":      {2: "regexp_full_match(@1, $2)"},
	"BOOLOR_AGG":       {1: "bool_or($1)"},
	"BOOLAND_AGG":      {1: "bool_and($1)"},
	"TO_JSON":          {1: "CAST($1 AS VARCHAR)"},
	"PARSE_JSON":       {1: "CAST($1 AS JSON)"},
	"TRY_PARSE_JSON":   {1: "TRY_CAST($1 AS JSON)"},
	"TO_VARIANT":       {1: "to_json($1)"},
	"ARRAY_SIZE":       {1: fnSize + "(#1)"},
	"OBJECT_KEYS":      {1: "CAST(" + fnKeys + "(#1) AS JSON)"},
	"TYPEOF":           {1: fnKind + "(#1)"},
	"DATEADD":          {3: "($3 + ($2) * INTERVAL 1 $1)"},
	"CURRENT_DATE":     {0: "current_date"},
	"SYSDATE":          {0: "(now() AT TIME ZONE 'UTC')"},
	"GETDATE":          {0: "now()"},
	"CURRENT_USER":     {0: "$user"},
	"CURRENT_ROLE":     {0: "$role"},
	"CURRENT_DATABASE": {0: "$database"},
	"CURRENT_SCHEMA":   {0: "$schema"},
}

// casts are the functions that are casts.
var casts = map[string]string{
	"TO_VARCHAR": "VARCHAR", "TO_CHAR": "VARCHAR", "TO_NUMBER": "NUMBER", "TO_DECIMAL": "NUMBER", "TO_NUMERIC": "NUMBER", "TO_DOUBLE": "DOUBLE",
	"TO_BOOLEAN": "BOOLEAN", "TO_DATE": "DATE", "TO_TIME": "TIME", "TO_TIMESTAMP": "TIMESTAMP_NTZ", "TO_TIMESTAMP_NTZ": "TIMESTAMP_NTZ",
	"TO_TIMESTAMP_LTZ": "TIMESTAMP_LTZ", "TO_TIMESTAMP_TZ": "TIMESTAMP_TZ",
}

// types maps Snowflake's type names to DuckDB's; NUMBER takes its precision and scale.
var types = map[string]string{
	"NUMBER": "DECIMAL", "NUMERIC": "DECIMAL", "DECIMAL": "DECIMAL", "DEC": "DECIMAL", "INT": "DECIMAL", "INTEGER": "DECIMAL", "BIGINT": "DECIMAL",
	"SMALLINT": "DECIMAL", "TINYINT": "DECIMAL", "BYTEINT": "DECIMAL", "FLOAT": "DOUBLE", "FLOAT4": "DOUBLE", "FLOAT8": "DOUBLE", "DOUBLE": "DOUBLE",
	"REAL": "DOUBLE", "VARCHAR": "VARCHAR", "STRING": "VARCHAR", "TEXT": "VARCHAR", "CHAR": "VARCHAR", "CHARACTER": "VARCHAR", "BOOLEAN": "BOOLEAN",
	"VARIANT": "JSON", "OBJECT": "JSON", "ARRAY": "JSON", "DATE": "DATE", "TIME": "TIME", "DATETIME": "TIMESTAMP", "TIMESTAMP": "TIMESTAMP",
	"TIMESTAMP_NTZ": "TIMESTAMP", "TIMESTAMPNTZ": "TIMESTAMP", "TIMESTAMP_LTZ": "TIMESTAMPTZ", "TIMESTAMPLTZ": "TIMESTAMPTZ", "TIMESTAMP_TZ": "TIMESTAMPTZ",
	"TIMESTAMPTZ": "TIMESTAMPTZ", "BINARY": "BLOB", "VARBINARY": "BLOB",
}

// call reads a call's arguments and writes the call; its opening bracket is read.
func (t *translator) call(name string) (piece, error) {
	if name == "CAST" || name == "TRY_CAST" {
		return t.castCall(name == "TRY_CAST")
	}
	// The function's own brackets hide its words from the FROM around it, and TRIM(x FROM y) from the tables.
	inner, err := t.sequence()
	if err != nil {
		return piece{}, err
	}
	if err := t.expect(")"); err != nil {
		return piece{}, err
	}
	args := split(inner)
	switch {
	case (name == "SUM" || name == "AVG") && len(args) == 1 && len(args[0]) == 1 && args[0][0].path:
		return piece{text: name + "(TRY_CAST(" + textOf(args[0][0].text) + " AS DOUBLE))"}, nil
	case name == "COUNT" && len(args) > 1 && args[0][0].token.text == "DISTINCT":
		return countDistinct(args), nil
	case name == "GET" && len(args) == 2:
		return get(join(args[0]), []string{step(args[1])}), nil
	case name == "GET_PATH" && len(args) == 2 && len(args[1]) == 1 && args[1][0].token.kind == tokenString:
		steps, err := path(args[1][0].token.text)
		return get(join(args[0]), steps), err
	}
	if typ, ok := casts[strings.TrimPrefix(name, "TRY_")]; ok && (len(args) == 1 || typ == "NUMBER") && len(args) > 0 {
		to := types[typ]
		if typ == "NUMBER" {
			numbers := make([]string, 0, 2)
			for _, a := range args[1:] {
				numbers = append(numbers, join(a))
			}
			to = decimalType(numbers)
		}
		return piece{text: cast(operandOf(args[0]), to, strings.HasPrefix(name, "TRY_"))}, nil
	}
	if template, ok := templates[name][len(args)]; ok {
		return piece{text: t.fill(template, args)}, nil
	}
	return piece{text: name + "(" + join(inner) + ")"}, nil
}

func (t *translator) fill(template string, args [][]piece) string {
	var pairs []string
	for i, a := range args {
		n := fmt.Sprint(i + 1)
		p := operandOf(a)
		pairs = append(pairs, "$"+n, p.text, "#"+n, "CAST("+p.text+" AS VARCHAR)", "@"+n, cast(p, "VARCHAR", false))
	}
	s := t.session
	pairs = append(pairs, "$user", literal(s.User), "$role", literal(s.Role), "$database", literal(s.Database), "$schema", literal(s.Schema))
	return strings.NewReplacer(pairs...).Replace(template)
}

// castCall reads x AS TYPE and the closing bracket.
func (t *translator) castCall(try bool) (piece, error) {
	t.stop = "AS"
	inner, err := t.sequence()
	if err != nil {
		return piece{}, err
	}
	if len(inner) == 0 || t.i >= len(t.tokens) || t.tokens[t.i].text != "AS" {
		return piece{}, errors.New("CAST is written CAST(x AS TYPE)")
	}
	t.i++
	typ, err := t.typeName()
	if err != nil {
		return piece{}, err
	}
	return piece{text: cast(operandOf(inner), typ, try)}, t.expect(")")
}

// typeName reads a type and gives DuckDB's.
func (t *translator) typeName() (string, error) {
	if t.i >= len(t.tokens) || t.tokens[t.i].kind != tokenWord {
		return "", errors.New("a type is expected")
	}
	name := t.tokens[t.i].text
	t.i++
	typ, ok := types[name]
	if !ok {
		return "", fmt.Errorf("unknown type %s", name)
	}
	if name == "DOUBLE" && t.i < len(t.tokens) && t.tokens[t.i].text == "PRECISION" {
		t.i++
	}
	var numbers []string
	if t.at("(") {
		for t.i++; t.i < len(t.tokens) && !t.at(")"); t.i++ {
			if t.tokens[t.i].kind == tokenNumber {
				numbers = append(numbers, t.tokens[t.i].text)
			}
		}
		if err := t.expect(")"); err != nil {
			return "", err
		}
	}
	if typ == "DECIMAL" {
		typ = decimalType(numbers)
	}
	return typ, nil
}

func decimalType(numbers []string) string {
	switch len(numbers) {
	case 0:
		return "DECIMAL(38,0)"
	case 1:
		return "DECIMAL(" + numbers[0] + ",0)"
	default:
		return "DECIMAL(" + numbers[0] + "," + numbers[1] + ")"
	}
}

// cast writes a cast. A VARIANT is cast by its text; whether x is one is known for paths, and else only to DuckDB.
func cast(x piece, typ string, try bool) string {
	how := "CAST"
	if try {
		how = "TRY_CAST"
	}
	text := fmt.Sprintf("%s(%s AS %s)", how, textOf(x.text), typ)
	plain := fmt.Sprintf("%s(%s AS %s)", how, x.text, typ)
	switch {
	case typ == "JSON" && x.path:
		return x.text
	case typ == "JSON":
		return fmt.Sprintf("CASE WHEN typeof(%s) = 'JSON' THEN %s ELSE to_json(%s) END", x.text, plain, x.text)
	case x.path:
		return text
	case x.token.kind == tokenString || x.token.kind == tokenNumber && x.token.text != "":
		return plain
	default:
		return fmt.Sprintf("CASE WHEN typeof(%s) = 'JSON' THEN %s ELSE %s END", x.text, text, plain)
	}
}

func operandOf(pieces []piece) piece {
	if len(pieces) == 1 {
		return pieces[0]
	}
	return piece{text: "(" + join(pieces) + ")"}
}

// split cuts arguments at their commas.
func split(pieces []piece) [][]piece {
	if len(pieces) == 0 {
		return nil
	}
	args := [][]piece{nil}
	for _, p := range pieces {
		if p.token.kind == tokenOp && p.token.text == "," {
			args = append(args, nil)
			continue
		}
		args[len(args)-1] = append(args[len(args)-1], p)
	}
	return args
}

// countDistinct counts tuples; those with a NULL do not count.
func countDistinct(args [][]piece) piece {
	args[0] = args[0][1:]
	var tuple, notNull []string
	for _, a := range args {
		tuple = append(tuple, join(a))
		notNull = append(notNull, "("+join(a)+") IS NOT NULL")
	}
	return piece{text: fmt.Sprintf("COUNT(DISTINCT CASE WHEN %s THEN row(%s) END)", strings.Join(notNull, " AND "), strings.Join(tuple, ", "))}
}

// step writes GET's second argument.
func step(arg []piece) string {
	if len(arg) == 1 {
		switch k := arg[0].token; {
		case k.kind == tokenNumber && k.text != "":
			return literal("[" + k.text + "]")
		case k.kind == tokenString:
			return literal("." + k.text)
		}
	}
	return "('.' || " + join(arg) + ")"
}

// path cuts a.b[0] into steps.
func path(text string) ([]string, error) {
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	var steps []string
	for i := 0; i < len(tokens); i++ {
		switch k := tokens[i]; {
		case k.kind == tokenWord:
			steps = append(steps, literal("."+text[k.from:k.to]))
		case k.kind == tokenQuoted:
			steps = append(steps, literal("."+k.text))
		case k.text == "[" && i+2 < len(tokens) && tokens[i+1].kind == tokenNumber:
			steps = append(steps, literal("["+tokens[i+1].text+"]"))
			i += 2
		case k.text != ".":
			return nil, fmt.Errorf("unexpected %q in the path %q", k.text, text)
		}
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("the path %q has no keys", text)
	}
	return steps, nil
}

// bound writes a bind variable's value.
func bound(v snowflake.Value) (piece, error) {
	switch v.Kind {
	case snowflake.KindNull:
		return piece{text: "NULL"}, nil
	case snowflake.KindNumber:
		return piece{text: v.Text, token: token{kind: tokenNumber, text: v.Text}}, nil
	case snowflake.KindVarchar:
		return piece{text: literal(v.Text), token: token{kind: tokenString, text: v.Text}}, nil
	case snowflake.KindFloat:
		return piece{text: fmt.Sprintf("CAST('%v' AS DOUBLE)", v.Float())}, nil
	case snowflake.KindBoolean:
		return piece{text: strings.ToUpper(fmt.Sprint(v.Bool()))}, nil
	case snowflake.KindDate:
		return piece{text: v.Time().Format("DATE '2006-01-02'")}, nil
	case snowflake.KindTimestampNTZ:
		return piece{text: v.Time().Format("TIMESTAMP '2006-01-02 15:04:05.000000'")}, nil
	case snowflake.KindTimestampLTZ, snowflake.KindTimestampTZ:
		return piece{text: v.Time().UTC().Format("TIMESTAMPTZ '2006-01-02 15:04:05.000000+00'")}, nil
	default:
		return piece{}, fmt.Errorf("a bind variable of type %s", v.Kind)
	}
}
