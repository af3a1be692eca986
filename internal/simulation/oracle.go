package simulation

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/source/lease"
)

// quickly is how soon after the expiry of its lease a shard is read again where nothing else fails.
const quickly = 3 * time.Second

// soon is by when workers have their shares, where nothing else fails.
const soon = 40 * time.Second

// oracle knows what must hold, and is told of everything that could break it.
type oracle struct {
	s         *Simulation
	changed   time.Duration // when the membership changed last
	changes   int
	handovers int
	opens     int
	begun     bool                      // a lease at the tip was made
	tip       time.Duration             // when the first one was
	asked     map[*reader]time.Duration // since when, by its clock
	latest    time.Duration             // the longest time between a change and a lease handed over because of it
	reread    time.Duration             // the longest time that a shard of a dead worker waited
}

func newOracle(s *Simulation) *oracle {
	return &oracle{s: s, asked: map[*reader]time.Duration{}}
}

// loaded judges rows that are in the table from now on: each is the next one of its shard, and those of the parents are
// all there.
func (o *oracle) loaded(by *process, r span) {
	s, sh := o.s, r.sh
	switch {
	case r.a < sh.done:
		s.fail("w%d loaded user records %d to %d of %s twice", by.w.n, r.a, min(r.b, sh.done)-1, sh.id)
	case r.a > sh.done:
		s.fail("w%d loaded user record %d of %s, and %d to %d were never", by.w.n, r.a, sh.id, sh.done, r.a-1)
	}
	for _, p := range sh.parents {
		if !p.complete() {
			s.fail("w%d loaded rows of %s before those of its parent %s were all loaded", by.w.n, sh.id, p.id)
		}
	}
	sh.done = max(sh.done, r.b)
	if s.trace != nil {
		s.say("table: %s now to %d", sh.id, sh.done)
	}
}

// acquired notes who owns the offset of a shard.
func (o *oracle) acquired(by *process, n int) { o.s.stream.shards[n].acquire = by.w.n<<16 | by.w.life }

// movedOffset judges a committed move: it is its latest acquirer's, and says exactly what is in the table.
func (o *oracle) movedOffset(by *process, n int) {
	s := o.s
	sh := s.stream.shards[n]
	rows := s.cloud.offsets[n]
	if len(rows) != 1 {
		s.fail("%s has %d rows of offsets", sh.id, len(rows))
		return
	}
	if sh.acquire != by.w.n<<16|by.life {
		s.fail("w%d moved the offset of %s after w%d had acquired it", by.w.n, sh.id, sh.acquire>>16)
	}
	if have := sh.upTo(rows[0].at); have != sh.done {
		s.fail("the offset of %s says %d user records, the table has %d", sh.id, have, sh.done)
	}
}

// outcome judges what the ledger says of a batch. One that is committed may be called fenced, in all of its shards, when
// each of them has been moved on by others since: they will be acquired anew, and then it shows.
func (o *oracle) outcome(p *process, b snowflake.Batch, out row.Outcome, err error) {
	id := b.ID
	switch done := o.s.cloud.done[id]; {
	case err == nil && out.Committed && !done:
		o.s.fail("w%d believes that batch %s is committed, and it is not", p.w.n, id)
	case err == nil && !out.Committed && done && len(out.Fenced) < len(b.Moves):
		o.s.fail("w%d is to load %d shards of batch %s again, which is committed", p.w.n, len(b.Moves)-len(out.Fenced), id)
	case err != nil && done:
		o.s.fail("w%d is to load batch %s again, which is committed: %v", p.w.n, id, err)
	}
}

// sent judges a write that a process is about to send.
func (o *oracle) sent(p *process, w lease.Write) {
	u := w.Update
	if u == nil || u.Request || u.If.CheckpointOwner != p.w.name || !u.Set.EndHandover {
		return
	}
	// It hands over what it was asked for.
	if r := p.readers[u.Key]; r != nil && !r.closed && !r.gone && !r.finished {
		if since, ok := o.asked[r]; !ok || p.mono()-since < lease.HandOverTimeout {
			o.s.fail("w%d hands %s over while it is still reading or committing it", p.w.n, u.Key)
		}
	}
}

// written judges a write that has taken effect.
func (o *oracle) written(by *process, before, after lease.Lease) {
	s := o.s
	sh := s.stream.byID[after.Key]
	if s.trace != nil {
		s.say("lease %s of %q/%q %d at %v, by w%d", after.Key, after.Owner, after.CheckpointOwner, after.Counter, after.Checkpoint, by.w.n)
	}
	if after.Checkpoint.Compare(before.Checkpoint) < 0 {
		s.fail("w%d put the checkpoint of %s from %v back to %v", by.w.n, after.Key, before.Checkpoint, after.Checkpoint)
	}
	if after.Checkpoint != before.Checkpoint {
		if have := sh.upTo(after.Checkpoint); have > sh.done {
			s.fail("w%d put the checkpoint of %s to %v, user record %d, and the table has %d", by.w.n, after.Key, after.Checkpoint, have, sh.done)
		}
		if after.Finished() {
			if !sh.complete() {
				s.fail("w%d finished %s, and the table has %d of its user records", by.w.n, after.Key, sh.done)
			}
			for _, c := range sh.children {
				if _, ok := s.table.row(c.id); !ok {
					s.fail("w%d finished %s before its child %s had a lease", by.w.n, after.Key, c.id)
				}
			}
		}
	}
	if before.CheckpointOwner != "" && after.CheckpointOwner == "" && after.Owner == before.Owner {
		o.handovers++
		o.latest = max(o.latest, s.now-o.changed)
		if s.plan.quiet && s.now-o.changed > soon {
			s.fail("w%d hands %s over %v after the last worker or shard came or went", by.w.n, after.Key, s.now-o.changed)
		}
	}
}

// created notes a new lease. The first that begins at the tip says what the fleet has to load: what comes from then on,
// and nothing of shards that were closed before.
func (o *oracle) created(l lease.Lease) {
	s := o.s
	if l.Checkpoint.Sequence != row.Latest {
		return
	}
	sh := s.stream.byID[l.Key]
	began := time.UnixMilli(l.StartMillis).Sub(epoch)
	if !o.begun {
		o.begun, o.tip = true, s.now
		for _, c := range s.stream.shards {
			if c.closed <= began {
				c.base = c.users(c.records(never))
				c.done = c.base
				c.deleted = true
			}
		}
	}
	if began > o.tip {
		s.fail("the lease of %s begins at %v, and the first one was made at %v", l.Key, began, o.tip)
	}
	if sh.base == 0 && sh.done == 0 {
		sh.base = sh.users(sh.from(began))
		sh.done = sh.base
	}
}

// deleting judges the deletion of a lease: nobody will look for it, as the shard is gone or its children, too, are done.
func (o *oracle) deleting(l lease.Lease) {
	sh := o.s.stream.byID[l.Key]
	for _, c := range sh.children {
		if !sh.gone && !c.complete() {
			o.s.fail("the lease of %s was deleted while the stream has the shard, and its child %s is not done", sh.id, c.id)
		}
	}
	if !sh.complete() {
		o.s.fail("the lease of %s was deleted, and the table has %d of its user records", sh.id, sh.done)
	}
	sh.deleted = true
}

// opened judges the begin of a holding.
func (o *oracle) opened(r *reader) {
	s, sh := o.s, r.sh
	for _, p := range sh.parents {
		if !p.complete() {
			s.fail("w%d reads %s before its parent %s is committed to its end", r.p.w.n, sh.id, p.id)
		}
	}
	if sh.deleted {
		s.fail("w%d reads %s again, whose lease was deleted", r.p.w.n, sh.id)
	}
	l, _ := s.table.row(sh.id)
	switch start := r.start.Checkpoint; {
	case l.Owner == r.p.w.name && start.Compare(l.Checkpoint) < 0:
		s.fail("w%d reads %s from %v, and its lease says %v", r.p.w.n, sh.id, start, l.Checkpoint)
	case sh.upTo(start) > sh.done:
		s.fail("w%d reads %s from %v, user record %d, and the table has %d", r.p.w.n, sh.id, start, sh.upTo(start), sh.done)
	}
	if sh.orphan >= 0 {
		waited := s.now - max(sh.orphan, o.changed)
		o.reread = max(o.reread, waited)
		sh.orphan = -1
		if s.plan.quiet && waited > s.plan.lease+quickly {
			s.fail("%s waited %v for a reader after its worker had died", sh.id, waited)
		}
	}
	o.opens++
	sh.holders = append(sh.holders, r)
	o.alone(sh)
}

// released notes the end of a holding.
func (o *oracle) released(r *reader) {
	r.sh.holders = slices.DeleteFunc(r.sh.holders, func(h *reader) bool { return h == r })
	delete(o.asked, r)
}

// releasing notes that a process that stops has nothing left to commit: it gives up all that it holds.
func (o *oracle) releasing(p *process) {
	for _, gen := range slices.Sorted(maps.Keys(p.byGen)) {
		o.released(p.byGen[gen])
	}
}

// handing judges the end of a holding that is handed over: what was read is committed.
func (o *oracle) handing(r *reader) {
	if r.read > r.sh.done && !r.p.dropped {
		o.s.fail("w%d hands %s over, of which it has read %d user records and the table has %d", r.p.w.n, r.sh.id, r.read, r.sh.done)
	}
	o.released(r)
}

// glance is how soon one that was away looks at its clocks.
func (o *oracle) glance() time.Duration { return o.s.plan.lease/10 + time.Millisecond }

// alone holds the rule that leases are for: of those who are running, one at most believes that it holds a shard. One
// that was away looks at its clocks soon after.
func (o *oracle) alone(sh *shard) {
	s := o.s
	var awake []*reader
	for _, h := range sh.holders {
		if h.p.dead {
			continue
		}
		if h.p.w.until > 0 && s.now <= h.p.w.until+o.glance() {
			s.after(h.p.w.until+o.glance()+time.Millisecond-s.now, func() { o.alone(sh) })
			continue
		}
		awake = append(awake, h)
	}
	if len(awake) > 1 {
		s.fail("w%d and w%d both hold %s", awake[0].p.w.n, awake[1].p.w.n, sh.id)
	}
}

// member notes that a worker came or went.
func (o *oracle) member() {
	o.changed = o.s.now
	o.changes++
}

// died notes the end of a process that did not give up its leases.
func (o *oracle) died(p *process) {
	o.member()
	for _, gen := range slices.Sorted(maps.Keys(p.byGen)) {
		r := p.byGen[gen]
		if slices.Contains(r.sh.holders, r) {
			o.released(r)
			r.sh.orphan = o.s.now
		}
	}
}

// left notes the end of a process that gave everything up.
func (o *oracle) left(p *process) {
	o.member()
	o.s.again(p.w, o.s.upTo(20*time.Second))
	for _, sh := range o.s.stream.shards {
		for _, h := range sh.holders {
			if h.p == p {
				o.s.fail("w%d has stopped and did not give %s up", p.w.n, sh.id)
			}
		}
	}
}

// unrest says what is not yet as it must be in the end.
func (o *oracle) unrest() string {
	s := o.s
	for _, sh := range s.stream.shards {
		if !sh.drained() {
			return fmt.Sprintf("%s has %d of %d user records in the table", sh.id, sh.done, sh.users(sh.records(never)))
		}
		l, ok := s.table.row(sh.id)
		switch {
		case sh.gone, sh.deleted:
		case !ok:
			return fmt.Sprintf("%s has no lease", sh.id)
		case sh.closed != openForever && !l.Finished():
			return fmt.Sprintf("%s is not finished: %+v", sh.id, l)
		case sh.closed == openForever && len(sh.holders) != 1:
			return fmt.Sprintf("%s is read by %d", sh.id, len(sh.holders))
		case sh.closed == openForever && l.Checkpoint.IsNumber() && sh.upTo(l.Checkpoint) != sh.done:
			return fmt.Sprintf("%s has its checkpoint at %v, and the table %d", sh.id, l.Checkpoint, sh.done)
		}
	}
	return o.uneven()
}

// uneven says whose share of the leases is not that of the others.
func (o *oracle) uneven() string {
	shares := map[*process]int{}
	for _, sh := range o.s.stream.shards {
		for _, h := range sh.holders {
			shares[h.p]++
		}
	}
	least, most := 1<<31, 0
	for _, w := range o.s.workers {
		switch {
		case w.leaves:
		case w.p == nil || w.p.dead || w.p.stopping:
			return w.name + " is not back"
		case o.s.now < w.until:
			return w.name + " does not run"
		default:
			least, most = min(least, shares[w.p]), max(most, shares[w.p])
		}
	}
	if most > least+1 {
		return fmt.Sprintf("one worker has %d leases, another %d", most, least)
	}
	return ""
}
