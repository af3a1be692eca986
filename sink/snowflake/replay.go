package snowflake

import (
	"context"
	"errors"
	"fmt"

	"kinesis-snowflake/internal/row"
)

// ReplayStream is the stream under which a replay of failed messages keeps offsets of its own, one a shard, beside those of
// the stream itself. Nobody who loads the stream reads them. Their epochs keep two replays apart as those of the stream
// keep workers apart; their position only counts the batches.
func ReplayStream(stream string) string { return stream + "~replay" }

// ErrSuperseded: another replay, or a reset of the offsets, came between.
var ErrSuperseded = errors.New("another replay of this shard, or a reset of its offsets, came between")

// Settle moves offsets up to where the leases say that everything is done. Where the last messages of a shard all failed,
// no row was loaded that would have moved its offset with it, and a worker that lost its lease unknowingly could still
// load them. Afterwards it cannot: it finds the offset moved, as if another had acquired it. An offset that is that far
// already stays.
//
// replay are the claims, from an Acquire under [ReplayStream], of the replay that asks for it. If another one, or a reset,
// took them meanwhile, nothing is moved, and the error is [ErrSuperseded]. It may be repeated after any error.
func (l *Ledger) Settle(ctx context.Context, to map[string]row.Position, replay map[string]row.Claim) error {
	if len(to) == 0 {
		return nil
	}
	shards := make([]string, 0, len(to))
	for shard := range to {
		shards = append(shards, shard)
	}
	mark := l.opts.NewID()
	err := l.client.tx(ctx, func() error {
		if err := l.lock(ctx, nil, mark); err != nil {
			return err
		}
		if err := l.holds(ctx, replay); err != nil {
			return err
		}
		if _, err := l.client.Exec(ctx, InsertOffsets{Offsets: l.offsets, Stream: l.opts.Stream, Application: l.opts.Application, Shards: shards, Mark: mark}); err != nil {
			return err
		}
		now, err := l.present(ctx, shards)
		if err != nil {
			return err
		}
		var moves []Move
		for shard, p := range to {
			if o, ok := now[shard]; ok && o.At.Compare(p) < 0 {
				moves = append(moves, Move{Shard: shard, Epoch: o.Epoch, From: o.At, To: p})
			}
		}
		if len(moves) == 0 {
			return nil
		}
		n, err := l.client.Exec(ctx, MoveOffsets{Offsets: l.offsets, Stream: l.opts.Stream, BatchID: mark, Moves: moves})
		if err == nil && n != int64(len(moves)) {
			err = &Error{Class: Retry, Statement: "settle", Err: fmt.Errorf("%d of %d offsets were moved: somebody ended the transaction", n, len(moves))}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("settle the offsets of %d shards: %w", len(to), err)
	}
	return nil
}

// holds reports whether claims under [ReplayStream] still stand.
func (l *Ledger) holds(ctx context.Context, claims map[string]row.Claim) error {
	own := *l
	own.opts.Stream = ReplayStream(l.opts.Stream)
	rows, err := own.read(ctx)
	if err != nil {
		return err
	}
	now, err := own.positions(rows)
	if err != nil {
		return err
	}
	for shard, c := range claims {
		if now[shard].Epoch != c.Epoch {
			return fmt.Errorf("%w: shard %s", ErrSuperseded, shard)
		}
	}
	return nil
}
