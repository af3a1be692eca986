package snowflake

import (
	"context"
	"fmt"
	"slices"

	"kinesis-snowflake/internal/row"
)

// ResetOffsets puts shards' rows back to where nothing is loaded yet. The epoch goes up, so a batch of whoever held one of
// them commits no more, and the batch's id goes, so such a batch is not taken for committed.
type ResetOffsets struct {
	Offsets       Name
	Stream, Owner string
	Shards        []string
}

// SQL implements [Statement].
func (s ResetOffsets) SQL() string {
	return fmt.Sprintf(`UPDATE %s SET "EPOCH" = "EPOCH" + 1, "OWNER" = %s, "SEQUENCE" = '', "SUBSEQUENCE" = 0, "BATCH_ID" = NULL, "ROWS" = 0, "UPDATED_AT" = CURRENT_TIMESTAMP() `+
		`WHERE "STREAM" = %s AND "SHARD" IN (%s)`, s.Offsets, quoteText(s.Owner), quoteText(s.Stream), quoteList(s.Shards))
}

// Offset is how far a shard has come in the table.
type Offset struct {
	Shard string
	Epoch int64
	Owner string // the id of the acquirer, not a worker's name
	At    row.Position
}

// Positions reads the stream's offsets, by shard; none if there is no offsets table. It needs a warehouse if there is one.
// Offsets of another application are [ErrApplication], several rows for a shard [ErrOffsetsBroken].
func (l *Ledger) Positions(ctx context.Context) (map[string]Offset, error) {
	rows, err := l.read(ctx)
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the offsets: %w", err)
	}
	return l.positions(rows)
}

func (l *Ledger) positions(rows []offset) (map[string]Offset, error) {
	found := map[string]Offset{}
	for _, o := range rows {
		if o.application != l.opts.Application {
			return nil, fmt.Errorf("%w: %s belongs to application %q, this is %q: check source.application and sink.table", ErrApplication, l.opts.Table, o.application, l.opts.Application)
		}
		if o.stream != l.opts.Stream {
			continue
		}
		if _, twice := found[o.shard]; twice {
			return nil, fmt.Errorf("%w: %s has several rows for shard %s", ErrOffsetsBroken, l.offsets, o.shard)
		}
		found[o.shard] = Offset{Shard: o.shard, Epoch: o.epoch, Owner: o.owner, At: o.at}
	}
	return found, nil
}

// Reset puts the offsets of those of the shards that have some back to where nothing is loaded, in one transaction under
// the offsets' lock, and returns them as they then are: none if there is no offsets table. Rows of the loaded table stay.
// Whoever loads these shards after that acquires them anew. It may be repeated after any error.
func (l *Ledger) Reset(ctx context.Context, shards []string) (map[string]Offset, error) {
	owner := l.opts.NewID()
	var reset map[string]Offset
	err := l.client.tx(ctx, func() error {
		n, err := l.waiting(ctx, LockOffsets{Offsets: l.offsets})
		switch {
		case err != nil:
			return err
		case n != 1:
			return fmt.Errorf("%w: %s has %d rows '*', want 1", ErrOffsetsBroken, l.offsets, n)
		}
		// A replay that is under way goes by offsets that are no more.
		if _, err = l.client.Exec(ctx, BumpEpochs{Offsets: l.offsets, Stream: ReplayStream(l.opts.Stream), Owner: owner, Shards: shards, By: 1}); err != nil {
			return err
		}
		if reset, err = l.present(ctx, shards); err != nil || len(reset) == 0 {
			return err
		}
		n, err = l.client.Exec(ctx, ResetOffsets{l.offsets, l.opts.Stream, owner, shards})
		if err == nil && n != int64(len(reset)) {
			err = fmt.Errorf("%w: reset the offsets of %d shards, want %d", ErrOffsetsBroken, n, len(reset))
		}
		if err == nil {
			reset, err = l.present(ctx, shards)
		}
		return err
	})
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reset the offsets of %d shards: %w", len(shards), err)
	}
	return reset, nil
}

// present reads the offsets of those of the shards that have some.
func (l *Ledger) present(ctx context.Context, shards []string) (map[string]Offset, error) {
	rows, err := l.read(ctx)
	if err != nil {
		return nil, err
	}
	found, err := l.positions(rows)
	for shard := range found {
		if !slices.Contains(shards, shard) {
			delete(found, shard)
		}
	}
	return found, err
}
