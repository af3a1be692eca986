package lease

import (
	"slices"
	"strconv"
	"time"

	"kinesis-snowflake/internal/row"
)

// kcl is a worker of the Kinesis Client Library, as far as the lease table sees it: its conditional writes are those of
// DynamoDBLeaseRefresher and DynamoDBLeaseSerializer of KCL 3.5.1 and 2.7.3, its timers the defaults for a failover time
// of 10 s.
type kcl struct {
	s     *simulation
	name  string
	v3    bool
	dead  bool
	holds map[string]*kclLease
	seen  map[string]kclSight // of the taker, or of the leader
	fleet []*kcl              // of the leader: whom it assigns leases to
	moves int                 // leases taken or assigned
}

type kclLease struct {
	counter int64
	renewed time.Duration
	next    string // the worker it is handed over to
}

type kclSight struct {
	counter int64
	at      time.Duration
}

const (
	kclRenew    = 3308 * time.Millisecond
	kclTake     = 20050 * time.Millisecond
	kclAssign   = 20 * time.Second
	kclDiscover = 9975 * time.Millisecond
)

func (s *simulation) kcl(name string, v3 bool) *kcl {
	k := &kcl{s: s, name: name, v3: v3, holds: map[string]*kclLease{}, seen: map[string]kclSight{}}
	k.every(kclRenew, k.renew)
	k.every(1100*time.Millisecond, k.checkpoint)
	if v3 {
		k.every(kclDiscover, k.discover)
	} else {
		k.every(kclTake, k.take)
	}
	return k
}

func (k *kcl) every(d time.Duration, do func()) {
	var tick func()
	tick = func() {
		if !k.dead {
			do()
			k.s.after(d, tick)
		}
	}
	k.s.after(time.Duration(k.s.rng.IntN(int(d))), tick)
}

// write changes a row under a condition.
func (k *kcl) write(key string, condition func(Lease) bool, change func(*Lease)) (Lease, bool) {
	k.s.store.mu.Lock()
	defer k.s.store.mu.Unlock()
	l, ok := k.s.store.rows[key]
	if !ok || !condition(l) {
		return l, false
	}
	before := l.Checkpoint
	change(&l)
	if l.Checkpoint.Compare(before) < 0 {
		k.s.fail("%s moved the checkpoint of %s from %v back to %v", k.name, key, before, l.Checkpoint)
	}
	k.s.store.rows[key] = l
	k.s.written[key] = l.Checkpoint
	return l, true
}

func (k *kcl) renew() {
	for _, key := range sortedKeys(k.holds) {
		h := k.holds[key]
		if k.s.now-h.renewed > k.s.duration {
			delete(k.holds, key)
			continue
		}
		condition := func(l Lease) bool {
			return l.Counter == h.counter && (!k.v3 || l.CheckpointOwner == "" || h.next != "")
		}
		change := func(l *Lease) { l.Counter++; l.Measured = l.Measured || k.v3 }
		l, ok := k.write(key, condition, change)
		if !ok && k.v3 && l.Counter == h.counter && l.CheckpointOwner == k.name && l.Owner != k.name {
			// initiateGracefulShutdown: renew on, drain, hand over.
			h.next = l.Owner
			l, ok = k.write(key, condition, change)
			k.s.after(time.Duration(k.s.rng.IntN(int(5*time.Second))), func() { k.handOver(key, h) })
		}
		if !ok {
			delete(k.holds, key)
			continue
		}
		h.counter, h.renewed = l.Counter, k.s.now
	}
}

// handOver is the last checkpoint, then assignLease.
func (k *kcl) handOver(key string, h *kclLease) {
	if k.dead || k.holds[key] != h {
		return
	}
	k.write(key, func(l Lease) bool { return l.Counter == h.counter }, func(l *Lease) { l.Counter++; advance(l) })
	delete(k.holds, key)
	k.write(key, func(l Lease) bool { return l.Owner == h.next && l.CheckpointOwner == k.name },
		func(l *Lease) { l.Counter++; l.OwnerSwitches++; l.CheckpointOwner = "" })
}

func advance(l *Lease) {
	at, _ := strconv.Atoi(l.Checkpoint.Sequence)
	l.Checkpoint, l.OwnerSwitches = row.Position{Sequence: strconv.Itoa(at + 1)}, 0
}

func (k *kcl) checkpoint() {
	keys := sortedKeys(k.holds)
	if len(keys) == 0 {
		return
	}
	h := k.holds[keys[k.s.rng.IntN(len(keys))]]
	key := keys[slices.IndexFunc(keys, func(key string) bool { return k.holds[key] == h })]
	if l, ok := k.write(key, func(l Lease) bool { return l.Counter == h.counter && k.s.now-h.renewed <= k.s.duration }, func(l *Lease) { l.Counter++; advance(l) }); ok {
		h.counter, h.renewed = l.Counter, k.s.now
	} else {
		delete(k.holds, key)
	}
}

// sight returns the age of a row's counter, and whether it is expired or free.
func (k *kcl) sight(l Lease) (age time.Duration, available bool) {
	was, ok := k.seen[l.Key]
	if !ok || was.counter != l.Counter {
		was = kclSight{counter: l.Counter, at: k.s.now}
		k.seen[l.Key] = was
	}
	if l.Owner == "" {
		return 1 << 60, true
	}
	return k.s.now - was.at, k.s.now-was.at > k.s.duration
}

func (k *kcl) grab(l Lease) {
	got, ok := k.write(l.Key, func(now Lease) bool { return now.Counter == l.Counter }, func(l *Lease) {
		if l.Owner != "" && l.Owner != k.name {
			l.OwnerSwitches++
		}
		l.Owner, l.CheckpointOwner = k.name, ""
		l.Counter++
	})
	if ok {
		k.moves++
		k.holds[l.Key] = &kclLease{counter: got.Counter, renewed: k.s.now}
	}
}

// take is DynamoDBLeaseTaker.
func (k *kcl) take() {
	counts := map[string]int{k.name: 0}
	var available, old, rows []Lease
	for _, key := range sortedKeys(k.s.store.rows) {
		l := k.s.store.row(key)
		rows = append(rows, l)
		age, free := k.sight(l)
		if free {
			available = append(available, l)
			if age > 3*k.s.duration {
				old = append(old, l)
			}
			continue
		}
		counts[l.Owner]++
	}
	rnd := k.s.rng
	rnd.Shuffle(len(available), func(i, j int) { available[i], available[j] = available[j], available[i] })
	target := (len(rows) + len(counts) - 1) / len(counts)
	if len(counts) >= len(rows) {
		target = 1
	}
	need := target - counts[k.name]
	switch {
	case len(old) > 0:
		available, need = old, len(old)
	case need <= 0:
		return
	case len(available) == 0:
		most := ""
		for _, name := range sortedKeys(counts) {
			if name != k.name && (most == "" || counts[name] > counts[most]) {
				most = name
			}
		}
		if most == "" || counts[most] <= target && !(counts[most] == target && need > 1) {
			return
		}
		for _, l := range rows {
			if l.Owner == most {
				available = append(available, l)
			}
		}
		available, need = available[rnd.IntN(len(available)):], 1
	}
	for _, l := range available[:min(need, len(available))] {
		k.grab(l)
	}
}

// discover is DynamoDBLeaseDiscoverer: what was assigned is held without a write.
func (k *kcl) discover() {
	for _, key := range sortedKeys(k.s.store.rows) {
		if l := k.s.store.row(key); l.Owner == k.name && l.CheckpointOwner == "" && k.holds[key] == nil {
			k.holds[key] = &kclLease{counter: l.Counter, renewed: k.s.now}
		}
	}
}

// lead makes k the leader of a fleet: it assigns what is free or expired to the worker with the fewest leases, and moves
// one lease at a time from the one with the most. Workers of others have no metrics, so they neither give nor get.
func (k *kcl) lead(fleet ...*kcl) {
	k.fleet = fleet
	k.every(kclAssign, func() {
		counts := map[string]int{}
		for _, w := range k.fleet {
			if !w.dead {
				counts[w.name] = 0
			}
		}
		var available []Lease
		for _, key := range sortedKeys(k.s.store.rows) {
			l := k.s.store.row(key)
			if _, free := k.sight(l); free {
				available = append(available, l)
			} else if _, member := counts[l.Owner]; member {
				counts[l.Owner]++
			}
		}
		least := func() string {
			return slices.MinFunc(sortedKeys(counts), func(a, b string) int { return counts[a] - counts[b] })
		}
		for _, was := range available {
			to := least()
			counts[to]++
			k.moves++
			k.write(was.Key, func(l Lease) bool { return l.Owner == was.Owner && l.CheckpointOwner == was.CheckpointOwner },
				func(l *Lease) { l.Owner, l.CheckpointOwner = to, ""; l.Counter++; l.OwnerSwitches++ })
		}
		most := slices.MaxFunc(sortedKeys(counts), func(a, b string) int { return counts[a] - counts[b] })
		if to := least(); counts[most] > counts[to]+1 {
			for _, key := range sortedKeys(k.s.store.rows) {
				if _, ok := k.write(key, func(l Lease) bool { return l.Owner == most && l.CheckpointOwner == "" },
					func(l *Lease) { l.Owner, l.CheckpointOwner = to, most }); ok {
					k.moves++
					return
				}
			}
		}
	})
}

// owners counts unfinished leases by owner, those of this program's workers under one name each.
func (s *simulation) owners() map[string]int {
	n := map[string]int{}
	for _, key := range sortedKeys(s.store.rows) {
		n[s.store.row(key).Owner]++
	}
	return n
}
