package pipeline_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"kinesis-snowflake/internal/row"
	service "kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/sink/table"
)

// typesRows is a table as it was read back.
type typesRows struct {
	columns []service.Column // without the connector's own
	rows    map[string]typesRow
	order   []string
}

// typesRow is a row: its values by column, and _RESCUED; what is NULL is left out.
type typesRow struct {
	meta    map[string]any
	values  map[string]service.Value
	rescued service.Value
}

// read reads the table through the stand-in's own interface; every record must be there once.
func (tb *typesTable) read(t typesT) *typesRows {
	t.Helper()
	out := readTypesTable(t, tb.account.Server, tb.name)
	if len(out.rows) != len(tb.records) {
		t.Fatalf("%d rows for %d records", len(out.rows), len(tb.records))
	}
	for seq := range tb.records {
		if _, ok := out.rows[seq]; !ok {
			t.Fatalf("record %s is not in the table", seq)
		}
	}
	return out
}

func readTypesTable(t typesT, server *service.Server, name string) *typesRows {
	t.Helper()
	d, ok, err := server.Table(service.TableName{Database: "RAW", Schema: "KINESIS", Table: name})
	if err != nil || !ok {
		t.Fatalf("read table %s: there %v, %v", name, ok, err)
	}
	out := &typesRows{rows: map[string]typesRow{}}
	for _, c := range d.Columns {
		if c.Name != table.MetadataColumn && c.Name != table.RescuedColumn {
			out.columns = append(out.columns, c)
		}
	}
	for _, values := range d.Rows {
		r := typesRow{values: map[string]service.Value{}}
		for i, v := range values {
			switch c := d.Columns[i].Name; {
			case c == table.MetadataColumn:
				r.meta = typesDecode(t, v.Text).(map[string]any)
			case v.IsNull():
			case c == table.RescuedColumn:
				r.rescued = v
			default:
				r.values[c] = v
			}
		}
		seq := r.meta["sequenceNumber"].(string)
		if _, twice := out.rows[seq]; twice {
			t.Fatalf("record %s is in the table twice", seq)
		}
		out.rows[seq] = r
		out.order = append(out.order, seq)
	}
	slices.SortFunc(out.order, row.CompareSequence[string, string])
	return out
}

func typesDecode(t typesT, text string) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("decode %.200q: %v", text, err)
	}
	return v
}

func typesEncode(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return string(bytes.TrimSpace(b.Bytes()))
}

// show writes a value as docs/types.md does: as JSON, a text in quotes; keys of objects sorted, no white space.
func (r typesRow) show(t typesT, column string) string { return showTypesValue(t, r.values[column]) }

func showTypesValue(t typesT, v service.Value) string {
	t.Helper()
	switch v.Kind {
	case service.KindNull:
		return "NULL"
	case service.KindNumber:
		return v.Text
	case service.KindFloat:
		return typesEncode(v.Float())
	case service.KindBoolean:
		return strconv.FormatBool(v.Bool())
	case service.KindVarchar:
		return typesEncode(v.Text)
	case service.KindVariant, service.KindObject, service.KindArray:
		return typesEncode(typesDecode(t, v.Text))
	case service.KindBinary:
		return typesEncode(fmt.Sprintf("%X", v.Text))
	case service.KindDate:
		return typesEncode(v.Time().Format(time.DateOnly))
	case service.KindTime:
		return typesEncode(time.Unix(0, v.Int).UTC().Format("15:04:05.999999999"))
	case service.KindTimestampNTZ:
		return typesEncode(v.Time().Format("2006-01-02T15:04:05.999999999"))
	case service.KindTimestampLTZ, service.KindTimestampTZ:
		return typesEncode(v.Time().Format(time.RFC3339Nano))
	default:
		t.Fatalf("no test shows a %s", v.Kind)
		return ""
	}
}
