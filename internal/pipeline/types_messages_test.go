package pipeline_test

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	sf "github.com/snowflakedb/gosnowflake/v2"

	"kinesis-snowflake/sink/table"
)

// typesPayloads are the rows of the page's table of messages whose payload cannot be printed. given is what of it can.
var typesPayloads = map[string]func(given []byte) []byte{
	"empty record":    func([]byte) []byte { return nil },
	"white space":     func([]byte) []byte { return []byte("  \n") },
	"bad UTF-8":       func([]byte) []byte { return []byte("{\"v\": \"\xff\"}") },
	"byte order mark": func(given []byte) []byte { return slices.Concat([]byte("\xef\xbb\xbf"), given) },
	"UTF-16": func(given []byte) (out []byte) {
		for _, u := range utf16.Encode([]rune(string(given))) {
			out = binary.LittleEndian.AppendUint16(out, u)
		}
		return out
	},
	"gzip": func(given []byte) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(given)
		_ = w.Close()
		return b.Bytes()
	},
}

// TestTypesMessages sends the page's messages that become no row through a whole pipeline, and then two records that
// do, one of them of 10 MiB.
func TestTypesMessages(t *testing.T) {
	rows := pageTables(t, "what", "payload", "stage", "reason")
	var records [][]byte
	for _, cells := range rows {
		var data []byte
		if spans := pageSpans(t, cells[1]); len(spans) > 0 {
			data = []byte(spans[0].code)
		}
		f := typesPayloads[cells[0]]
		if words := strings.Contains(cells[1], "*"); words != (f != nil) {
			t.Fatalf("%s: a payload in words needs a function, and one in code none", cells[0])
		}
		if f != nil {
			data = f(data)
		}
		records = append(records, data)
	}
	const key = "p" // counts for the record's size
	large := []byte(`{"v":"` + strings.Repeat("x", 10<<20-len(`{"v":""}`)-len(key)) + `"}`)
	records = append(records, []byte(`{"v": "small"}`), large)
	run := runTypes(t, records)

	for i, cells := range rows {
		line := run.failures[run.sequences[i]]
		stage, reason := pageSpans(t, cells[2])[0].code, pageSpans(t, cells[3])[0].code
		if line["stage"] != stage || line["reason"] != reason {
			t.Errorf("%s: %s: %s, want %s: %s", cells[0], line["stage"], line["reason"], stage, reason)
		}
		want := map[string]string{"level": "WARN", "stream": typesStream, "shard": typesShard, "subsequence": "0", "row": "0", "partition_key": key,
			"payload": base64.StdEncoding.EncodeToString(records[i]), "payload_bytes": strconv.Itoa(len(records[i]))}
		for name, value := range want {
			if line[name] != value {
				t.Errorf("%s: %s is %s, want %s", cells[0], name, pageShort(line[name]), pageShort(value))
			}
		}
	}
	for i := len(rows); i < len(records); i++ {
		r, ok := run.rows[run.sequences[i]]
		if !ok {
			t.Fatalf("record %d is not in the table", i)
		}
		if err := givesBack(t, &typesTable{}, run.typesRows, r, typesMembers(t, records[i])); err != nil {
			t.Errorf("record %d: %s", i, pageShort(err.Error()))
		}
		checkPageMetadata(t, r.meta, run.sequences[i])
	}
}

// checkPageMetadata checks that KINESISMETADATA has the fields that the page lists, and that they name the record.
func checkPageMetadata(t *testing.T, meta map[string]any, sequence string) {
	t.Helper()
	var listed []string
	for _, cells := range pageTables(t, "field", "value") {
		listed = append(listed, pageSpans(t, cells[0])[0].code)
	}
	slices.Sort(listed)
	if have := slices.Sorted(maps.Keys(meta)); !slices.Equal(have, listed) {
		t.Errorf("KINESISMETADATA has %v, the page %v", have, listed)
	}
	for name, want := range map[string]string{"stream": typesStream, "shardId": typesShard, "partitionKey": "p", "sequenceNumber": sequence,
		"subSequenceNumber": "0", "shardedSequenceNumber": sequence + strings.Repeat("0", 20)} {
		if have := fmt.Sprint(meta[name]); have != want {
			t.Errorf("KINESISMETADATA: %s is %s, want %s", name, have, want)
		}
	}
}

// TestTypesByDriver reads values as a client of Snowflake does, as text, and types by DESC TABLE.
func TestTypesByDriver(t *testing.T) {
	account := newTypesAccount(t)
	tb := account.table()
	w := tb.worker(t, "0")
	defer w.close(t)
	w.load(t, []byte(`{"n": 18446744073709551615, "f": 0.1, "b": true, "s": "a\"ü🙂\n", "o": {"k": [1, null, 12345678901234567890123456789012345678]}, "Ü.x": 1}`))
	w.load(t, []byte(`{"n": 1.5, "f": 1e400, "b": 0, "s": 1.50, "o": "x", "ü": "\u0000"}`))

	login := account.login()
	db := sql.OpenDB(sf.NewConnector(sf.SnowflakeDriver{}, sf.Config{Account: login.Account, User: login.User, Password: login.Password, Protocol: "http",
		Host: "snowflake.test", Port: 80, Database: login.Database, Schema: login.Schema, Warehouse: login.Warehouse,
		DisableOCSPChecks: true, Transporter: login.Transport}))
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	name := table.Qualified(login.Database, login.Schema, tb.name)
	want := [][]string{
		{"18446744073709551615", "0.1", "true", "a\"ü🙂\n", `{"k":[1,null,12345678901234567890123456789012345678]}`, "1", "NULL", "NULL"},
		{"NULL", "NULL", "NULL", "1.50", "x", "NULL", "NULL", `{"B":0,"F":"1e400","N":1.5,"ü":"\"\\u0000\""}`},
	}
	got := typesQuery(t, db, `SELECT TO_VARCHAR("N"), TO_VARCHAR("F"), TO_VARCHAR("B"), "S", TO_VARCHAR("O"), TO_VARCHAR("Ü.X"), TO_VARCHAR("ü"), TO_VARCHAR("_RESCUED") FROM `+
		name+` ORDER BY GET("KINESISMETADATA", 'sequenceNumber')::NUMBER`)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("rows\n%q\nwant\n%q", got, want)
	}
	var types []string
	for _, r := range typesQuery(t, db, "DESC TABLE "+name) {
		types = append(types, r[0]+" "+r[1])
	}
	if got, want := strings.Join(types, ", "), "KINESISMETADATA OBJECT, _RESCUED VARIANT, N NUMBER(38,0), F FLOAT, B BOOLEAN, S VARCHAR(16777216), O VARIANT, Ü.X NUMBER(38,0), ü VARCHAR(16777216)"; got != want {
		t.Errorf("columns %s\nwant %s", got, want)
	}
}

// typesQuery returns the rows of a query as text.
func typesQuery(t *testing.T, db *sql.DB, query string) (out [][]string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var r []string
		for _, v := range values {
			if !v.Valid {
				v.String = "NULL"
			}
			r = append(r, v.String)
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
