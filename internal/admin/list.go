package admin

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source"
	"kinesis-snowflake/source/lease"
)

// State says what becomes of a shard just now.
type State string

// The states of a shard.
const (
	Finished State = "finished"  // read to its end, and all of it loaded
	Handover State = "hand-over" // its worker was asked to give it to another
	Blocked  State = "blocked"   // a parent is not finished
	Reading  State = "reading"   // its owner is alive
	Unread   State = "unread"    // nothing was loaded yet, and nobody seen alive has it
	Waiting  State = "waiting"   // begun, and nobody seen alive has it
	NoLease  State = "no lease"  // the stream has it; its lease is made when a parent ends, or by a worker's audit
	Broken   State = "broken"    // its row cannot be read; workers leave it alone
	Cleaned  State = "cleaned"   // finished, and so are its children, or as good as: its lease was deleted
)

// Unleased reports whether there is no lease to say anything of.
func (s State) Unleased() bool { return s == NoLease || s == Cleaned || s == Broken }

// ListOptions say what a list holds.
type ListOptions struct {
	Watch   time.Duration // how long counters are watched; [Admin.DefaultWatch] when zero
	Lag     bool          // ask each unfinished shard how far behind its checkpoint is
	Offsets bool          // read the offsets in Snowflake, which wakes the warehouse
}

// Listing is what is known of a pipeline's leases. Ages and lags are in milliseconds.
type Listing struct {
	Pipeline    string   `json:"pipeline"`
	Stream      string   `json:"stream"`
	Region      string   `json:"region"`
	Application string   `json:"application"`
	Table       string   `json:"table"`
	WatchedMS   int64    `json:"watched_ms"`
	Exists      bool     `json:"lease_table_exists"`
	Shards      []Shard  `json:"shards"`
	Workers     []Worker `json:"workers"`
	Others      []Other  `json:"other_rows,omitempty"`
	Notes       []string `json:"notes,omitempty"`
}

// Shard is one lease, or a shard without one.
type Shard struct {
	ID             string    `json:"shard"`
	State          State     `json:"state"`
	Owner          string    `json:"owner,omitempty"` // who may renew and checkpoint it
	Life           Life      `json:"owner_is,omitempty"`
	NextOwner      string    `json:"next_owner,omitempty"`
	Checkpoint     Place     `json:"checkpoint,omitzero"`
	StartTime      time.Time `json:"start_time,omitzero"`               // that LATEST or AT_TIMESTAMP stands for
	Prepared       Place     `json:"prepared_checkpoint,omitzero"`      // of KCL
	Offset         *Place    `json:"offset,omitempty"`                  // in Snowflake, when asked for and there
	LagMS          *int64    `json:"lag_ms,omitempty"`                  // how old what follows the checkpoint is
	LagError       string    `json:"lag_error,omitempty"`               // why that is not known
	RenewedMS      *int64    `json:"renewed_ago_ms,omitempty"`          // as observed; not seen when absent
	CheckpointedMS *int64    `json:"checkpoint_moved_ago_ms,omitempty"` // the same
	Parents        []string  `json:"parents,omitempty"`
	Children       []string  `json:"children,omitempty"`
	Counter        int64     `json:"counter"`
	Switches       int64     `json:"owner_switches_since_checkpoint"`
}

// Place is a position for JSON.
type Place struct {
	Sequence    string `json:"sequence"`
	Subsequence int64  `json:"subsequence"`
}

// Worker sums up what a worker holds; the name "" stands for leases without owner.
type Worker struct {
	Name     string `json:"worker"`
	Life     Life   `json:"is,omitempty"`
	Leases   int    `json:"leases"`
	Finished int    `json:"finished"`
	Reading  int    `json:"reading"`
	MaxLagMS *int64 `json:"max_lag_ms,omitempty"`
}

// Other is a row that is no lease of this stream.
type Other struct {
	Key    string `json:"key"`
	What   string `json:"what"`
	Broken bool   `json:"broken,omitempty"`
}

// DefaultWatch is half a lease duration: a worker renews every third of it.
func (a *Admin) DefaultWatch() time.Duration { return a.cfg.Source.LeaseDuration / 2 }

// List says what is known of the leases. It writes nothing.
func (a *Admin) List(ctx context.Context, o ListOptions) (*Listing, error) {
	s := a.cfg.Source
	out := &Listing{Pipeline: a.cfg.File, Stream: s.Stream, Region: s.Region, Application: s.Application, Table: a.table().String(), Shards: []Shard{}, Workers: []Worker{}}
	var err error
	if out.Exists, err = a.leases.Exists(ctx); err != nil {
		return nil, err
	}
	w := &watched{}
	if out.Exists {
		if o.Watch <= 0 {
			o.Watch = a.DefaultWatch()
		}
		if w, err = a.watch(ctx, o.Watch, everyoneSeen); err != nil {
			return nil, err
		}
		out.WatchedMS = w.ended.Sub(w.began).Milliseconds()
	}
	a.leasesOf(out, w)
	if listing, err := a.tools.Shards(ctx); err != nil {
		out.Notes = append(out.Notes, "the stream's shards could not be listed: "+err.Error())
	} else {
		out.without(listing, w)
	}
	if o.Offsets {
		if err := a.offsetsOf(ctx, out); err != nil {
			return nil, err
		}
	}
	if o.Lag {
		if err := a.lags(ctx, out); err != nil {
			return nil, err
		}
	}
	out.workers(w, a.Patience())
	return out, nil
}

// everyoneSeen reports whether watching on would tell nothing new about who is alive.
func everyoneSeen(w *watched) bool {
	for _, l := range w.leases() {
		if h := Holder(l); h != "" && (w.alive[h] == "" || !l.Finished() && w.changed[l.Key].IsZero()) {
			return false
		}
	}
	return true
}

func (a *Admin) leasesOf(out *Listing, w *watched) {
	for _, key := range slices.Sorted(maps.Keys(w.rows)) {
		r := w.rows[key]
		if r.Kind != lease.LeaseRow {
			out.Others = append(out.Others, Other{Key: r.Key, What: r.What, Broken: r.Kind != lease.OtherRow})
			continue
		}
		l := r.Lease
		s := Shard{
			ID: l.Key, Owner: Holder(l), Checkpoint: Place(l.Checkpoint), Prepared: Place(r.Prepared), Parents: l.Parents, Children: l.Children,
			Counter: l.Counter, Switches: l.OwnerSwitches, StartTime: startTime(l, a.cfg.Source.Start.Time),
			RenewedMS: ago(w, w.changed[key]), CheckpointedMS: ago(w, w.moved[key]),
		}
		if l.CheckpointOwner != "" {
			s.NextOwner = l.Owner
		}
		if s.Owner != "" {
			s.Life = w.life(s.Owner, a.Patience())
		}
		s.State = w.state(l, s.Life)
		out.Shards = append(out.Shards, s)
	}
}

func ago(w *watched, t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := w.ended.Sub(t).Milliseconds()
	return &ms
}

// startTime is the time that a sentinel stands for; zero when none, or when only a KCL application's configuration has it.
func startTime(l lease.Lease, configured time.Time) time.Time {
	switch {
	case l.Checkpoint.Sequence != row.Latest && l.Checkpoint.Sequence != row.AtTimestamp:
		return time.Time{}
	case l.StartMillis != 0:
		return time.UnixMilli(l.StartMillis).UTC()
	case l.Checkpoint.Sequence == row.AtTimestamp:
		return configured
	default:
		return time.Time{}
	}
}

func (w *watched) state(l lease.Lease, life Life) State {
	blocked := slices.ContainsFunc(l.Parents, func(p string) bool {
		r, known := w.rows[p]
		return known && (r.Kind == lease.BrokenRow || r.Kind == lease.LeaseRow && !r.Lease.Finished())
	})
	switch {
	case l.Finished():
		return Finished
	case l.CheckpointOwner != "":
		return Handover
	case blocked:
		return Blocked
	case life == Alive:
		return Reading
	case l.Checkpoint.IsNumber():
		return Waiting
	default:
		return Unread
	}
}

// without adds the shards that have no lease.
func (l *Listing) without(listing lease.Listing, w *watched) {
	leased := map[string]lease.Lease{}
	for _, s := range l.Shards {
		leased[s.ID] = lease.Lease{}
	}
	g := newLineage(listing.Shards, nil)
	for _, s := range listing.Shards {
		if _, ok := leased[s.ID]; ok {
			continue
		}
		without := Shard{ID: s.ID, State: NoLease, Parents: s.Parents}
		switch {
		case w.rows[s.ID].Kind == lease.BrokenRow:
			without.State = Broken
		case s.Closed && g.succeeded(s.ID, leased):
			without.State = Cleaned
		}
		l.Shards = append(l.Shards, without)
	}
	slices.SortFunc(l.Shards, func(a, b Shard) int { return cmp.Compare(a.ID, b.ID) })
}

func (a *Admin) offsetsOf(ctx context.Context, out *Listing) error {
	info, err := a.tools.Describe(ctx)
	if err != nil {
		return err
	}
	ledger, err := a.ledger(ctx, info)
	if err != nil {
		return err
	}
	found, err := ledger.Positions(ctx)
	if err != nil {
		return err
	}
	for i := range out.Shards {
		if o, ok := found[out.Shards[i].ID]; ok {
			at := Place(o.At)
			out.Shards[i].Offset = &at
		}
	}
	return nil
}

// looksAtOnce bounds the shards that are asked at once.
const looksAtOnce = 8

// sidelong does something for each of n shards, a few at a time, and waits for all.
func sidelong(n int, do func(i int)) {
	var wg sync.WaitGroup
	room := make(chan struct{}, looksAtOnce)
	for i := range n {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			do(i)
		})
	}
	wg.Wait()
}

func (a *Admin) lags(ctx context.Context, out *Listing) error {
	sidelong(len(out.Shards), func(i int) {
		s := &out.Shards[i]
		if s.State == Finished || s.State.Unleased() {
			return
		}
		ahead, err := a.tools.Look(ctx, s.ID, row.Position(s.Checkpoint), s.StartTime)
		switch {
		case errors.Is(err, source.ErrShardGone):
			s.LagError = "gone from the stream"
		case err != nil:
			s.LagError = err.Error()
		default:
			ms := max(0, ahead.Behind.Milliseconds())
			s.LagMS = &ms
		}
	})
	return ctx.Err()
}

// workers sums up the shards.
func (l *Listing) workers(w *watched, patience time.Duration) {
	byName := map[string]*Worker{}
	of := func(name string) *Worker {
		if byName[name] == nil {
			byName[name] = &Worker{Name: name}
			if name != "" {
				byName[name].Life = w.life(name, patience)
			}
		}
		return byName[name]
	}
	for _, s := range l.Shards {
		if s.State.Unleased() {
			continue
		}
		k := of(s.Owner)
		k.Leases++
		switch s.State {
		case Finished:
			k.Finished++
		case Reading:
			k.Reading++
		}
		if s.LagMS != nil && (k.MaxLagMS == nil || *s.LagMS > *k.MaxLagMS) {
			k.MaxLagMS = s.LagMS
		}
	}
	for name := range w.alive {
		of(name) // it gave its last lease up while it was watched, or waits for one
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		l.Workers = append(l.Workers, *byName[name])
	}
}
