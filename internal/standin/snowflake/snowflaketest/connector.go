package snowflaketest

import (
	"strings"
	"testing"

	"kinesis-snowflake/internal/standin/snowflake"
)

const (
	ordersTable  = `"RAW"."KINESIS"."ORDERS"`
	offsetsTable = `"RAW"."KINESIS"."ORDERS$OFFSETS"`
)

var setup = []string{
	`CREATE STAGE IF NOT EXISTS ` + stageName + ` ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')`,
	`CREATE TABLE IF NOT EXISTS ` + ordersTable + ` ("KINESISMETADATA" OBJECT, "_RESCUED" VARIANT, "ID" NUMBER(38,0), "NAME" VARCHAR, "OK" BOOLEAN, "X" FLOAT, "O" VARIANT) COMMENT = 'it''s \\ here'`,
	`CREATE TABLE IF NOT EXISTS ` + offsetsTable + ` ("STREAM" VARCHAR NOT NULL, "SHARD" VARCHAR NOT NULL, "APPLICATION" VARCHAR NOT NULL, "EPOCH" NUMBER(38,0) NOT NULL, "OWNER" VARCHAR,
		"SEQUENCE" VARCHAR NOT NULL, "SUBSEQUENCE" NUMBER(38,0) NOT NULL, "BATCH_ID" VARCHAR, "ROWS" NUMBER(38,0), "UPDATED_AT" TIMESTAMP_LTZ)
		AS SELECT '*', '*', 'app', 0, NULL, '', 0, NULL, 0, CURRENT_TIMESTAMP()`,
}

// copyOrders is the COPY of a batch, as a loader of NDJSON arrays writes it.
func copyOrders(files ...string) string {
	return `COPY INTO ` + ordersTable + ` ("KINESISMETADATA", "_RESCUED", "ID", "NAME", "OK", "X", "O") FROM (SELECT OBJECT_CONSTRUCT('stream', 'orders', 'shardId', GET($1, 0)::VARCHAR,
		'approximateArrival', GET($1, 1)::VARCHAR, 'partitionKey', GET($1, 2)::VARCHAR, 'sequenceNumber', GET($1, 3)::VARCHAR, 'subSequenceNumber', GET($1, 4)::NUMBER(38,0), 'shardedSequenceNumber',
		GET($1, 5)::VARCHAR, 'row', GET($1, 6)::NUMBER(38,0)), NULLIF(GET($1, 7), PARSE_JSON('null')), GET($1, 8)::NUMBER(38,0), GET($1, 9)::VARCHAR, GET($1, 10)::BOOLEAN, GET($1, 11)::FLOAT,
		NULLIF(GET($1, 12), PARSE_JSON('null')) FROM '@` + stageName + `/p/')
		FILES = ('` + strings.Join(files, "', '") + `') FILE_FORMAT = (TYPE = JSON COMPRESSION = AUTO MULTI_LINE = FALSE ALLOW_DUPLICATE = TRUE STRIP_OUTER_ARRAY = FALSE STRIP_NULL_VALUES = FALSE
		NULL_IF = () DATE_FORMAT = 'YYYY-MM-DD' TIME_FORMAT = 'HH24:MI:SS.FF9' TIMESTAMP_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS.FF9TZH:TZM') ON_ERROR = ABORT_STATEMENT FORCE = TRUE`
}

// connectorStatements runs the whole life of a batch in the words of a loader.
// Source: Snowflake docs, "CREATE TABLE", "COPY INTO <table>", "Transforming data during a load", "UPDATE", "PUT", "DESCRIBE TABLE".
func connectorStatements(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	c := a.connWith(a.jwtConfig())
	for _, s := range setup {
		c.exec(s)
	}
	c.exec(`ALTER TABLE ` + ordersTable + ` ADD COLUMN IF NOT EXISTS "NAME" VARCHAR, IF NOT EXISTS "B" VARCHAR`)
	c.exec("BEGIN")
	// What follows the lock asks for the mark that only this transaction sees.
	marked := func(mark string) string {
		return ` AND EXISTS (SELECT 1 FROM ` + offsetsTable + ` m WHERE m."SHARD" = '*' AND m."OWNER" = '` + mark + `')`
	}
	if n := c.exec(`UPDATE ` + offsetsTable + ` SET "OWNER" = 'me', "UPDATED_AT" = CURRENT_TIMESTAMP() WHERE "SHARD" = '*'`); n != 1 {
		t.Fatalf("the row '*' was updated %d times", n)
	}
	insert := `INSERT INTO ` + offsetsTable + ` ("STREAM", "SHARD", "APPLICATION", "EPOCH", "OWNER", "SEQUENCE", "SUBSEQUENCE", "BATCH_ID", "ROWS", "UPDATED_AT")
		SELECT 'arn@1', v."SHARD", 'app', 0, NULL, '', 0, NULL, 0, CURRENT_TIMESTAMP() FROM (SELECT column1 AS "SHARD" FROM VALUES ('shardId-0'), ('shardId-1')) v
		WHERE NOT EXISTS (SELECT 1 FROM ` + offsetsTable + ` o WHERE o."STREAM" = 'arn@1' AND o."SHARD" = v."SHARD")`
	if n := c.exec(insert + marked("another")); n != 0 {
		t.Fatalf("inserted %d offsets without the mark, want 0", n)
	}
	insert += marked("me")
	if n := c.exec(insert); n != 2 {
		t.Fatalf("inserted %d offsets, want 2", n)
	}
	if n := c.exec(insert); n != 0 {
		t.Fatalf("inserted %d offsets again, want 0", n)
	}
	take := `UPDATE ` + offsetsTable + ` SET "EPOCH" = "EPOCH" + 1, "OWNER" = 'me', "UPDATED_AT" = CURRENT_TIMESTAMP() WHERE "STREAM" = 'arn@1' AND "SHARD" IN ('shardId-0', 'shardId-1')`
	if n := c.exec(take + marked("another")); n != 0 {
		t.Fatalf("took %d shards without the mark, want 0", n)
	}
	if n := c.exec(take + marked("me")); n != 2 {
		t.Fatalf("took %d shards, want 2", n)
	}
	offsets := `SELECT "STREAM", "SHARD", "APPLICATION", "EPOCH", "OWNER", "SEQUENCE", "SUBSEQUENCE", "BATCH_ID" FROM ` + offsetsTable + ` WHERE "STREAM" IN ('arn@1', '*')`
	c.want(offsets, "*|*|app|0|me||0|NULL", "arn@1|shardId-0|app|1|me||0|NULL", "arn@1|shardId-1|app|1|me||0|NULL")
	c.exec("COMMIT")
	other := a.conn()
	other.want(offsets, "*|*|app|0|me||0|NULL", "arn@1|shardId-0|app|1|me||0|NULL", "arn@1|shardId-1|app|1|me||0|NULL")

	c.put("b-1.json", `["shardId-0","2026-01-02T03:04:05Z","pk","4951",0,"x",null,null,"12345678901234567890123456789012345678","a\nb",true,"1.5",{"b":[1.0,null],"a":"ü"}]
["shardId-0","2026-01-02T03:04:05Z","pk","4952",0,"x",2,{"Z":"1"},7]
`, "OVERWRITE = TRUE")
	c.exec("BEGIN")
	loaded := c.rows(copyOrders("b-1.json"))
	if len(loaded) != 1 || !strings.HasPrefix(loaded[0], "p/b-1.json|LOADED|2|2|1|0|NULL") {
		t.Fatalf("COPY answered %q", loaded)
	}
	other.want("SELECT COUNT(*) FROM "+ordersTable, "0")
	advance := `UPDATE ` + offsetsTable + ` t SET "SEQUENCE" = v."SEQ", "SUBSEQUENCE" = v."SUB", "BATCH_ID" = 'batch', "ROWS" = v."N", "UPDATED_AT" = CURRENT_TIMESTAMP()
		FROM (SELECT column1 AS "SHARD", column2 AS "EPOCH", column3 AS "PSEQ", column4 AS "PSUB", column5 AS "SEQ", column6 AS "SUB", column7 AS "N" FROM VALUES ('shardId-0', 1, '', 0, '4952', 0, 2)) v
		WHERE t."STREAM" = 'arn@1' AND t."SHARD" = v."SHARD" AND t."EPOCH" = v."EPOCH" AND t."SEQUENCE" = v."PSEQ" AND t."SUBSEQUENCE" = v."PSUB"`
	if n := c.exec(advance); n != 1 {
		t.Fatalf("advanced %d offsets, want 1", n)
	}
	c.exec("COMMIT")
	if n := other.exec(advance); n != 0 {
		t.Fatalf("advanced %d offsets twice", n)
	}
	other.want("SELECT * FROM "+ordersTable,
		`{"approximateArrival":"2026-01-02T03:04:05Z","partitionKey":"pk","sequenceNumber":"4951","shardId":"shardId-0","shardedSequenceNumber":"x","stream":"orders","subSequenceNumber":0}|NULL|12345678901234567890123456789012345678|a`+"\n"+`b|1|1.5|{"a":"ü","b":[1,null]}|NULL`,
		`{"approximateArrival":"2026-01-02T03:04:05Z","partitionKey":"pk","row":2,"sequenceNumber":"4952","shardId":"shardId-0","shardedSequenceNumber":"x","stream":"orders","subSequenceNumber":0}|{"Z":"1"}|7|NULL|NULL|NULL|NULL|NULL`)
	if got := c.rows(`LIST '@` + stageName + `/p/'`); len(got) != 1 || !strings.HasPrefix(got[0], "st/p/b-1.json|") {
		t.Fatalf("LIST answered %q", got)
	}
	c.want(`REMOVE '@`+stageName+`/p/b-1.json'`, "st/p/b-1.json|removed")
	if n := c.exec(`DELETE FROM ` + offsetsTable + ` WHERE "STREAM" = 'arn@1' AND "SHARD" IN ('shardId-1')`); n != 1 {
		t.Fatalf("deleted %d offsets, want 1", n)
	}
	c.want("SELECT 1", "1")
}
