package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/sink/table"
)

func TestPinsAreRead(t *testing.T) {
	p := mustParse(t, minimal+`  key: [event_id, "odd key"]
transform:
  evolution: freeze
  max_columns: 40
  detect_timestamps: true
  columns:
    amount: NUMBER(10,2)
    id: {type: varchar( 36 ), name: Id, not_null: true, comment: "${WHAT}", order: 2}
    7: double precision
    "":
      name: EMPTY
    first:
      type: TIMESTAMP_TZ(3)
      order: 1
`, vars("WHAT", "the order's id"))
	typ := table.ParseType
	want := []table.Spec{
		{Key: "first", Type: typ("TIMESTAMP_TZ(3)")},
		{Key: "id", Name: "Id", Type: typ("VARCHAR(36)"), NotNull: true, Comment: "the order's id"},
		{Key: "amount", Type: typ("NUMBER(10,2)")},
		{Key: "7", Type: typ("FLOAT")},
		{Key: "", Name: "EMPTY"},
	}
	if diff := cmp.Diff(want, p.Transform.Columns); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(table.Config{Pins: want, Freeze: true, Limit: 40, Timestamps: true}, p.Transform.Table()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"event_id", "odd key"}, p.Sink.Key); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := mustParse(t, minimal+"transform: {columns: }\n", nil).Transform.Table(); got.Limit != table.DefaultColumnLimit || got.Freeze || got.Variant || got.Pins != nil {
		t.Errorf("defaults %+v", got)
	}
}

func TestFaultsOfColumns(t *testing.T) {
	for name, tt := range map[string]struct{ columns, want string }{
		"no mapping":          {"    - id\n", "14:5: transform.columns: is a list where a mapping belongs"},
		"no type":             {"    id: NUMBR(10)\n", `14:9: transform.columns.id: "NUMBR(10)" is not a type of a column; allowed: NUMBER(p,s), FLOAT`},
		"too many digits":     {"    id: {type: 'NUMBER(39,0)'}\n", `14:16: transform.columns.id.type: "NUMBER(39,0)" has other bounds`},
		"scale":               {"    id: NUMBER(3,4)\n", `14:9: transform.columns.id: "NUMBER(3,4)" has other bounds`},
		"length":              {"    id: VARCHAR(0)\n", `14:9: transform.columns.id: "VARCHAR(0)" has another length`},
		"one number too many": {"    id: VARCHAR(1,2)\n", `14:9: transform.columns.id: "VARCHAR(1,2)" has 2 numbers in brackets, where the type takes 1`},
		"ambiguous":           {"    id: timestamp\n", `14:9: transform.columns.id: "timestamp" is another type in each account: write TIMESTAMP_NTZ`},
		"not loadable":        {"    id: GEOGRAPHY\n", `14:9: transform.columns.id: "GEOGRAPHY" is a type that this program cannot load`},
		"nothing":             {"    id:\n", "14:9: transform.columns.id: is empty"},
		"empty mapping":       {"    id: {}\n", "14:9: transform.columns.id: says nothing"},
		"unknown":             {"    id: {typ: DATE}\n", "14:10: transform.columns.id.typ: is not a key of this file (did you mean transform.columns.id.type?)"},
		"same key":            {"    id: DATE\n    Id: DATE\n", `15:5: transform.columns.Id: is one key with "id"`},
		"key twice":           {"    id: DATE\n    id: TIME\n", `15:5: transform.columns: names "id" twice`},
		"merged":              {"    <<: {id: DATE}\n", "14:5: transform.columns: has a merge key (<<); write the keys out"},
		"type of a variable":  {"    id: ${HIDE}\n", `14:9: transform.columns.id: "${HIDE}" is not a type of a column`},
		"name of a variable":  {"    HUNTER2: DATE\n    a: {name: \"${HIDE}\"}\n", `15:5: transform.columns.a: gets the same column as "HUNTER2"; allowed`},
		"same column":         {"    id: DATE\n    a: {name: ID}\n", `15:5: transform.columns.a: gets the same column as "id": "ID"`},
		"own column":          {"    _rescued: VARIANT\n", "14:5: transform.columns._rescued: is a key that can have no column of its own name"},
		"own name":            {"    a: {name: KINESISMETADATA}\n", `14:15: transform.columns.a.name: "KINESISMETADATA" is a column of the connector's own`},
		"refused name":        {"    a: {name: CURRENT_DATE}\n", `14:15: transform.columns.a.name: "CURRENT_DATE" is a name that Snowflake refuses`},
		"order":               {"    a: {order: 0}\n", `14:16: transform.columns.a.order: "0" is out of range`},
		"with whole records":  {"    a: DATE\n  table_mode: variant\n", "13:3: transform.columns: has no say with table_mode: variant"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("p.yaml", []byte(minimal+"transform:\n  columns:\n"+tt.columns), vars("HIDE", "HUNTER2"))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
			var all Errors
			if errors.As(err, &all) && len(all) > 1 {
				t.Errorf("%d faults told of one", len(all))
			}
		})
	}
}

func TestFaultsOfKey(t *testing.T) {
	for key, want := range map[string]string{
		"key: [a, A]\n":                 `12:3: sink.key: names "A" twice`,
		"key: ['${HIDE}', '${HIDE}']\n": `12:3: sink.key: names a key twice`,
		"key: {a: b}\n":                 "sink.key: is a mapping where a list belongs",
		"key: [a, A, a]\ntransform: {table_mode: variant}\n": `12:3: sink.key: names "a" twice`,
	} {
		_, err := Parse("p.yaml", []byte(minimal+"  "+key), vars("HIDE", "hunter2"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", key, err, want)
		}
	}
}
