package admin

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source"
	"kinesis-snowflake/source/lease"
)

// ImportRequest says whose checkpoints become leases.
type ImportRequest struct {
	From   string // the table of the Openflow connector's second generation, or of another NiFi 2.9 and later
	Region string // of that table; the pipeline's when empty
	// UnreadClosed decides for a closed shard that has no checkpoint, while shards that came out of it have: UnreadStart
	// reads it from the start position, UnreadEnd takes it for read. Without it such shards are [ErrRefused].
	UnreadClosed string
}

// The choices for a closed shard without checkpoint.
const (
	UnreadStart = "start"
	UnreadEnd   = "end"
)

// ImportStep is what becomes of one shard.
type ImportStep struct {
	Shard      string
	Checkpoint row.Position // of its lease; zero when it gets none yet
	Why        string
	There      bool // an import that was cut short has made it already

	lease lease.Lease
}

// ImportPlan is what an import would do.
type ImportPlan struct {
	From, To string
	Steps    []ImportStep
	Notes    []string

	exists bool
}

// PlanImport reads the other program's table and finds the lease of each shard. It writes nothing. What stands against the
// import is [ErrRefused].
//
// Whether that program still runs can only be told by the times it wrote, so here, and nowhere else, another machine's clock
// is compared with this one's: 30 s that its leases last, and a minute for clocks that differ.
func (a *Admin) PlanImport(ctx context.Context, r ImportRequest) (*ImportPlan, error) {
	app := a.cfg.Source.Application
	if r.From == app {
		return nil, refuse("the leases go to a table of their own: give source.application another name than %q, and leave that table to its owner", r.From)
	}
	info, err := a.tools.Describe(ctx)
	if err != nil {
		return nil, err
	}
	p := &ImportPlan{From: r.From, To: app}
	f, err := a.readFrom(ctx, r, info, p)
	if err != nil {
		return nil, err
	}
	listing, err := a.tools.Shards(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.derive(p, f, listing, info, r.UnreadClosed); err != nil {
		return nil, err
	}
	if p.exists, err = a.leases.Exists(ctx); err != nil {
		return nil, err
	}
	if p.exists {
		return p, a.continues(ctx, p)
	}
	return p, nil
}

func (p *ImportPlan) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// readFrom reads the table, and the one that a migration may have left beside it.
func (a *Admin) readFrom(ctx context.Context, r ImportRequest, info source.StreamInfo, p *ImportPlan) (*foreign, error) {
	client := a.tools.DynamoDB(r.Region)
	f, err := readForeign(ctx, client, r.From, info.Name)
	if err != nil {
		return nil, err
	}
	if f.kcl {
		return nil, refuse("table %s is a lease table of the Kinesis Client Library: nothing needs importing, set source.application to %q and it is taken over where it stands", r.From, r.From)
	}
	left, err := readForeign(ctx, client, r.From+nifiSuffix, info.Name)
	if err != nil {
		return nil, err
	}
	if f.missing && (left.missing || left.kcl) {
		return nil, refuse("there is no table %s in this region: give its name and, if it differs from the stream's, its --region", r.From)
	}
	for _, t := range []*foreign{f, left} {
		if err := t.fresh(time.Now()); err != nil {
			return nil, err
		}
	}
	if !left.missing && !left.kcl {
		p.note("table %s is there too, left by a migration that was cut short: of each shard the later checkpoint counts", left.table)
		f.merge(left)
	}
	if len(f.checkpoints) == 0 {
		return nil, refuse("table %s has no checkpoint of stream %s; it has rows of %s", r.From, info.Name, streams(f.others))
	}
	if len(f.others) > 0 {
		p.note("rows of other streams are passed over: %s", streams(f.others))
	}
	return f, nil
}

func streams(others map[string]int) string {
	if len(others) == 0 {
		return "no stream"
	}
	return strings.Join(slices.Sorted(maps.Keys(others)), ", ")
}

// derive finds the lease of each shard, parents first.
func (a *Admin) derive(p *ImportPlan, f *foreign, listing lease.Listing, info source.StreamInfo, unread string) error {
	g := newLineage(listing.Shards, nil)
	start, millis := row.TrimHorizon, int64(0)
	switch s := a.cfg.Source.Start; string(s.Position) {
	case row.Latest:
		start, millis = row.Latest, listing.Time.UnixMilli()
	case row.AtTimestamp:
		start, millis = row.AtTimestamp, s.Time.UnixMilli()
	}
	type fate uint8
	const (
		bare fate = iota // no lease, and none will come from a parent's end
		live
		done
	)
	fates := map[string]fate{}
	var ambiguous []string
	fromStart := 0
	for _, id := range g.oldestFirst(slices.Collect(maps.Keys(g.shards))) {
		s := g.shards[id]
		l := lease.Lease{Key: id, Parents: s.Parents, StartHash: s.StartHash, EndHash: s.EndHash, Nonce: "import-" + p.From, StreamCreated: info.Created.Unix()}
		step := ImportStep{Shard: id}
		parents := map[fate]bool{}
		for _, parent := range s.Parents {
			if _, listed := g.shards[parent]; listed {
				parents[fates[parent]] = true
			}
		}
		sequence, read := f.checkpoints[id]
		skipped := s.Closed && slices.ContainsFunc(g.descendants(id), func(d string) bool { return f.checkpoints[d] != "" })
		switch {
		case read:
			// All user records of a KPL aggregate were read: the largest subsequence stands for the whole record.
			l.Checkpoint = row.Position{Sequence: sequence, Subsequence: math.MaxInt64}
			step.Why, fates[id] = "after its checkpoint", live
		case skipped && unread == "":
			ambiguous = append(ambiguous, id)
			continue
		case skipped && unread == UnreadEnd:
			l.Checkpoint, l.Children = row.Position{Sequence: row.ShardEnd}, slices.Clone(g.children[id])
			step.Why, fates[id] = "closed and without checkpoint: taken for read, as --unread-closed says", done
		case skipped && (parents[live] || parents[done]):
			// It needs a row, or shards that came out of it would not wait for it.
			l.Checkpoint = row.Position{Sequence: row.TrimHorizon}
			step.Why, fates[id] = "no checkpoint, and it came out of one that has: from its beginning, as --unread-closed says", live
		case parents[live]:
			step.Why, fates[id] = "made when its parent is read to the end, from its beginning", live
		case parents[done]:
			l.Checkpoint = row.Position{Sequence: row.TrimHorizon}
			step.Why, fates[id] = "no checkpoint, and its parent is done: from its beginning", live
		case s.Closed && start == row.Latest && !skipped:
			step.Why = "closed, and source.start is LATEST: nothing to read"
		default:
			l.Checkpoint, l.StartMillis = row.Position{Sequence: start}, millis
			step.Why, fates[id] = "no checkpoint: from source.start", live
			fromStart++
		}
		step.Checkpoint, step.lease = l.Checkpoint, l
		p.Steps = append(p.Steps, step)
	}
	if len(ambiguous) > 0 {
		return refuse("closed without a checkpoint, while shards that came out of them have one: %s. If that connector began at LATEST it never read them, and --unread-closed end passes them over; if their records are not in Snowflake, --unread-closed start reads them from source.start",
			strings.Join(ambiguous, ", "))
	}
	if start == row.Latest && fromStart > 0 {
		p.note("%d shards without checkpoint begin at the time of this import, because source.start is LATEST: what came in them since the other connector stopped is not read; to read it, set source.start to the time it stopped", fromStart)
	}
	for _, id := range slices.Sorted(maps.Keys(f.checkpoints)) {
		if _, listed := g.shards[id]; !listed {
			p.note("the checkpoint of %s is passed over: the stream has the shard no longer", id)
		}
	}
	return nil
}

// continues compares the plan with a lease table that exists: what an import that was cut short has made stays.
func (a *Admin) continues(ctx context.Context, p *ImportPlan) error {
	rows, err := a.leases.Rows(ctx)
	if err != nil {
		return err
	}
	for _, r := range rows {
		i := slices.IndexFunc(p.Steps, func(s ImportStep) bool { return s.Shard == r.Key && !s.Checkpoint.IsZero() })
		l := r.Lease
		switch {
		case l.Nonce != "import-"+p.From || l.Counter != 0 || l.Owner != "":
			return refuse("lease table %s holds leases already, %s for one: choose another source.application", p.To, r.Key)
		case i < 0 || l.Checkpoint != p.Steps[i].Checkpoint:
			return refuse("lease table %s holds %s at %s from an earlier import, and table %s has moved on since: delete table %s, which no worker has used yet, and import again", p.To, r.Key, l.Checkpoint, p.From, p.To)
		}
		p.Steps[i].There = true
	}
	return nil
}

// Complete reports whether nothing is left to import.
func (p *ImportPlan) Complete() bool {
	return p.exists && !slices.ContainsFunc(p.Steps, func(s ImportStep) bool { return !s.There && !s.Checkpoint.IsZero() })
}

// Import makes the lease table and the plan's leases, parents first. done hears of each. After an error the same import,
// planned anew, goes on where it ended.
func (a *Admin) Import(ctx context.Context, p *ImportPlan, done func(string)) error {
	if err := a.leases.Ensure(ctx); err != nil {
		return err
	}
	for _, s := range p.Steps {
		if s.There || s.Checkpoint.IsZero() {
			continue
		}
		if err := again(ctx, func(ctx context.Context) error { return a.leases.Adopt(ctx, s.lease) }); err != nil {
			return fmt.Errorf("%w; start no worker yet, run the same command again", err)
		}
		done(s.Shard + ": lease made")
	}
	return nil
}
