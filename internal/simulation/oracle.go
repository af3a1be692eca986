package simulation

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/snowflake"
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
