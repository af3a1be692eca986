package table

import (
	"strings"
	"testing"

	"kinesis-snowflake/internal/row"
)

func TestDDL(t *testing.T) {
	target := Qualified("RAW", "KINESIS", "ORDERS")
	columns := []Column{{Name: MetadataColumn, Type: objectType}, {Name: RescuedColumn, Type: variantType}, {Name: "ID", Type: numberType}, {Name: "NAME", Type: varcharType},
		{Name: "OK", Type: booleanType}, {Name: "X", Type: floatType}, {Name: `quo"te`, Type: variantType}, {Name: "SHORT", Type: ParseType("VARCHAR(3)")}}
	const create = `CREATE TABLE IF NOT EXISTS "RAW"."KINESIS"."ORDERS" ("KINESISMETADATA" OBJECT, "_RESCUED" VARIANT, "ID" NUMBER(38,0), "NAME" VARCHAR, "OK" BOOLEAN, "X" FLOAT, ` +
		`"quo""te" VARIANT, "SHORT" VARCHAR(3)) COMMENT = 'it''s ours'`
	if got := CreateTable(target, columns, "it's ours"); got != create {
		t.Error(got)
	}
	const add = `ALTER TABLE "RAW"."KINESIS"."ORDERS" ADD COLUMN IF NOT EXISTS "ID" NUMBER(38,0), IF NOT EXISTS "NAME" VARCHAR`
	if got := AddColumns(target, columns[2:4]); got != add {
		t.Error(got)
	}
	if got := DropNotNull(target, "A"); got != `ALTER TABLE "RAW"."KINESIS"."ORDERS" ALTER COLUMN "A" DROP NOT NULL` {
		t.Error(got)
	}
}

func TestCopyStatement(t *testing.T) {
	keys := row.NewKeys()
	seen := observe(rowOf(keys, "id", "1", "name", `"a"`, "o", "{}", "x", "1", "arr", "[]", "ts", "1", "short", "1"))
	columns := []Column{{Name: "ID", Type: numberType}, {Name: "UNUSED", Type: numberType}, {Name: "NAME", Type: varcharType}, {Name: "O", Type: variantType},
		{Name: "X", Type: floatType}, {Name: "ARR", Type: ParseType("ARRAY")}, {Name: "TS", Type: ParseType("TIMESTAMP_NTZ(9)")}, {Name: "SHORT", Type: ParseType("VARCHAR(3)")}}
	p, err := NewPlan(Config{Keys: keys}, columns, seen, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := CopyStatement(`"RAW"."KINESIS"."ORDERS"`, `@"RAW"."KINESIS"."KINESIS_SNOWFLAKE"/ORDERS/w'1/`, []string{"b-1.json.zst", "b-2.json.zst"}, p, "or'ders")
	if err != nil {
		t.Fatal(err)
	}
	const want = `COPY INTO "RAW"."KINESIS"."ORDERS" ("KINESISMETADATA", "_RESCUED", "ID", "NAME", "O", "X", "ARR", "TS", "SHORT") FROM (SELECT ` +
		`OBJECT_CONSTRUCT('stream', 'or''ders', 'shardId', GET($1, 0)::VARCHAR, 'approximateArrival', GET($1, 1)::VARCHAR, 'partitionKey', GET($1, 2)::VARCHAR, ` +
		`'sequenceNumber', GET($1, 3)::VARCHAR, 'subSequenceNumber', GET($1, 4)::NUMBER(38,0), 'shardedSequenceNumber', GET($1, 5)::VARCHAR, 'row', GET($1, 6)::NUMBER(38,0)), ` +
		`NULLIF(GET($1, 7), PARSE_JSON('null')), GET($1, 8)::NUMBER(38,0), GET($1, 9)::VARCHAR, NULLIF(GET($1, 10), PARSE_JSON('null')), GET($1, 11)::FLOAT, ` +
		`NULLIF(GET($1, 12), PARSE_JSON('null'))::ARRAY, GET($1, 13)::TIMESTAMP_NTZ(9), GET($1, 14)::VARCHAR ` +
		`FROM '@"RAW"."KINESIS"."KINESIS_SNOWFLAKE"/ORDERS/w''1/') FILES = ('b-1.json.zst', 'b-2.json.zst') FILE_FORMAT = (TYPE = JSON COMPRESSION = ZSTD MULTI_LINE = FALSE ` +
		`TRIM_SPACE = FALSE NULL_IF = () ENABLE_OCTAL = FALSE ALLOW_DUPLICATE = TRUE STRIP_OUTER_ARRAY = FALSE STRIP_NULL_VALUES = FALSE REPLACE_INVALID_CHARACTERS = FALSE ` +
		`IGNORE_UTF8_ERRORS = FALSE SKIP_BYTE_ORDER_MARK = TRUE BINARY_FORMAT = HEX DATE_FORMAT = 'YYYY-MM-DD' TIME_FORMAT = 'HH24:MI:SS.FF9' ` +
		`TIMESTAMP_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS.FF9TZH:TZM') ON_ERROR = ABORT_STATEMENT FORCE = TRUE`
	if got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}

func TestCopyStatementRefuses(t *testing.T) {
	p, _ := NewPlan(Config{Keys: row.NewKeys()}, nil, nil, nil)
	if _, err := CopyStatement("t", "@s/", nil, p, "s"); err == nil {
		t.Error("no files are taken")
	}
	if _, err := CopyStatement("t", "@s/", make([]string, MaxCopyFiles+1), p, "s"); err == nil {
		t.Error("too many files are taken")
	}
	if _, err := CopyStatement("t", "@s/a", []string{"f"}, p, "s"); err == nil {
		t.Error("a prefix that is no folder is taken")
	}
	if got, err := CopyStatement("t", "@s/", []string{"f"}, p, "s"); err != nil || !strings.Contains(got, `("KINESISMETADATA", "_RESCUED") FROM (SELECT `) {
		t.Errorf("without columns: %s, %v", got, err)
	}
}
