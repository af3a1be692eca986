package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source"
)

// again reports whether the table's rows of the shard, or some of them, would be loaded a second time.
func (s ResetStep) again() bool {
	return (s.Action == Restart || s.Action == Create) && s.Offset.IsNumber() && (s.First.IsZero() || s.First.Compare(s.Offset) <= 0)
}

// doubles finds which of the table's rows would come a second time.
func (a *Admin) doubles(ctx context.Context, p *ResetPlan) error {
	if p.Request.To.Position == row.Latest {
		return nil
	}
	errs := make([]error, len(p.Steps))
	sidelong(len(p.Steps), func(i int) {
		s := &p.Steps[i]
		if !s.again() {
			return
		}
		ahead, err := a.tools.Look(ctx, s.Shard, row.Position{Sequence: p.Request.To.Position}, p.Request.To.Time)
		switch {
		case errors.Is(err, source.ErrShardGone), err == nil && (ahead.End || ahead.First.IsZero() && ahead.Behind == 0):
			s.First = row.Position{Sequence: row.ShardEnd} // nothing is left to read
		case err != nil:
			errs[i] = err
		default:
			s.First = ahead.First
		}
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	var terms []string
	for _, s := range p.Steps {
		switch {
		case !s.again():
		case s.First.IsZero():
			p.note("the first record of shard %s was not found, it lies behind a long stretch without any: the DELETE statement leaves the shard out", s.Shard)
		default:
			terms = append(terms, rowsFrom(s.Shard, s.First.Sequence))
		}
	}
	if len(terms) > 0 {
		p.Delete = fmt.Sprintf("DELETE FROM %s WHERE \"KINESISMETADATA\":stream::VARCHAR = '%s' AND (\n  %s);", p.Table, a.cfg.Source.Stream, strings.Join(terms, "\n  OR "))
	}
	return nil
}

// rowsFrom is a condition on a shard's rows from a sequence number on. Numbers of over 38 digits are compared by their
// length first, then as text.
func rowsFrom(shard, sequence string) string {
	const field = `"KINESISMETADATA":sequenceNumber::VARCHAR`
	return fmt.Sprintf(`"KINESISMETADATA":shardId::VARCHAR = '%s' AND (LENGTH(%s) > %d OR LENGTH(%s) = %d AND %s >= '%s')`,
		shard, field, len(sequence), field, len(sequence), field, sequence)
}
