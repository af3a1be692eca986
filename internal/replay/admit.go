package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/source/lease"
	"kinesis-snowflake/source/reader"
)

// admit decides which messages may be loaded: those that no worker will ever come to. It acquires the replay's own offsets of their
// shards, unless nothing is to be written.
func (r *replay) admit(ctx context.Context) error {
	for id, shard := range r.messages.shards {
		if _, ok := r.listed[id]; !ok {
			for _, m := range open(shard) {
				m.is(Gone, fmt.Sprintf("the stream has this shard no longer: what it held is older than the %s that records are kept", keptFor(r.info.Retention)))
			}
		}
	}
	done, err := r.done(ctx)
	if err != nil {
		return err
	}
	wanted := r.behind(done)
	if len(wanted) > 0 && !r.o.DryRun {
		if err := again(ctx, func() (err error) { r.claims, err = r.sink.Acquire(ctx, wanted); return err }); err != nil {
			return err
		}
		// Only what is read from here on is believed: a reset that comes later takes the claims away.
		if done, err = r.done(ctx); err != nil {
			return err
		}
		if err := r.settle(ctx, done); err != nil {
			return err
		}
	}
	for id, shard := range r.messages.shards {
		_, claimed := r.claims[id]
		for _, m := range open(shard) {
			if m.at.Compare(done[id].upTo()) > 0 || !claimed && !r.o.DryRun {
				m.is(Pending, "its shard was not loaded that far yet: the connector comes to it, with today's transform once it runs with that")
			}
		}
	}
	return nil
}

// progress is how far a shard has come.
type progress struct {
	offset     row.Position // in Snowflake
	checkpoint row.Position // of the lease
}

// upTo is the position up to which no worker reads.
func (p progress) upTo() row.Position {
	if p.checkpoint.Compare(p.offset) > 0 {
		return p.checkpoint
	}
	return p.offset
}

// done reads how far the shards have come.
func (r *replay) done(ctx context.Context) (map[string]progress, error) {
	done := map[string]progress{}
	var rows []lease.Row
	exists, err := r.tools.Leases().Exists(ctx)
	if err == nil && exists {
		rows, err = r.tools.Leases().Rows(ctx)
	}
	if err != nil {
		return nil, err
	}
	var offsets map[string]snowflake.Offset
	if err := again(ctx, func() (err error) { offsets, err = r.sink.Positions(ctx, r.info.ID()); return err }); err != nil {
		return nil, err
	}
	for id, o := range offsets {
		done[id] = progress{offset: o.At}
	}
	finished := map[string]bool{}
	leased := map[string]bool{}
	for i := range rows {
		l := &rows[i].Lease
		if rows[i].Kind != lease.LeaseRow || l.StreamCreated != 0 && l.StreamCreated != r.info.Created.Unix() {
			continue
		}
		if _, ok := offsets[l.Key]; !ok && l.Offsets {
			return nil, fmt.Errorf("%w: shard %s has rows in %s, but the offsets table does not say how far: UNDROP TABLE brings it back", snowflake.ErrOffsetsMissing, l.Key, r.report.Table)
		}
		leased[l.Key], finished[l.Key] = true, l.Finished()
		p := done[l.Key]
		if p.checkpoint = l.Checkpoint; !p.checkpoint.IsNumber() && !l.Finished() {
			p.checkpoint = row.Position{}
		}
		done[l.Key] = p
	}
	for id := range r.messages.shards {
		if r.over(id, leased, finished) {
			done[id] = progress{offset: done[id].offset, checkpoint: row.Position{Sequence: row.ShardEnd}}
		}
	}
	return done, nil
}

// over reports whether a closed shard without a lease was finished: workers delete the lease of such a shard once those of
// its children are finished, though the stream still has it, and come to it no more.
func (r *replay) over(id string, leased, finished map[string]bool) bool {
	if shard, listed := r.listed[id]; !listed || leased[id] || !shard.Closed {
		return false
	}
	children := 0
	for _, s := range r.listed {
		if slices.Contains(s.Parents, id) {
			if children++; !finished[s.ID] && !r.over(s.ID, leased, finished) {
				return false
			}
		}
	}
	return children > 0
}

// behind are the shards with messages that are done with.
func (r *replay) behind(done map[string]progress) (wanted []row.Wanted) {
	for id, shard := range r.messages.shards {
		if slices.ContainsFunc(open(shard), func(m *message) bool { return m.at.Compare(done[id].upTo()) <= 0 }) {
			wanted = append(wanted, row.Wanted{Shard: id})
		}
	}
	slices.SortFunc(wanted, func(a, b row.Wanted) int { return strings.Compare(a.Shard, b.Shard) })
	return wanted
}

// settle moves the offsets of shards with messages that only the lease says are done.
func (r *replay) settle(ctx context.Context, done map[string]progress) error {
	to := map[string]row.Position{}
	for id, shard := range r.messages.shards {
		p := done[id]
		if _, claimed := r.claims[id]; !claimed {
			continue
		}
		if slices.ContainsFunc(open(shard), func(m *message) bool { return m.at.Compare(p.offset) > 0 && m.at.Compare(p.checkpoint) <= 0 }) {
			to[id] = p.checkpoint
		}
	}
	err := again(ctx, func() error { return r.sink.Settle(ctx, r.info.ID(), to, r.claims) })
	if errors.Is(err, snowflake.ErrSuperseded) {
		return fmt.Errorf("%w: nothing is loaded, run the same command again", err)
	}
	return err
}

// tries bounds the repeats of what Snowflake did not do for a reason that passes: some two minutes.
const tries = 8

const pause = 500 * time.Millisecond

// again does what may be repeated until it is done, or fails for good.
func again(ctx context.Context, do func() error) error {
	for n := 0; ; n++ {
		err := do()
		if err == nil || ctx.Err() != nil || n == tries || !passes(err) {
			return err
		}
		if err := reader.Pause(ctx, pause<<n); err != nil {
			return err
		}
	}
}

func passes(err error) bool {
	for _, final := range []error{snowflake.ErrSuperseded, snowflake.ErrOffsetsMissing, snowflake.ErrApplication, snowflake.ErrOffsetsBroken, snowflake.ErrNoMetadata} {
		if errors.Is(err, final) {
			return false
		}
	}
	switch snowflake.ClassOf(err) {
	case snowflake.Gone, snowflake.Retry, snowflake.Lock:
		return true
	default:
		return false
	}
}
