package table

import "testing"

func TestParseType(t *testing.T) {
	for text, want := range map[string]Type{
		"NUMBER(38,0)": {Base: Number, Precision: 38}, "NUMBER(10,2)": {Base: Number, Precision: 10, Scale: 2}, "decimal( 5 , 1 )": {Base: Number, Precision: 5, Scale: 1},
		"NUMBER": {Base: Number, Precision: 38}, "NUMBER(5)": {Base: Number, Precision: 5}, "int": {Base: Number, Precision: 38}, "BIGINT": {Base: Number, Precision: 38},
		"FLOAT": {Base: Float}, "double precision": {Base: Float}, "REAL": {Base: Float}, "BOOLEAN": {Base: Boolean},
		"VARCHAR(16777216)": {Base: Varchar, Length: MaxText}, "TEXT": {Base: Varchar, Length: MaxText}, "VARCHAR(10)": {Base: Varchar, Length: 10},
		"VARCHAR(134217728)": {Base: Varchar, Length: 134217728}, "CHAR": {Base: Varchar, Length: 1}, "BINARY(8388608)": {Base: Binary, Length: 8388608},
		"DATE": {Base: Date}, "TIME(9)": {Base: Time, Scale: 9}, "TIMESTAMP_NTZ(9)": {Base: TimestampNTZ, Scale: 9}, "TIMESTAMP_LTZ(3)": {Base: TimestampLTZ, Scale: 3},
		"TIMESTAMP_TZ(0)": {Base: TimestampTZ}, "DATETIME": {Base: TimestampNTZ, Scale: 9}, "VARIANT": {Base: Variant}, "OBJECT": {Base: Object}, "ARRAY": {Base: Array},
		"GEOGRAPHY": {Text: "GEOGRAPHY"}, "VECTOR(FLOAT, 256)": {Text: "VECTOR(FLOAT, 256)"}, "OBJECT(a NUMBER(38,0))": {Text: "OBJECT(a NUMBER(38,0))"},
		"ARRAY(VARCHAR)": {Text: "ARRAY(VARCHAR)"}, "MAP(VARCHAR, NUMBER)": {Text: "MAP(VARCHAR, NUMBER)"}, "": {Text: "UNKNOWN"}, "NUMBER(": {Text: "NUMBER("},
		"NUMBER(1,2,3)": {Text: "NUMBER(1,2,3)"}, "NUMBER(-1,0)": {Text: "NUMBER(-1,0)"},
		"UUID": {Text: "UUID"}, "FILE": {Text: "FILE"}, "DECFLOAT": {Text: "DECFLOAT"},
	} {
		got := ParseType(text)
		if got != want {
			t.Errorf("%q is %+v, want %+v", text, got, want)
		}
		if again := ParseType(got.String()); again != got && got.Length != 134217728 {
			t.Errorf("%q is written %q, which is %+v", text, got, again)
		}
	}
}

// FuzzParseType: DESC TABLE's text may be anything.
func FuzzParseType(f *testing.F) {
	for _, text := range []string{"NUMBER(38,0)", "VECTOR(INT, 3)", "))((", "VARCHAR(99999999999999999999)", "TIME(9)"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got := ParseType(text); got.String() == "" {
			t.Fatalf("%q has no text", text)
		}
	})
}

// DESC TABLE writes a column's collation behind its type.
func TestCollatedColumnsAreTexts(t *testing.T) {
	for text, want := range map[string]Type{
		"VARCHAR(16777216) COLLATE 'en-ci'":      {Base: Varchar, Length: MaxText, Text: "en-ci"},
		"VARCHAR(3) COLLATE 'de-ci-pi'":          {Base: Varchar, Length: 3, Text: "de-ci-pi"},
		"ARRAY(VARCHAR(3) COLLATE 'en')":         {Text: "ARRAY(VARCHAR(3) COLLATE 'en')"},
		"OBJECT(a VARCHAR COLLATE 'en', b DATE)": {Text: "OBJECT(a VARCHAR COLLATE 'en', b DATE)"},
		"MAP(VARCHAR(3) COLLATE 'en', VARCHAR)":  {Text: "MAP(VARCHAR(3) COLLATE 'en', VARCHAR)"},
		// Its capitals have more bytes.
		"OBJECT(ɐɐɐɐɐɐɐɐ VARCHAR COLLATE 'en')": {Text: "OBJECT(ɐɐɐɐɐɐɐɐ VARCHAR COLLATE 'en')"},
		"ɐɐɐɐɐɐɐɐɐɐɐɐɐɐɐɐ collate 'en'":         {Text: "ɐɐɐɐɐɐɐɐɐɐɐɐɐɐɐɐ collate 'en'"},
	} {
		if got := ParseType(text); got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
	if got := ParseType("VARCHAR(3) COLLATE 'en'").String(); got != "VARCHAR(3) COLLATE 'en'" {
		t.Errorf("a wider type would be set as %s", got)
	}
	if _, err := ParseColumnType("VARCHAR COLLATE 'en'"); err == nil {
		t.Error("a pin with a collation is accepted, and forgotten")
	}
}
