package table

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kinesis-snowflake/internal/row"
)

// field makes a field of JSON text, with the flags that a scanner sets.
func field(keys *row.Keys, name, text string) row.Field {
	f := row.Field{Key: keys.Intern([]byte(name)), Name: []byte(name), Value: []byte(text)}
	switch c := text[0]; {
	case c == 'n':
		f.Kind = row.Null
	case c == 't':
		f.Kind = row.True
	case c == 'f':
		f.Kind = row.False
	case c == '"':
		f.Kind = row.String
	case c == '{':
		f.Kind, f.Flags = row.Object, row.WideNumber
	case c == '[':
		f.Kind, f.Flags = row.Array, row.WideNumber
	case strings.ContainsAny(text, ".eE"):
		f.Kind = row.Float
	default:
		f.Kind = row.Int
	}
	if f.Kind >= row.String && hostileEscape([]byte(text)) {
		f.Flags |= row.Hostile
	}
	return f
}

// TestValueInColumn says for each type what a value becomes in the load line; "" means that it is rescued.
func TestValueInColumn(t *testing.T) {
	digits38 := strings.Repeat("9", 38)
	for typ, cases := range map[string][][2]string{
		"NUMBER(38,0)": {{"1", "1"}, {"-5", "-5"}, {"0", "0"}, {"-0", "0"}, {"999999999999999", "999999999999999"}, {"1234567890123456", `"1234567890123456"`}, {digits38, `"` + digits38 + `"`},
			{"-" + digits38, `"-` + digits38 + `"`}, {"1" + digits38, ""}, {"1.0", "1"}, {"1e3", "1000"}, {"1.5e1", "15"}, {"-0.0", "0"}, {"0e999999999999", "0"}, {"1e20", `"100000000000000000000"`}, {"1e38", ""},
			{"1.5", ""}, {"1e-1", ""}, {"1e400000000000000000000", ""}, {`"0"`, "0"}, {`"007"`, ""}, {`"-7"`, "-7"}, {`"-0"`, ""}, {`"+1"`, ""}, {`"1.0"`, ""}, {`"1e3"`, ""}, {`" 1"`, ""}, {`""`, ""},
			{`"\u0031"`, "1"}, {`"\u0131"`, ""}, {"1e18446744073709551616", ""}, {`"` + digits38 + `"`, `"` + digits38 + `"`}, {`"1` + digits38 + `"`, ""}, {"true", ""}, {"[1]", ""}, {`{"a":1}`, ""}, {`"\u0000"`, ""}},
		"NUMBER(10,2)": {{"1", "1"}, {"12345678", "12345678"}, {"123456789", ""}, {"1.25", `"1.25"`}, {"-0.10", `"-0.1"`}, {"1.255", ""}, {"99999999.99", `"99999999.99"`}, {"100000000.0", ""},
			{`"1.50"`, `"1.5"`}, {`"1.5"`, `"1.5"`}, {`"1.500"`, ""}, {`"01.5"`, ""}, {`"."`, ""}, {`"1."`, ""}, {"1e-2", `"0.01"`}},
		"FLOAT": {{"1", "1"}, {"1.5", "1.5"}, {"-1.5", "-1.5"}, {"0.30", "0.30"}, {"-0", "0"}, {"-0.0", "0"}, {"1e5", "100000"}, {"1E-2", "0.01"}, {"0.1234567890123456", `"0.1234567890123456"`},
			{"9007199254740993", ""}, {"9007199254740992", `"9007199254740992"`}, {"12345678901234567890", ""}, {"0.12345678901234567890", ""}, {"1e400", ""}, {"1e-400", ""}, {"1e-18446744073709551616", ""}, {"5e-324", `"5e-324"`},
			{"4.94e-324", ""}, {"1.7976931348623157e308", `"17976931348623157e292"`}, {"1e22", `"10000000000000000000000"`}, {"1e23", `"100000000000000000000000"`}, {"2e-30", `"0.000000000000000000000000000002"`},
			{`"1.5"`, "1.5"}, {`"1.50"`, ""}, {`"1"`, "1"}, {`"007"`, ""}, {`"NaN"`, ""}, {`"inf"`, ""}, {`"1e5"`, ""}, {`"9007199254740993"`, ""}, {"false", ""}, {"[]", ""}},
		"BOOLEAN": {{"true", "true"}, {"false", "false"}, {`"true"`, "true"}, {`"false"`, "false"}, {`"fals\u0065"`, "false"}, {`"TRUE"`, ""}, {"1", ""}, {"0", ""}, {`"yes"`, ""}, {`""`, ""}},
		"VARCHAR": {{`"a"`, `"a"`}, {`""`, `""`}, {`"\n\u00e9"`, `"\n\u00e9"`}, {"1.50", `"1.50"`}, {"1E400", `"1E400"`}, {"true", `"true"`}, {digits38 + "1", `"` + digits38 + `1"`}, {"[1]", ""}, {`{"a":1}`, ""},
			{`"a\u0000"`, ""}, {`"\ud800"`, ""}, {`"\ud83d\ude00"`, `"\ud83d\ude00"`}},
		"VARCHAR(3)": {{`"abc"`, `"abc"`}, {`"abcd"`, ""}, {`"äöü"`, `"äöü"`}, {`"\u00e4\n\ud83d\ude00"`, `"\u00e4\n\ud83d\ude00"`}, {`"\u00e4\n\ud83d\ude00x"`, ""}, {"123", `"123"`}, {"1234", ""}, {"true", ""}},
		"VARIANT": {{"1", "1"}, {`"a"`, `"a"`}, {"true", "true"}, {digits38, digits38}, {"1" + digits38, `"1` + digits38 + `"`}, {"1.50", "1.50"}, {"1e400", `"1e400"`}, {"0.12345678901234567890", `"0.12345678901234567890"`},
			{`[1e400, "1e400\"1e400", {"1e400":` + digits38 + `9}]`, `["1e400", "1e400\"1e400", {"1e400":"` + digits38 + `9"}]`}, {"{\n\"a\" :\r\n1.5e3}", "{ \"a\" :  1.5e3}"}, {`{"a":"\u0000"}`, ""}, {"0e9999", `"0e9999"`}},
		"OBJECT":           {{`{"a":1}`, `{"a":1}`}, {"[1]", ""}, {"1", ""}, {`"{}"`, ""}},
		"ARRAY":            {{`[1e400]`, `["1e400"]`}, {"{}", ""}, {"1", ""}},
		"DATE":             {{`"2024-02-29"`, `"2024-02-29"`}, {`"2023-02-29"`, ""}, {`"2024-2-9"`, ""}, {`"0000-01-01"`, ""}, {`"2024-13-01"`, ""}, {`"2024-02-29T00:00:00"`, ""}, {"20240229", ""}, {`"2024-00-10"`, ""}, {`"2024-01-00"`, ""}},
		"TIME(3)":          {{`"12:34:56"`, `"12:34:56.000000000"`}, {`"12:34:56.1230"`, `"12:34:56.123000000"`}, {`"12:34:56.1234"`, ""}, {`"12:34:56.1230000000"`, ""}, {`"12:34:56."`, ""}, {`"24:00:00"`, ""}, {`"12:34"`, ""}, {`"12:34:60"`, ""}, {`"12:34:56Z"`, `"12:34:56.000000000"`}, {`"12:34:56+01:00"`, ""}},
		"TIMESTAMP_NTZ(9)": {{`"2025-11-05T09:12:15"`, `"2025-11-05T09:12:15.000000000+00:00"`}, {`"2025-11-05 09:12:15.3Z"`, `"2025-11-05T09:12:15.300000000+00:00"`}, {`"2025-11-05T09:12:15+02:00"`, ""}, {"1762333935", ""}, {`"2025-11-05"`, ""}, {`"2025-11-05T09:12:15."`, ""}},
		"TIMESTAMP_TZ(3)":  {{`"2025-11-05T09:12:15.300+05:30"`, `"2025-11-05T09:12:15.300000000+05:30"`}, {`"2025-11-05T09:12:15Z"`, `"2025-11-05T09:12:15.000000000+00:00"`}, {`"2025-11-05T09:12:15"`, ""}, {`"2025-11-05T09:12:15.3001Z"`, ""}, {`"2025-11-05T09:12:15+99:00"`, ""}},
		"TIMESTAMP_LTZ(9)": {{`"2025-11-05T09:12:15-08:00"`, `"2025-11-05T09:12:15.000000000-08:00"`}, {`"2025-11-05T09:12:15"`, ""}},
		"BINARY(2)":        {{`"CAFE"`, `"CAFE"`}, {`""`, `""`}, {`"cafe"`, ""}, {`"CAF"`, ""}, {`"CAFE00"`, ""}, {"12", ""}},
	} {
		keys := row.NewKeys()
		for _, c := range cases {
			r := &row.Row{Sequence: []byte("1"), Fields: []row.Field{field(keys, "c", c[0])}}
			var seen Observation
			seen.Add(r)
			p, err := NewPlan(Config{Keys: keys}, []Column{{Name: "C", Type: ParseType(typ)}}, &seen, nil)
			if err != nil {
				t.Fatal(err)
			}
			var st Stats
			line := string(AppendRow(nil, p, "s", r, &st))
			const head = `["s","1970-01-01T00:00:00.000","","1",0,"100000000000000000000",null,`
			want := head + "null," + c[1] + "]\n"
			if c[1] == "" {
				want = head + `{"C":`
			}
			if !strings.HasPrefix(line, want) {
				t.Errorf("%s: %s: %s", typ, c[0], strings.TrimPrefix(line, head))
			}
			if rescued := st.RescuedTotal() == 1; rescued != (c[1] == "") {
				t.Errorf("%s: %s: counted %v", typ, c[0], st.Rescued)
			}
		}
	}
}

// TestRescue says where values go that have no place in a column.
func TestRescue(t *testing.T) {
	columns := []Column{{Name: "A", Type: numberType}, {Name: "G", Type: ParseType("GEOGRAPHY")}}
	for _, c := range []struct {
		fields  [][2]string
		want    string // the line from _RESCUED on
		reasons string
	}{
		{[][2]string{{"a", "1"}, {"A", "2"}}, `{"a":1},2`, "duplicate"},
		{[][2]string{{"a", "1"}, {"a", "null"}}, `null,1`, ""},
		{[][2]string{{"a", "null"}}, `null`, ""},
		{[][2]string{{"a", "1"}, {"a", "2"}, {"a", "x3"}}, `{"a":1,"a#2":2,"A":"x3"}`, "duplicate duplicate kind"},
		{[][2]string{{"a#2", "true"}, {"", "1"}, {"", "2"}, {"", "3"}}, `{"a#2":true,"":1,"#2":2,"#3":3}`, "no_column no_column no_column no_column"},
		{[][2]string{{"a", `"\u0000\""`}}, `{"A":"\"\\u0000\\\"\""}`, "hostile_text"},
		{[][2]string{{"a", "1234567890123456.5"}}, `{"A":"1234567890123456.5"}`, "number"},
		{[][2]string{{"a", "1.5"}}, `{"A":1.5}`, "number"},
		{[][2]string{{"a", "1e-1"}}, `{"A":"1e-1"}`, "number"},
		{[][2]string{{"g", `{"x":1e400}`}}, `{"g":{"x":"1e400"}}`, "no_column"},
		{[][2]string{{"_rescued", "[1,\n2]"}, {"kinesisMetadata", "true"}}, `{"_rescued":[1, 2],"kinesisMetadata":true}`, "no_column no_column"},
		{[][2]string{{"b\x00\xed\xa0\x80\xff\"\\\n", "1"}}, `{"b\\u0000\\ud800` + "\ufffd" + `\"\\\u000a":1}`, "no_column"},
	} {
		keys := row.NewKeys()
		r := &row.Row{Sequence: []byte("1")}
		for _, f := range c.fields {
			if f[1] == "x3" {
				f[1] = `"x3"`
			}
			r.Fields = append(r.Fields, field(keys, f[0], f[1]))
		}
		var seen Observation
		seen.Add(r)
		p, err := NewPlan(Config{Keys: keys, Limit: -1}, columns, &seen, nil)
		if err != nil {
			t.Fatal(err)
		}
		var st Stats
		line := string(AppendRow(nil, p, "s", r, &st))
		if got := strings.TrimSuffix(line[strings.Index(line, `",null,`)+7:], "]\n"); got != c.want {
			t.Errorf("%q: %s, want %s", c.fields, got, c.want)
		}
		counts := map[Reason]int64{}
		for label := range strings.FieldsSeq(c.reasons) {
			for _, reason := range Reasons() {
				if reason.String() == label {
					counts[reason]++
				}
			}
		}
		for _, reason := range Reasons() {
			if st.Rescued[reason] != counts[reason] {
				t.Errorf("%q: %d rescued for %v, want %d", c.fields, st.Rescued[reason], reason, counts[reason])
			}
			if (st.First[reason] != "" || c.fields[0][0] == "a#2") != (counts[reason] > 0) && c.fields[0][0] != "a#2" {
				t.Errorf("%q: first for %v is %q", c.fields, reason, st.First[reason])
			}
		}
	}
}

// TestManyRescuedNames: names stay unique, in time that does not grow with their square.
func TestManyRescuedNames(t *testing.T) {
	keys := row.NewKeys()
	p, err := NewPlan(Config{Keys: keys, Limit: -1}, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var st Stats
	for _, n := range []int{linearNames, 3 * linearNames, 100_000} {
		r := &row.Row{Sequence: []byte("1")}
		for i := range n {
			name := "same"
			if i%2 == 1 {
				name = fmt.Sprintf("same#%d", i)
			}
			r.Fields = append(r.Fields, row.Field{Key: row.NoKey, Kind: row.Int, Name: []byte(name), Value: []byte("1")})
		}
		first := AppendRow(nil, p, "shardId-0", r, &st)
		loaded, err := readLine(first, p)
		if err != nil {
			t.Fatal(err)
		}
		if len(loaded.rescued) != n {
			t.Errorf("%d names for %d values", len(loaded.rescued), n)
		}
		if again := AppendRow(nil, p, "shardId-0", r, &st); !bytes.Equal(first, again) {
			t.Errorf("the names of %d values are other ones the second time", n)
		}
	}
}

func TestMetadata(t *testing.T) {
	p, err := NewPlan(Config{Keys: row.NewKeys()}, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var st Stats
	r := &row.Row{Sequence: []byte("49590338271490256608559692538361571095921575989136588898"), Subsequence: 12, PartitionKey: []byte("k\"\x00\\\té"),
		Arrival: 1762333935300, Index: 7, Multi: true}
	got := string(AppendRow(nil, p, "shardId-000000000001", r, &st))
	want := `["shardId-000000000001","2025-11-05T09:12:15.300","k\"\\u0000\\\u0009é","49590338271490256608559692538361571095921575989136588898",12,` +
		`"4959033827149025660855969253836157109592157598913658889800000000000000000012",7,null]` + "\n"
	if got != want {
		t.Errorf("line\n%s, want\n%s", got, want)
	}
	for _, ms := range []int64{0, -1, 253402300799999, 253402300800000, -62198755200000} {
		if _, err := decodeLine(append(appendArrival([]byte{'"'}, ms), "\"\n"...)); err != nil {
			t.Error(err)
		}
	}
}

func TestLongRowsAreCounted(t *testing.T) {
	keys := row.NewKeys()
	text := append(append([]byte{'"'}, bytes.Repeat([]byte("a"), MaxText+1)...), '"')
	r := &row.Row{Sequence: []byte("1"), Fields: []row.Field{{Key: keys.Intern([]byte("c")), Kind: row.String, Name: []byte("c"), Value: text}}}
	var seen Observation
	seen.Add(r)
	p, err := NewPlan(Config{Keys: keys}, []Column{{Name: "C", Type: ParseType("VARCHAR(134217728)")}}, &seen, nil)
	if err != nil {
		t.Fatal(err)
	}
	var st Stats
	AppendRow(nil, p, "s", r, &st)
	if st.LongRows != 1 || st.Rescued[ReasonLength] != 1 {
		t.Errorf("%d long rows, %d rescued", st.LongRows, st.Rescued[ReasonLength])
	}
	r.Fields[0].Value = slices.Concat(text[:MaxText+1], []byte{'"'})
	st.Reset()
	if AppendRow(nil, p, "s", r, &st); st.RescuedTotal() != 0 {
		t.Errorf("a text of 16 MiB is rescued")
	}
}

func TestNotNullColumns(t *testing.T) {
	keys := row.NewKeys()
	columns := []Column{{Name: "A", Type: numberType, NotNull: true}, {Name: "B", Type: numberType, NotNull: true}, {Name: "C", Type: numberType},
		{Name: "LOADED", Type: ParseType("DATE"), NotNull: true, HasDefault: true}, {Name: "D", Type: numberType, NotNull: true}}
	full := &row.Row{Fields: []row.Field{field(keys, "a", "1"), field(keys, "b", "2"), field(keys, "c", "3")}}
	misfit := &row.Row{Fields: []row.Field{field(keys, "a", "1.5"), field(keys, "b", "2")}}
	short := &row.Row{Fields: []row.Field{field(keys, "a", "1")}}
	var seen Observation
	seen.Add(full)
	p, err := NewPlan(Config{Keys: keys}, columns, &seen, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(p.Unfilled()); got != "[D]" {
		t.Errorf("unfilled: %s", got)
	}
	for _, c := range []struct {
		r    *row.Row
		want string
	}{{full, "[]"}, {misfit, "[A]"}, {short, "[B]"}} {
		var st, sum Stats
		AppendRow(nil, p, "s", c.r, &st)
		sum.Add(&st)
		if got := fmt.Sprint(sum.MissingNotNull(p)); got != c.want {
			t.Errorf("missing: %s, want %s", got, c.want)
		}
		st.Reset()
		if got := st.MissingNotNull(p); len(got) > 0 {
			t.Errorf("missing after reset: %s", got)
		}
	}
}

// An instant is stored in UTC, where its year may be another.
func TestInstantsBeyondTheYearsOfUTC(t *testing.T) {
	for text, want := range map[string]Reason{
		"0001-01-01T00:00:00+00:01": ReasonNumber,
		"0001-01-01T05:30:00+05:30": ReasonNone,
		"0001-01-01T00:00:00-13:59": ReasonNone,
		"9999-12-31T23:59:59-00:01": ReasonNumber,
		"9999-12-31T23:59:59Z":      ReasonNone,
		"9999-12-31T00:00:00-05:00": ReasonNone,
		"9999-12-31T19:00:00-05:00": ReasonNumber,
		"9999-12-31T23:59:59+05:00": ReasonNone,
	} {
		for _, base := range []Base{TimestampLTZ, TimestampTZ} {
			_, got := appendTime(nil, &Type{Base: base, Scale: 9}, &row.Field{Kind: row.String, Value: []byte(`"` + text + `"`)})
			if got != want {
				t.Errorf("%s: %v, want %v", text, got, want)
			}
		}
	}
}
