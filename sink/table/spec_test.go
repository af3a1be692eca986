package table

import (
	"strings"
	"testing"

	"kinesis-snowflake/internal/row"
)

func TestTypesOfColumnsAreReadStrictly(t *testing.T) {
	for text, want := range map[string]string{
		"NUMBER": "NUMBER(38,0)", " number( 10 , 2 ) ": "NUMBER(10,2)", "NUMBER(38,37)": "NUMBER(38,37)", "NUMBER(3,3)": "NUMBER(3,3)", "int": "NUMBER(38,0)", "Double Precision": "FLOAT",
		"TEXT": "VARCHAR", "VARCHAR(16777216)": "VARCHAR", "CHAR": "VARCHAR(1)", "BINARY": "BINARY(8388608)", "TIME": "TIME(9)", "TIMESTAMP_TZ(0)": "TIMESTAMP_TZ(0)", "DATETIME": "TIMESTAMP_NTZ(9)", "ARRAY": "ARRAY",
		"": "!", "NUMBER(": "!", "NUMBER()": "NUMBER(38,0)", "NUMBER(0,0)": "!", "NUMBER(39)": "!", "NUMBER(38,38)": "!", "NUMBER(3,4)": "!", "NUMBER(1,2,3)": "!", "VARCHAR(16777217)": "!", "VARCHAR(-1)": "!", "DATE(3)": "!",
		"BOOLEAN(1)": "!", "TIME(10)": "!", "TIMESTAMP": "!", "VECTOR(INT, 3)": "!", "OBJECT(a INT)": "!", "VARCHAR NOT NULL": "!", "INT(3)": "!",
	} {
		typ, err := ParseColumnType(text)
		switch {
		case want == "!" && err == nil:
			t.Errorf("%q is read as %s", text, typ)
		case want != "!" && (err != nil || typ.String() != want):
			t.Errorf("%q is read as %s, %v, want %s", text, typ, err, want)
		}
	}
}

func TestOrderOfColumns(t *testing.T) {
	keys := row.NewKeys()
	c := Config{Keys: keys, Limit: 3,
		Pins:  []Spec{{Key: "late", Name: "Late"}, {Key: "pin", Type: floatType, NotNull: true, Comment: "theirs"}},
		Hints: []Spec{{Key: "hint", Type: ParseType("DATE")}, {Key: "PIN", Type: booleanType, Comment: "not this"}, {Key: "late", Type: ParseType("VARCHAR(2)"), NotNull: true}, {Key: "bare", Comment: "described"}, {Key: "_rescued", Type: floatType}}}
	p, err := NewPlan(c, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	add := p.Extend(observe(rowOf(keys, "new", "1", "LATE", `"x"`, "newer", "1", "bare", "1"))).Add
	got := strings.TrimPrefix(CreateTable("T", add, ""), `CREATE TABLE IF NOT EXISTS T ("KINESISMETADATA" OBJECT, "_RESCUED" VARIANT, `)
	if want := `"Late" VARCHAR(2) NOT NULL, "PIN" FLOAT NOT NULL COMMENT 'theirs', "HINT" DATE, "BARE" NUMBER(38,0) COMMENT 'described')`; got != want {
		t.Errorf("%s\nwant %s", got, want) // four columns leave no room for inference, which may make three
	}
	if got, want := AddColumns("T", add[3:5]), `ALTER TABLE T ADD COLUMN IF NOT EXISTS "PIN" FLOAT COMMENT 'theirs', IF NOT EXISTS "HINT" DATE`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	// A table that has reached the limit gets the pinned columns all the same, and inference adds none.
	full := []Column{{Name: MetadataColumn, Type: objectType}, {Name: RescuedColumn, Type: variantType}, {Name: "A", Type: numberType}, {Name: "B", Type: numberType}, {Name: "C", Type: numberType}}
	seen := observe(rowOf(keys, "new", "1", "late", `"x"`))
	if p, err = NewPlan(c, full, seen, nil); err != nil {
		t.Fatal(err)
	}
	if ext := p.Extend(seen); spell(ext.Add) != "Late VARCHAR(2), PIN FLOAT, HINT DATE" {
		t.Errorf("added %s", spell(ext.Add))
	}
	p, _ = evolve(t, c, full, seen, nil)
	if ext := p.Extend(seen); ext.Replan {
		t.Errorf("extended again: %+v", ext)
	}
}

func TestPinsThatATableContradicts(t *testing.T) {
	columns := []Column{{Name: "A", Type: ParseType("VARCHAR(3)")}, {Name: "B", Type: ParseType("VARCHAR(9)")}, {Name: "C", Type: ParseType("DATE")}, {Name: "D", Type: ParseType("DATE")}}
	c := Config{Keys: row.NewKeys(), Pins: []Spec{{Key: "a", Type: ParseType("VARCHAR(5)")}, {Key: "b", Type: ParseType("VARCHAR(5)")}, {Key: "c", Type: ParseType("DATE")}, {Key: "d", Type: variantType}}}
	for frozen, want := range map[bool]string{false: "B D", true: "A B D"} {
		c.Freeze = frozen
		p, err := NewPlan(c, columns, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, d := range p.Disputed() {
			names = append(names, d.Column)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("frozen %t: %s, want %s", frozen, got, want)
		}
		if got := spell(p.Extend(&Observation{}).Widen); got != map[bool]string{false: "A VARCHAR(5)"}[frozen] {
			t.Errorf("frozen %t: widened %s", frozen, got)
		}
	}
}

func TestViewOfTheNewest(t *testing.T) {
	columns := []Column{{Name: MetadataColumn, Type: objectType}, {Name: `I"D`, Type: varcharType}, {Name: "X", Type: floatType}}
	c := &Config{Pins: []Spec{{Key: "x", Name: "X"}}}
	v, ok := Latest(c, "V", "T", columns, []string{`i"d`, "X"})
	const want = `CREATE OR REPLACE VIEW V ("KINESISMETADATA", "I""D", "X") COPY GRANTS COMMENT = 'newest row of each i"d, X; kept by kinesis-snowflake, definition HASH' AS ` +
		`SELECT "KINESISMETADATA", "I""D", "X" FROM T QUALIFY "I""D" IS NULL OR "X" IS NULL OR ROW_NUMBER() OVER (PARTITION BY "I""D", "X" ` +
		`ORDER BY LPAD(GET("KINESISMETADATA", 'sequenceNumber')::VARCHAR, 60, '0') DESC NULLS LAST, ` +
		`GET("KINESISMETADATA", 'subSequenceNumber')::NUMBER(38,0) DESC NULLS LAST, GET("KINESISMETADATA", 'row')::NUMBER(38,0) DESC NULLS LAST) = 1`
	hash := v.Comment[len(v.Comment)-16:]
	if got := strings.Replace(v.Create, hash, "HASH", 1); !ok || got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if !OwnView(v.Comment) || OwnView("newest row") {
		t.Error("a view of this program's is not told from others")
	}
	for name, other := range map[string]func() (View, bool){
		"another column": func() (View, bool) {
			return Latest(c, "V", "T", append(columns[:2:2], Column{Name: "X2", Type: floatType}, columns[2]), []string{`i"d`, "X"})
		},
		"a wider type": func() (View, bool) {
			return Latest(c, "V", "T", append(columns[:2:2], Column{Name: "X", Type: numberType}), []string{`i"d`, "X"})
		},
		"another key": func() (View, bool) { return Latest(c, "V", "T", columns, []string{"X"}) },
	} {
		if w, ok := other(); !ok || w.Comment == v.Comment {
			t.Errorf("%s leaves the definition as it was", name)
		}
	}
	if _, ok := Latest(c, "V", "T", columns, []string{"none"}); ok {
		t.Error("a view of a column that is not there")
	}
}
