package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/source"
	"kinesis-snowflake/source/lease"
)

// ResetRequest says what is to be put back, and to where.
type ResetRequest struct {
	To     lease.Start // row.TrimHorizon, row.Latest, or row.AtTimestamp with its time
	Shards []string    // all when empty
}

// Action is what becomes of one shard's lease.
type Action string

// The actions of a reset.
const (
	Restart Action = "restart" // its row is put back
	Create  Action = "create"  // it has no row, and gets one
	Leave   Action = "leave"   // its row stays as it is
	Remove  Action = "remove"  // its row belongs to the stream that was there before, and goes
)

// ResetStep is what becomes of one shard.
type ResetStep struct {
	Shard  string
	Action Action
	Why    string       // of Leave and Remove
	Was    row.Position // the lease's checkpoint; zero when there was no row
	Offset row.Position // in Snowflake; zero when there was none
	First  row.Position // the record that reading would begin with, where rows in the table would come again; zero when not known
}

// ResetPlan is what a reset would do.
type ResetPlan struct {
	Request ResetRequest
	Stream  string
	Table   string // that is loaded
	Offsets string // the table of its offsets
	Leases  string // the lease table
	Steps   []ResetStep
	Notes   []string
	// Delete is the statement that takes those rows out of the table that will be loaded a second time; "" when there are none.
	Delete string

	info    source.StreamInfo
	listing lease.Listing
	graph   *lineage
	watched *watched
	ledger  *snowflake.Ledger
	exists  bool
}

// PlanReset finds out whether a reset can be done, and what it would do. It watches the leases for a lease duration and a
// margin, logs in to Snowflake and reads the offsets. It writes nothing. What stands against it is [ErrRefused].
func (a *Admin) PlanReset(ctx context.Context, r ResetRequest) (*ResetPlan, error) {
	if r.To.Position == row.AtTimestamp && r.To.Time.After(time.Now()) {
		return nil, refuse("%s lies in the future: choose a time that has passed, or LATEST", r.To.Time.Format(time.RFC3339))
	}
	p := &ResetPlan{Request: r, Stream: a.cfg.Source.Stream, Table: a.table().String(), Offsets: a.offsets().String(), Leases: a.cfg.Source.Application}
	var err error
	if p.info, err = a.tools.Describe(ctx); err != nil {
		return nil, err
	}
	// A wrong password or a missing grant shows before anything is waited for.
	if p.ledger, err = a.ledger(ctx, p.info); err != nil {
		return nil, err
	}
	if p.exists, err = a.leases.Exists(ctx); err != nil {
		return nil, err
	}
	p.watched = &watched{}
	if p.exists {
		if p.watched, err = a.still(ctx); err != nil {
			return nil, err
		}
		if err := p.watched.broken(); err != nil {
			return nil, err
		}
	} else {
		p.note("lease table %s does not exist, and is made", p.Leases)
	}
	if p.listing, err = a.tools.Shards(ctx); err != nil {
		return nil, err
	}
	var offsets map[string]snowflake.Offset
	if err := twice(func() (err error) { offsets, err = p.ledger.Positions(ctx); return err }); err != nil {
		return nil, err
	}
	if err := p.decide(offsets); err != nil {
		return nil, err
	}
	if err := a.doubles(ctx, p); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *ResetPlan) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// decide finds the step of each shard.
func (p *ResetPlan) decide(offsets map[string]snowflake.Offset) error {
	leases := p.watched.leases()
	p.graph = newLineage(p.listing.Shards, leases)
	byKey := map[string]lease.Lease{}
	ours := true // no lease belongs to a stream that was there before
	remembers := false
	for _, l := range leases {
		byKey[l.Key] = l
		ours = ours && (l.StreamCreated == 0 || l.StreamCreated == p.info.Created.Unix())
		remembers = remembers || l.Offsets
	}
	if remembers && offsets == nil {
		p.note("the leases remember offsets, and %s is not there, or not visible to the role: if it was dropped, UNDROP TABLE brings it back, and this reset is not needed", p.Offsets)
	}
	chosen := p.Request.Shards
	if len(chosen) > 0 {
		if err := p.checkChoice(byKey, offsets, ours); err != nil {
			return err
		}
	} else {
		for id := range p.graph.shards {
			chosen = append(chosen, id)
		}
		for _, l := range leases {
			if _, listed := p.graph.shards[l.Key]; !listed {
				chosen = append(chosen, l.Key)
			}
		}
	}
	slices.Sort(chosen)
	unfinished := func(id string) bool { l, leased := byKey[id]; return leased && !l.Finished() }
	for _, id := range p.graph.oldestFirst(slices.Compact(chosen)) {
		l, leased := byKey[id]
		s, listed := p.graph.shards[id]
		step := ResetStep{Shard: id, Was: l.Checkpoint, Offset: offsets[id].At}
		other := leased && l.StreamCreated != 0 && l.StreamCreated != p.info.Created.Unix()
		switch {
		case !listed && other:
			step.Action, step.Why = Remove, "of the stream that was there before"
		case !listed:
			step.Action, step.Why = Leave, "the stream has it no longer"
		case leased && !other && l.Finished() && p.Request.To.Position == row.Latest:
			step.Action, step.Why = Leave, "finished, so nothing new comes in it"
		case !leased && p.Request.To.Position == row.Latest && s.Closed && !slices.ContainsFunc(p.graph.ancestors(id), unfinished):
			// Were an ancestor still to end, its end would make the lease, from the shard's beginning.
			step.Action, step.Why = Leave, "closed, so nothing new comes in it"
		case leased:
			step.Action = Restart
		default:
			step.Action = Create
		}
		p.Steps = append(p.Steps, step)
	}
	if !ours {
		p.note("stream %s was deleted and made again, or the leases belong to another stream: it was made %s", p.Stream, p.info.Created.Format(time.RFC3339))
	}
	if p.Request.To.Position == row.AtTimestamp && time.Since(p.Request.To.Time) > p.info.Retention {
		p.note("the stream keeps records for %s only: reading begins at the oldest it still has", p.info.Retention)
	}
	return nil
}

// checkChoice refuses a choice of shards that would break the order of parents and children, or means nothing.
func (p *ResetPlan) checkChoice(byKey map[string]lease.Lease, offsets map[string]snowflake.Offset, ours bool) error {
	if !ours {
		return refuse("the leases belong to a stream that was there before, so some shards alone cannot be reset: leave --shard out")
	}
	chosen := p.Request.Shards
	var more []string
	for _, id := range chosen {
		if _, listed := p.graph.shards[id]; !listed {
			return refuse("stream %s has no shard %s, or no longer: there is nothing to read", p.Stream, id)
		}
		l, leased := byKey[id]
		if p.Request.To.Position == row.Latest {
			if leased && l.Finished() {
				return refuse("shard %s is finished, so nothing new comes in it", id)
			}
			continue
		}
		// Once a parent is read again its children wait for it. Children that were begun already would then have later
		// records in the table before earlier ones.
		for _, d := range p.graph.descendants(id) {
			_, listed := p.graph.shards[d]
			l, leased := byKey[d]
			begun := leased && (l.Checkpoint.IsNumber() || l.Finished()) || offsets[d].At.IsNumber() || !leased && p.graph.succeeded(d, byKey)
			if listed && begun && !slices.Contains(chosen, d) && !slices.Contains(more, d) {
				more = append(more, d)
			}
		}
	}
	if len(more) > 0 {
		slices.Sort(more)
		return refuse("shards that came out of these by a split or merge were read already, and must be read after them: add --shard %s, or leave --shard out to reset all", strings.Join(more, " --shard "))
	}
	return nil
}

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

// Moves are the shards that the plan puts back.
func (p *ResetPlan) moves() []string {
	var ids []string
	for _, s := range p.Steps {
		if s.Action == Restart || s.Action == Create {
			ids = append(ids, s.Shard)
		}
	}
	return ids
}

// Empty reports whether the plan changes nothing.
func (p *ResetPlan) Empty() bool {
	return !slices.ContainsFunc(p.Steps, func(s ResetStep) bool { return s.Action != Leave })
}

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
