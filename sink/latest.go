package sink

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/sink/table"
)

// LatestEnding makes the name of the view of the newest rows from the table's.
const LatestEnding = "$LATEST"

// latestPatience is how long a view that could not be made is left alone.
const latestPatience = 10 * time.Minute

// latest keeps the view beside the table. Nothing of it stops loading: what goes wrong is logged, and tried again.
type latest struct {
	client *snowflake.Client
	shape  *shape
	name   snowflake.Name
	keys   []string
	log    *slog.Logger

	kept    []table.Column // those that the view was last compared with
	retry   time.Time
	waiting bool // it was said that a key has no column yet
}

// keep brings the view up to the table's columns, if they are others than at the last call.
func (l *latest) keep(ctx context.Context, now time.Time) {
	if len(l.keys) == 0 || l.kept != nil && equalColumns(l.kept, l.shape.columns) || now.Before(l.retry) {
		return
	}
	columns := l.shape.columns
	for range maxDDLRounds {
		replaced, err := l.replace(ctx, columns)
		if err != nil {
			l.retry = now.Add(latestPatience)
			l.log.WarnContext(ctx, "cannot keep the view of the newest rows; loading goes on, and it is tried again later", "view", l.name.String(), "error", err,
				"needed", fmt.Sprintf("GRANT CREATE VIEW ON SCHEMA %s.%s to the role, which must own the view if it is there", table.Quote(l.name.Database), table.Quote(l.name.Schema)))
			return
		}
		l.kept = columns
		if !replaced {
			return
		}
		// Another worker may have added a column after these were read, and made its view before this one.
		_, next, err := l.shape.read(ctx)
		if err != nil {
			l.kept = nil // not known
			return
		}
		if equalColumns(columns, next) {
			return
		}
		columns = next
	}
}

// replace makes the view, unless it is there as it is to be.
func (l *latest) replace(ctx context.Context, columns []table.Column) (bool, error) {
	want, ok := table.Latest(&l.shape.config, l.name.String(), l.shape.target.String(), columns, l.keys)
	if !ok {
		if !l.waiting {
			l.waiting = true
			l.log.InfoContext(ctx, "the view of the newest rows waits until the table has a column for each of its keys", "view", l.name.String(), "keys", strings.Join(l.keys, ", "))
		}
		return false, nil
	}
	comment, there, err := l.find(ctx)
	if err != nil || there && comment == want.Comment {
		return false, err
	}
	if there && !table.OwnView(comment) {
		return false, fmt.Errorf("view %s is not this program's: rename it, or leave out sink.key", l.name)
	}
	if _, err := l.client.Exec(ctx, snowflake.Text(want.Create)); err != nil {
		return false, fmt.Errorf("create view %s: %w", l.name, err)
	}
	l.log.InfoContext(ctx, "view of the newest rows made", "view", l.name.String(), "columns", len(columns))
	return true, nil
}

// find returns the comment of the view that bears the name.
func (l *latest) find(ctx context.Context) (comment string, there bool, err error) {
	// In a pattern _ is any character; a backslash would have to be written in two ways, for the literal and for LIKE.
	pattern := strings.ReplaceAll(l.name.Object, `\`, "_")
	res, err := l.client.Query(ctx, snowflake.Text("SHOW VIEWS LIKE "+table.Literal(pattern)+" IN SCHEMA "+table.Quote(l.name.Database)+"."+table.Quote(l.name.Schema)))
	if err != nil {
		return "", false, fmt.Errorf("look for view %s: %w", l.name, err)
	}
	for i := range res.Rows {
		if res.Get(i, "name") == l.name.Object {
			return res.Get(i, "comment"), true, nil
		}
	}
	return "", false, nil
}
