package snowflake

import (
	"fmt"
	"strconv"
	"strings"

	"kinesis-snowflake/internal/row"
)

// Statement is one SQL statement that the connector emits. Each is a type of its own, so that a session other than
// Snowflake's (a simulation) can act on it without parsing, and so that every text can be listed and checked.
type Statement interface {
	SQL() string
}

// Text is a statement whose text is made elsewhere: DDL of the table, COPY.
type Text string

// SQL returns the text.
func (t Text) SQL() string { return string(t) }

// The statements of a transaction, and the cheapest statement there is.
const (
	Begin    Text = "BEGIN"
	Commit   Text = "COMMIT"
	Rollback Text = "ROLLBACK"
	Ping     Text = "SELECT 1"
)

// CreateOffsets makes the offsets table together with its row '*': a CTAS, so that no moment exists in which the
// table is there and the row is not.
type CreateOffsets struct {
	Offsets     Name
	Application string
}

// SQL implements [Statement].
func (s CreateOffsets) SQL() string {
	return fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s ("STREAM" VARCHAR NOT NULL, "SHARD" VARCHAR NOT NULL, "APPLICATION" VARCHAR NOT NULL, `+
		`"EPOCH" NUMBER(38,0) NOT NULL, "OWNER" VARCHAR, "SEQUENCE" VARCHAR NOT NULL, "SUBSEQUENCE" NUMBER(38,0) NOT NULL, `+
		`"BATCH_ID" VARCHAR, "ROWS" NUMBER(38,0), "UPDATED_AT" TIMESTAMP_LTZ) `+
		`AS SELECT '*', '*', %s, 0, NULL, '', 0, NULL, 0, CURRENT_TIMESTAMP()`, s.Offsets, quoteText(s.Application))
}

// LockOffsets updates the row '*', which takes the table's lock until the transaction ends. Mark is left in that row: of
// a transaction that was ended from outside it is gone, and the statements that follow it find that out.
type LockOffsets struct {
	Offsets Name
	Mark    string
	Within  string // the transaction's id; "" does not ask for it
}

// SQL implements [Statement].
func (s LockOffsets) SQL() string {
	set := ""
	if s.Mark != "" {
		set = `"OWNER" = ` + quoteText(s.Mark) + ", "
	}
	return fmt.Sprintf(`UPDATE %s SET %s"UPDATED_AT" = CURRENT_TIMESTAMP() WHERE "SHARD" = '*'`, s.Offsets, set) + within(s.Within)
}

// marked is the condition that the row '*' bears a mark, which only the transaction that left it there can see.
func marked(offsets Name, mark string) string {
	if mark == "" {
		return ""
	}
	return fmt.Sprintf(` AND EXISTS (SELECT 1 FROM %s m WHERE m."SHARD" = '*' AND m."OWNER" = %s)`, offsets, quoteText(mark))
}

// InsertOffsets adds a row at position "" and epoch 0 for each shard that has none.
type InsertOffsets struct {
	Offsets             Name
	Stream, Application string
	Shards              []string
	Mark                string // of [LockOffsets]; "" does not ask for it
}

// SQL implements [Statement].
func (s InsertOffsets) SQL() string {
	values := make([]string, len(s.Shards))
	for i, shard := range s.Shards {
		values[i] = "(" + quoteText(shard) + ")"
	}
	return fmt.Sprintf(`INSERT INTO %[1]s ("STREAM", "SHARD", "APPLICATION", "EPOCH", "OWNER", "SEQUENCE", "SUBSEQUENCE", "BATCH_ID", "ROWS", "UPDATED_AT") `+
		`SELECT %[2]s, v."SHARD", %[3]s, 0, NULL, '', 0, NULL, 0, CURRENT_TIMESTAMP() FROM (SELECT column1 AS "SHARD" FROM VALUES %[4]s) v `+
		`WHERE NOT EXISTS (SELECT 1 FROM %[1]s o WHERE o."STREAM" = %[2]s AND o."SHARD" = v."SHARD")`,
		s.Offsets, quoteText(s.Stream), quoteText(s.Application), strings.Join(values, ", ")) + marked(s.Offsets, s.Mark)
}

// BumpEpochs makes this worker the owner of the shards' rows.
type BumpEpochs struct {
	Offsets       Name
	Stream, Owner string
	Shards        []string
	By            int64  // 1
	Mark          string // of [LockOffsets]; "" does not ask for it
}

// SQL implements [Statement].
func (s BumpEpochs) SQL() string {
	return fmt.Sprintf(`UPDATE %s SET "EPOCH" = "EPOCH" + %d, "OWNER" = %s, "UPDATED_AT" = CURRENT_TIMESTAMP() WHERE "STREAM" = %s AND "SHARD" IN (%s)`,
		s.Offsets, s.By, quoteText(s.Owner), quoteText(s.Stream), quoteList(s.Shards)) + marked(s.Offsets, s.Mark)
}

// ReadOffsets reads the stream's rows and the row '*'.
type ReadOffsets struct {
	Offsets Name
	Stream  string
}

// SQL implements [Statement].
func (s ReadOffsets) SQL() string {
	return fmt.Sprintf(`SELECT "STREAM", "SHARD", "APPLICATION", "EPOCH", "OWNER", "SEQUENCE", "SUBSEQUENCE", "BATCH_ID" FROM %s WHERE "STREAM" IN (%s, '*')`,
		s.Offsets, quoteText(s.Stream))
}

// MoveOffsets moves each shard from the position that this worker last saw, under the epoch that it holds.
type MoveOffsets struct {
	Offsets         Name
	Stream, BatchID string
	Moves           []Move
	Within          string // the transaction's id; "" does not ask for it
	SequenceOnly    bool   // do not compare subsequences; see [mutant.SequenceOnly]
}

// Move is one shard's part of a batch.
type Move struct {
	Shard    string
	Epoch    int64
	From, To row.Position
	Rows     int64
}

// SQL implements [Statement].
func (s MoveOffsets) SQL() string {
	values := make([]string, len(s.Moves))
	for i, m := range s.Moves {
		values[i] = fmt.Sprintf("(%s, %d, %s, %d, %s, %d, %d)", quoteText(m.Shard), m.Epoch,
			quoteText(m.From.Sequence), m.From.Subsequence, quoteText(m.To.Sequence), m.To.Subsequence, m.Rows)
	}
	text := fmt.Sprintf(`UPDATE %s t SET "SEQUENCE" = v."SEQ", "SUBSEQUENCE" = v."SUB", "BATCH_ID" = %s, "ROWS" = v."N", "UPDATED_AT" = CURRENT_TIMESTAMP() `+
		`FROM (SELECT column1 AS "SHARD", column2 AS "EPOCH", column3 AS "PSEQ", column4 AS "PSUB", column5 AS "SEQ", column6 AS "SUB", column7 AS "N" FROM VALUES %s) v `+
		`WHERE t."STREAM" = %s AND t."SHARD" = v."SHARD" AND t."EPOCH" = v."EPOCH" AND t."SEQUENCE" = v."PSEQ"`,
		s.Offsets, quoteText(s.BatchID), strings.Join(values, ", "), quoteText(s.Stream)) + within(s.Within)
	if s.SequenceOnly {
		return text
	}
	return text + ` AND t."SUBSEQUENCE" = v."PSUB"`
}

// SeekBatch counts the offsets that a batch moved.
type SeekBatch struct {
	Offsets         Name
	Stream, BatchID string
}

// SQL implements [Statement].
func (s SeekBatch) SQL() string {
	return fmt.Sprintf(`SELECT COUNT(*) AS "N" FROM %s WHERE "STREAM" = %s AND "BATCH_ID" = %s`, s.Offsets, quoteText(s.Stream), quoteText(s.BatchID))
}

// CreateStage makes the internal stage that load files go through. Server-side encryption keeps the driver from
// encrypting a second copy of each file.
type CreateStage struct{ Stage Name }

// SQL implements [Statement].
func (s CreateStage) SQL() string {
	return fmt.Sprintf(`CREATE STAGE IF NOT EXISTS %s ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')`, s.Stage)
}

// PutFile uploads one local file below a stage path that ends in '/'. OVERWRITE keeps the driver from skipping a
// name that exists, whatever its content.
type PutFile struct {
	Local string
	Stage Name
	Path  string
}

// SQL implements [Statement].
func (s PutFile) SQL() string {
	return fmt.Sprintf(`PUT %s %s SOURCE_COMPRESSION = ZSTD AUTO_COMPRESS = FALSE OVERWRITE = TRUE`,
		quoteText("file://"+s.Local), stagePath(s.Stage, s.Path))
}

// ListFiles lists the stage below a path.
type ListFiles struct {
	Stage Name
	Path  string
}

// SQL implements [Statement].
func (s ListFiles) SQL() string { return "LIST " + stagePath(s.Stage, s.Path) }

// RemoveFile removes one file of the stage, or all below a path that ends in '/'.
type RemoveFile struct {
	Stage Name
	Path  string
}

// SQL implements [Statement].
func (s RemoveFile) SQL() string { return "REMOVE " + stagePath(s.Stage, s.Path) }

// DescribeTable lists a table's columns; it needs no warehouse.
type DescribeTable struct{ Table Name }

// SQL implements [Statement].
func (s DescribeTable) SQL() string { return "DESC TABLE " + s.Table.String() }

// ShowLocks lists the locks of this user's transactions.
type ShowLocks struct{}

// SQL implements [Statement].
func (ShowLocks) SQL() string { return "SHOW LOCKS" }

// ServerTime reads Snowflake's clock, against which the age of a lock is measured; it needs no warehouse.
type ServerTime struct{}

// SQL implements [Statement].
func (ServerTime) SQL() string { return "SELECT CURRENT_TIMESTAMP()" }

// AbortTransaction ends a transaction of this user.
type AbortTransaction struct{ ID int64 }

// SQL implements [Statement].
func (s AbortTransaction) SQL() string {
	return "SELECT SYSTEM$ABORT_TRANSACTION(" + strconv.FormatInt(s.ID, 10) + ")"
}

func stagePath(stage Name, path string) string { return quoteText("@" + stage.String() + "/" + path) }
