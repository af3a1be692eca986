package sink

import (
	"context"
	"errors"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/snowflake"
)

// Present reads which rows of some records of shards the table holds; see [snowflake.Client.Present]. It belongs to the
// goroutine of Load.
func (s *Sink) Present(ctx context.Context, sequences map[string][]string) ([]snowflake.PresentRow, error) {
	return s.client.Present(ctx, snowflake.PresentRows{Table: s.opts.Table, Stream: s.opts.StreamName, Records: sequences})
}

// Positions reads the offsets of a stream beside the table, by shard; see [snowflake.Ledger.Positions].
func (s *Sink) Positions(ctx context.Context, stream string) (map[string]snowflake.Offset, error) {
	return s.ledgerOf(stream).Positions(ctx)
}

// Settle moves the offsets of a stream to where its leases stand, on behalf of a replay that holds claims of this sink's; see
// [snowflake.Ledger.Settle].
func (s *Sink) Settle(ctx context.Context, stream string, to map[string]row.Position, replay map[string]row.Claim) error {
	return s.ledgerOf(stream).Settle(ctx, to, replay)
}

// ledgerOf is the ledger of another stream beside the same table, in the same session.
func (s *Sink) ledgerOf(stream string) *snowflake.Ledger {
	o := s.opts
	return snowflake.NewLedger(s.client, snowflake.LedgerOptions{
		Table: o.Table, Stream: stream, Application: o.Application, LockPatience: o.LockPatience, NewID: o.NewID, Waiting: o.Waiting, Log: o.Log,
	})
}

// RefusesTooMany reports whether a Load failed because Snowflake refuses more rows of the batch than are left out one by one.
func RefusesTooMany(err error) bool { return errors.Is(err, errTooManyRefused) }
