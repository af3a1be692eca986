package snowflaketest

import (
	"fmt"
	"strings"
	"testing"

	"kinesis-snowflake/internal/standin/snowflake"
)

// present asks which rows of some records a table holds, in the words of a replay.
func present(shards ...string) string {
	terms := []string{}
	for _, s := range shards {
		shard, sequences, _ := strings.Cut(s, ": ")
		terms = append(terms, `"KINESISMETADATA":shardId::VARCHAR = '`+shard+`' AND "KINESISMETADATA":sequenceNumber::VARCHAR IN (`+sequences+`)`)
	}
	return `SELECT "KINESISMETADATA":shardId::VARCHAR AS "SHARD", "KINESISMETADATA":sequenceNumber::VARCHAR AS "SEQUENCE", "KINESISMETADATA":subSequenceNumber::VARCHAR AS "SUBSEQUENCE",
		"KINESISMETADATA":row::VARCHAR AS "ROW" FROM ` + ordersTable + ` WHERE "KINESISMETADATA":stream::VARCHAR = 'orders' AND (` + strings.Join(terms, " OR ") + `)`
}

// presence: a row is found by its metadata once it is committed, and needs SELECT to be. Source: Snowflake docs, "Querying semi-structured data",
// "READ COMMITTED isolation", "Table privileges".
func presence(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	c, other := a.connWith(a.jwtConfig()), a.conn()
	for _, s := range setup {
		c.exec(s)
	}
	const long = "49590338271490256608559692538361571095921575989136588898"
	c.put("b-1.json", `["shardId-0","2026-01-02T03:04:05Z","pk","`+long+`",0,"x",null,null,1]
["shardId-0","2026-01-02T03:04:05Z","pk","`+long+`",7,"x",65536,null,2]
["shardId-1","2026-01-02T03:04:05Z","pk","4952",0,"x",null,null,3]
`, "OVERWRITE = TRUE")
	c.exec("BEGIN")
	c.rows(copyOrders("b-1.json"))
	every := present("shardId-0: '4951', '"+long+"'", "shardId-1: '4952', '4953'")
	other.want(every)
	c.exec("COMMIT")
	other.want(every+` ORDER BY "SHARD", "SUBSEQUENCE"`, "shardId-0|"+long+"|0|NULL", "shardId-0|"+long+"|7|65536", "shardId-1|4952|0|NULL")
	other.want(present("shardId-1: '" + long + "', '4951'")) // of another shard
	other.want(strings.Replace(every, "= 'orders'", "= 'ORDERS'", 1))
	c.exec(`UPDATE ` + ordersTable + ` SET "KINESISMETADATA" = NULL WHERE "ID" = 3`)
	other.want(present("shardId-1: '4952'"))
	other.want(present("shardId-0: "+sequences9999()+", '"+long+"'")+` ORDER BY "SUBSEQUENCE"`, "shardId-0|"+long+"|0|NULL", "shardId-0|"+long+"|7|65536")
	a.Deny("SELECT", "RAW.KINESIS.ORDERS")
	other.fails(3001, "42501", every)
	a.Allow("SELECT", "RAW.KINESIS.ORDERS")
	c.exec(`ALTER TABLE ` + ordersTable + ` DROP COLUMN "KINESISMETADATA"`)
	other.fails(904, "42000", every)
	c.exec(`DROP TABLE ` + ordersTable)
	other.fails(2003, "02000", every)
}

// sequences9999 is a list of as many sequence numbers.
func sequences9999() string {
	var b strings.Builder
	for n := range 9999 {
		fmt.Fprintf(&b, "'4959033827149025660855969253836157109592157598913%07d', ", n)
	}
	return strings.TrimSuffix(b.String(), ", ")
}
