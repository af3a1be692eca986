package simulation

import (
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source/lease"
)

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
// and nothing of shards that its worker's listing no longer showed as open.
func (o *oracle) created(l lease.Lease, by *process) {
	s := o.s
	if l.Checkpoint.Sequence != row.Latest {
		return
	}
	sh := s.stream.byID[l.Key]
	began := time.UnixMilli(l.StartMillis).Sub(epoch)
	if !o.begun {
		o.begun, o.tip = true, s.now
		for _, c := range s.stream.shards {
			if c.closed <= max(began, by.tipListed) {
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
