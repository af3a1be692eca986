package admin

import (
	"context"
	"errors"
	"fmt"

	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/source/lease"
)

// Reset does what the plan says: Snowflake first, then the leases. done hears of each thing that is done. An error in the
// middle says how far it came; the same reset, planned anew, makes good what is missing.
func (a *Admin) Reset(ctx context.Context, p *ResetPlan, done func(string)) error {
	if p.exists {
		if err := a.unchanged(ctx, p.watched); err != nil {
			return err
		}
	}
	var reset map[string]snowflake.Offset
	if ids := p.moves(); len(ids) > 0 {
		if err := twice(func() (err error) { reset, err = p.ledger.Reset(ctx, ids); return err }); err != nil {
			return fmt.Errorf("%w; no lease was changed, run the same command again", err)
		}
		done(fmt.Sprintf("snowflake: the offsets of %d shards are reset", len(reset)))
	}
	if !p.exists {
		if err := a.leases.Ensure(ctx); err != nil {
			return err
		}
	}
	for i, s := range p.Steps {
		if err := a.step(ctx, p, s); err != nil {
			return fmt.Errorf("%w; %d of %d shards are done, run the same command again", explainLost(err), i, len(p.Steps))
		}
		if s.Action != Leave {
			done(fmt.Sprintf("%s: %s", s.Shard, map[Action]string{Restart: "reset", Create: "lease made", Remove: "lease removed"}[s.Action]))
		}
	}
	return a.verify(ctx, p, reset)
}

func (a *Admin) step(ctx context.Context, p *ResetPlan, s ResetStep) error {
	was := p.watched.rows[s.Shard].Lease
	millis := int64(0)
	switch p.Request.To.Position {
	case row.AtTimestamp:
		millis = p.Request.To.Time.UnixMilli()
	case row.Latest:
		millis = p.listing.Time.UnixMilli() // the same place, however long it takes until somebody reads
	}
	shard := p.graph.shards[s.Shard]
	switch s.Action {
	case Restart:
		r := lease.Restart{Was: was, Nonce: "reset-" + pipeline.NewID(), Shard: shard, Position: p.Request.To.Position, StartMillis: millis, StreamCreated: p.info.Created.Unix()}
		return again(ctx, func(ctx context.Context) error { return a.leases.Restart(ctx, r) })
	case Create:
		l := lease.Lease{
			Key: s.Shard, Checkpoint: row.Position{Sequence: p.Request.To.Position}, Parents: shard.Parents, StartHash: shard.StartHash, EndHash: shard.EndHash,
			Nonce: "reset-" + pipeline.NewID(), StartMillis: millis, StreamCreated: p.info.Created.Unix(),
		}
		return again(ctx, func(ctx context.Context) error { return a.leases.Create(ctx, l) })
	case Remove:
		return again(ctx, func(ctx context.Context) error { return a.leases.Discard(ctx, s.Shard, was.Counter) })
	default:
		return nil
	}
}

func explainLost(err error) error {
	if !errors.Is(err, lease.ErrLost) {
		return err
	}
	return fmt.Errorf("%w: a worker was started meanwhile; stop it", err)
}

// verify looks whether a worker that was thought dead took a shard's offset back after it was reset.
func (a *Admin) verify(ctx context.Context, p *ResetPlan, reset map[string]snowflake.Offset) error {
	if len(reset) == 0 {
		return nil
	}
	var now map[string]snowflake.Offset
	if err := twice(func() (err error) { now, err = p.ledger.Positions(ctx); return err }); err != nil {
		return fmt.Errorf("the reset is done, but it could not be looked at once more: %w", err)
	}
	for _, id := range p.moves() {
		if was, ok := reset[id]; ok && now[id] != was {
			return fmt.Errorf("a worker took the offset of shard %s while it was reset: stop every worker, also those that lost their way to DynamoDB, and run the same command again", id)
		}
	}
	return nil
}
