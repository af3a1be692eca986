package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"kinesis-snowflake/cmd/sandbox/internal/ask"
)

// cellWidth is how many characters of a value a table shows.
const cellWidth = 48

// report tells what is in the tables after a run.
type report struct {
	client  *ask.Client
	out     io.Writer // answers
	say     io.Writer // all else
	options demoOptions
}

func (r report) write(ctx context.Context, feeds []feed, accounts []account) error {
	for _, f := range feeds {
		if err := r.table(ctx, f); err != nil {
			return err
		}
	}
	queries := r.options.queries
	if len(queries) == 0 {
		for _, f := range feeds {
			queries = append(queries, f.queries...)
		}
		if r.options.input != "" {
			found, err := exists(ctx, r.client, feeds[0].table())
			if err != nil {
				return err
			}
			queries = nil
			if found {
				queries = []string{fmt.Sprintf(`SELECT KINESISMETADATA:shardId::STRING AS shard, COUNT(*) AS n FROM %q GROUP BY 1 ORDER BY 1`, feeds[0].table())}
			}
		}
	}
	var errs []error
	for _, q := range queries {
		errs = append(errs, r.query(ctx, q))
	}
	fmt.Fprintln(r.say)
	for i, f := range feeds {
		errs = append(errs, r.account(ctx, f, accounts[i]))
	}
	return errors.Join(errs...)
}

// table shows a table's columns and its first rows, or nothing where no row made one.
func (r report) table(ctx context.Context, f feed) error {
	if r.options.json {
		return nil
	}
	name := fmt.Sprintf("%q", f.table())
	found, err := exists(ctx, r.client, f.table())
	if err != nil {
		return err
	}
	if !found {
		fmt.Fprintf(r.say, "\n%s: no table, because no record made a row\n", f.table())
		return nil
	}
	columns, err := r.client.Query(ctx, "DESC TABLE "+name)
	if err != nil {
		return err
	}
	const mostColumns = 12
	shown := make([]string, 0, mostColumns+1)
	for i, c := range columns.Rows {
		if i == mostColumns {
			shown = append(shown, fmt.Sprintf("and %d more", len(columns.Rows)-i))
			break
		}
		shown = append(shown, c[0].String+" "+c[1].String)
	}
	fmt.Fprintf(r.say, "\n%s (%d columns)\n  %s\n", f.table(), len(columns.Rows), strings.Join(shown, "\n  "))
	const metadata = 2 // the columns before those of the records
	names := make([]string, 0, 4)
	for _, c := range columns.Rows[min(metadata, len(columns.Rows)):] {
		if names = append(names, `"`+strings.ReplaceAll(c[0].String, `"`, `""`)+`"`); len(names) == cap(names) {
			break
		}
	}
	if len(names) == 0 {
		return nil
	}
	answer, err := r.client.Query(ctx, "SELECT "+strings.Join(names, ", ")+" FROM "+name+" LIMIT 3")
	if err != nil {
		return err
	}
	fmt.Fprintln(r.say)
	return answer.WriteTable(r.say, cellWidth)
}

func (r report) query(ctx context.Context, q string) error {
	answer, err := r.client.Query(ctx, q)
	if err != nil {
		return err
	}
	if r.options.json {
		return answer.WriteJSON(r.out)
	}
	fmt.Fprintf(r.say, "\n> %s\n", q)
	return answer.WriteTable(r.out, cellWidth)
}

// account checks that every record is either in the table, once, or told as failed. Records of the sandbox make one row each.
func (r report) account(ctx context.Context, f feed, a account) error {
	rows, distinct, err := count(ctx, r.client, f.table())
	if err != nil {
		return err
	}
	failed := a.last.Tally.Failed
	fmt.Fprintf(r.say, "%s: sent %d = loaded %d + failed %d; distinct %d\n", f.stream, a.sent, rows, failed, distinct)
	if a.sent != rows+failed || rows != distinct {
		return fmt.Errorf("%s: sent %d, loaded %d (distinct %d), failed %d: the account does not balance", f.stream, a.sent, rows, distinct, failed)
	}
	return nil
}

// count counts a table's rows, and the different records that they come from; both are 0 where there is no table.
func count(ctx context.Context, c *ask.Client, table string) (rows, distinct int64, err error) {
	found, err := exists(ctx, c, table)
	if err != nil || !found {
		return 0, 0, err
	}
	const identity = `KINESISMETADATA:shardId::VARCHAR, KINESISMETADATA:sequenceNumber::VARCHAR, KINESISMETADATA:subSequenceNumber::NUMBER, KINESISMETADATA:row::NUMBER`
	answer, err := c.Query(ctx, fmt.Sprintf(`SELECT (SELECT COUNT(*) FROM %[2]q), (SELECT COUNT(*) FROM (SELECT DISTINCT %[1]s FROM %[2]q))`, identity, table))
	if err != nil {
		return 0, 0, err
	}
	_, err = fmt.Sscan(answer.Rows[0][0].String+" "+answer.Rows[0][1].String, &rows, &distinct)
	return rows, distinct, wrap("count rows", err)
}

// exists says whether there is a table of a name, which is a stream's in upper case: letters, digits, _, . and -.
func exists(ctx context.Context, c *ask.Client, table string) (bool, error) {
	found, err := c.Query(ctx, "SHOW TABLES LIKE '"+strings.ReplaceAll(table, "_", `\\_`)+"'")
	return err == nil && len(found.Rows) > 0, err
}
