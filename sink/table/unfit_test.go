package table

import (
	"testing"

	"kinesis-snowflake/internal/row"
)

// A NOT NULL column that rows leave without a value tells those that come without one from those whose value does not fit it.
func TestMissingAndUnfit(t *testing.T) {
	keys := row.NewKeys()
	field := func(name, value string, kind row.Kind) row.Field {
		return row.Field{Key: keys.Intern([]byte(name)), Name: []byte(name), Value: []byte(value), Kind: kind}
	}
	columns := []Column{{Name: MetadataColumn, Type: ParseType("OBJECT")}, {Name: RescuedColumn, Type: ParseType("VARIANT")},
		{Name: "A", Type: ParseType("NUMBER(38,0)"), NotNull: true}, {Name: "B", Type: ParseType("NUMBER(38,0)"), NotNull: true}, {Name: "C", Type: ParseType("NUMBER(38,0)"), NotNull: true}}
	rows := []row.Row{
		{Fields: []row.Field{field("a", "1", row.Int), field("b", `"x"`, row.String), field("c", "3", row.Int)}},
		{Fields: []row.Field{field("b", "2", row.Int), field("c", "3", row.Int)}},
	}
	var seen Observation
	for i := range rows {
		seen.Add(&rows[i])
	}
	p, err := NewPlan(Config{Keys: keys}, columns, &seen, nil)
	if err != nil {
		t.Fatal(err)
	}
	var one, st Stats
	for i := range rows {
		AppendRow(nil, p, "s", &rows[i], &one)
	}
	st.Add(&one)
	for name, want := range map[string]struct{ missing, unfit bool }{"A": {true, false}, "B": {true, true}, "C": {}} {
		missing := false
		for _, m := range st.MissingNotNull(p) {
			missing = missing || m == name
		}
		if missing != want.missing || st.Unfit(p, name) != want.unfit {
			t.Errorf("%s: missing %v, unfit %v", name, missing, st.Unfit(p, name))
		}
	}
}
