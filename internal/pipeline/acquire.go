package pipeline

import (
	"context"
	"fmt"

	"kinesis-snowflake/internal/row"
)

// acquire makes this worker the owner of the offsets of those parts' shards that have rows and are not acquired yet.
func (k *committer) acquire(ctx context.Context, parts []*part) error {
	var wanted []row.Wanted
	byID := map[string]*shard{}
	for _, p := range parts {
		s := p.shard
		if p.rows == 0 || s.claim != nil {
			continue
		}
		// A worker that was fenced may have lost its lease without knowing: only a write that succeeds now says
		// that the shard is still ours to acquire.
		if err := s.handle.Confirm(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if s.isLost() {
				continue
			}
			return fmt.Errorf("confirm the lease of shard %s: %w", s.id, err)
		}
		wanted = append(wanted, row.Wanted{Shard: s.id, HasOffsets: s.marked})
		byID[s.id] = s
	}
	if len(wanted) == 0 {
		return nil
	}
	claims, err := k.loader.Acquire(ctx, wanted)
	if err != nil {
		return err
	}
	for id, s := range byID {
		claim := claims[id]
		if !s.marked {
			if err := s.handle.MarkOffsets(ctx); err != nil && !s.isLost() {
				return fmt.Errorf("mark the lease of shard %s: %w", s.id, err)
			}
		}
		k.mu.Lock()
		s.marked, s.claim = true, &claim
		k.acquired(s, claim)
		k.mu.Unlock()
	}
	return nil
}

// acquired takes in where the sink's offset stands: what it has already is left out. The caller holds mu.
func (k *committer) acquired(s *shard, c row.Claim) {
	if !c.At.IsNumber() {
		return
	}
	if c.At.Compare(s.floor) > 0 {
		s.floor = c.At
		k.log.Info("the table is ahead of the checkpoint: its rows are left out", "shard", s.id, "offset", c.At.String())
	}
	if c.At.Compare(s.durable) > 0 {
		s.durable = c.At
	}
}

// fenced gives up the claims that the sink refused. Each is acquired again at the next attempt, if the lease can be
// confirmed; a shard whose lease is lost is dropped then.
func (k *committer) fenced(out row.Outcome) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for s := range k.involved() {
		now, refused := out.Fenced[s.id]
		if !refused || s.claim == nil {
			continue
		}
		k.log.Warn("fenced: another worker moved or took the shard's offset", "shard", s.id,
			"our_epoch", s.claim.Epoch, "epoch", now.Epoch, "our_offset", s.claim.At.String(), "offset", now.At.String())
		if now.At.Compare(s.claim.At) < 0 {
			// The table has less than this worker believes it committed. Reading again from there loses nothing.
			k.log.Error("the offset went back: reading again from it", "shard", s.id, "offset", now.At.String())
			s.floor, s.durable = now.At, now.At
			s.readAgain(now.At)
		}
		s.claim = nil
	}
}

// involved is every shard of the batch that is being loaded. The caller holds mu.
func (k *committer) involved() map[*shard]struct{} {
	all := map[*shard]struct{}{}
	for _, p := range k.loading.parts {
		all[p.shard] = struct{}{}
	}
	return all
}
