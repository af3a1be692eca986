package snowflake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"kinesis-snowflake/internal/row"
)

// MaxPresent is how many records one [Client.Present] may ask for: Snowflake takes 16,384 expressions in a list, and 1 MB of text.
const MaxPresent = 10_000

// PresentRows reads by their metadata which of some records have rows in a table.
type PresentRows struct {
	Table   Name
	Stream  string              // its name, as in the metadata
	Records map[string][]string // sequences, by shard
}

// SQL implements [Statement].
func (s PresentRows) SQL() string {
	const metadata = `"KINESISMETADATA":`
	terms := make([]string, 0, len(s.Records))
	for _, shard := range slices.Sorted(maps.Keys(s.Records)) {
		terms = append(terms, fmt.Sprintf(`%[1]sshardId::VARCHAR = %[2]s AND %[1]ssequenceNumber::VARCHAR IN (%[3]s)`, metadata, quoteText(shard), quoteList(s.Records[shard])))
	}
	return fmt.Sprintf(`SELECT %[1]sshardId::VARCHAR AS "SHARD", %[1]ssequenceNumber::VARCHAR AS "SEQUENCE", %[1]ssubSequenceNumber::VARCHAR AS "SUBSEQUENCE", %[1]srow::VARCHAR AS "ROW" `+
		`FROM %[2]s WHERE %[1]sstream::VARCHAR = %[3]s AND (%[4]s)`, metadata, s.Table, quoteText(s.Stream), strings.Join(terms, " OR "))
}

// PresentRow is a row that a table holds, by the record that it was made of.
type PresentRow struct {
	Shard    string
	At       row.Position
	Index    uint32 // which of its record's rows it is
	Numbered bool   // the record could make several when it was loaded
}

// ErrNoMetadata: a table has no column of metadata, by which its rows could be told.
var ErrNoMetadata = errors.New("the table has no column KINESISMETADATA")

// Present reads which rows of some records a table holds, as they were committed before the call. A table that is not there
// holds none.
func (c *Client) Present(ctx context.Context, s PresentRows) ([]PresentRow, error) {
	if len(s.Records) == 0 {
		return nil, nil
	}
	res, err := c.Query(ctx, s)
	if err != nil {
		return nil, c.explainPresent(ctx, s, err)
	}
	rows := make([]PresentRow, len(res.Rows))
	for i := range rows {
		r := &rows[i]
		r.Shard, r.At.Sequence = res.Get(i, "SHARD"), res.Get(i, "SEQUENCE")
		// A loader that gives no subsequence knows no aggregates, and one that gives no row makes one of a record.
		if text := res.Get(i, "SUBSEQUENCE"); text != "" {
			if r.At.Subsequence, err = strconv.ParseInt(text, 10, 64); err != nil {
				return nil, fmt.Errorf("read the subsequence in the metadata of a row of %s: %w", s.Table, err)
			}
		}
		if text := res.Get(i, "ROW"); text != "" {
			n, err := strconv.ParseUint(text, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("read the row number in the metadata of a row of %s: %w", s.Table, err)
			}
			r.Index, r.Numbered = uint32(n), true
		}
	}
	return rows, nil
}

func (c *Client) explainPresent(ctx context.Context, s PresentRows, cause error) error {
	var e *Error
	if !errors.As(cause, &e) {
		return cause
	}
	said := *e
	said.Hint = fmt.Sprintf("GRANT SELECT ON TABLE %s to the role: a replay looks which rows are there already", s.Table)
	switch {
	case e.Code == 904:
		return fmt.Errorf("look for rows in %s: %w, so it cannot be told which messages it holds", s.Table, ErrNoMetadata)
	case e.Code == 3001:
		return fmt.Errorf("look for rows in %s: %w", s.Table, &said)
	case isMissing(cause):
		// Snowflake says the same of a table that is not there and of one that may not be read. DESC needs any privilege.
		_, err := c.Query(ctx, DescribeTable{s.Table})
		if isMissing(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return fmt.Errorf("look for rows in %s: %w", s.Table, &said)
	default:
		return fmt.Errorf("look for rows in %s: %w", s.Table, cause)
	}
}
