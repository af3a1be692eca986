package kinesis

import (
	"fmt"
	"slices"
	"sort"
	"sync"
	"time"
)

// shard is one shard of a stream, guarded by the stream's lock.
type shard struct {
	number     int
	id         string
	start, end hashKey // inclusive
	parents    []*shard
	children   []*shard
	created    int64 // milliseconds; a child's is later than its parents' closing
	closed     int64 // milliseconds, 0 while open
	second     int64 // the second of making in its sequence numbers
	expired    bool  // closed for longer than the retention period

	log       records
	reads     callWindow
	iterators callWindow
	read      readMeter
	bytes     bucket
	load      load
	count     bucket
	waiting   chan struct{} // closed at the next change, nil when nobody waits
}

func (h *shard) open() bool { return h.closed == 0 }

// woken is closed when the shard gets a record or changes otherwise. Like wake it is called under the stream's lock.
func (h *shard) woken() <-chan struct{} {
	if h.waiting == nil {
		h.waiting = make(chan struct{})
	}
	return h.waiting
}

func (h *shard) wake() {
	if h.waiting != nil {
		close(h.waiting)
		h.waiting = nil
	}
}

func (h *shard) sequence(index uint64, arrival int64) sequence {
	return sequence{created: h.second, index: index, arrived: arrival / 1000, shard: uint32(h.number)}
}

func (h *shard) starting() string { return h.sequence(0, h.second*1000).String() }

func (h *shard) ending() string { return h.sequence(lastIndex, h.closed).String() }

func (h *shard) parentIDs() []string {
	ids := make([]string, len(h.parents))
	for i, p := range h.parents {
		ids[i] = p.id
	}
	return ids
}

// stream is one incarnation of a named stream. Its fields are guarded by mu, save those set once at its making.
type stream struct {
	name, arn, account string
	incarnation        uint64
	created            int64 // whole seconds, in milliseconds

	mu         sync.Mutex
	onDemand   bool
	auto       bool // the service places records, whatever their keys
	retention  time.Duration
	maxRecord  int // bytes of payload and partition key
	keyID      string
	kms        string // the exception that encrypted reads and writes meet, "" for none
	shards     []*shard
	ring       []*shard // the open ones, by hash range
	index      uint64   // of the last record; one series for all shards, so each shard's has gaps
	turn       int
	creating   int64 // ACTIVE from this time on
	deleting   int64 // gone from this time on, 0 when not being deleted
	updating   int64 // the time at which pending is applied, 0 when none is
	pending    func(at int64)
	scaled     []time.Time // of UpdateShardCount calls
	modes      []time.Time // of UpdateStreamMode calls
	autoSplit  AutoSplit
	horizonMin int64 // what a shorter retention once trimmed stays trimmed

	consumers    map[string]*consumer
	lastConsumer map[string]int64 // the second in which one of the name was last made
}

func shardID(n int) string { return fmt.Sprintf("shardId-%012d", n) }

func (st *stream) addShard(start, end hashKey, created, second int64, parents ...*shard) *shard {
	n := len(st.shards)
	h := &shard{number: n, id: shardID(n), start: start, end: end, created: created, second: second, parents: parents}
	for _, p := range parents {
		p.children = append(p.children, h)
	}
	st.shards = append(st.shards, h)
	at := sort.Search(len(st.ring), func(i int) bool { return st.ring[i].start.compare(start) > 0 })
	st.ring = slices.Insert(st.ring, at, h)
	return h
}

// settle brings the stream up to now: pending reshards are applied, old records trimmed, old shards forgotten.
func (st *stream) settle(now int64) {
	if st.updating != 0 && now >= st.updating {
		apply, at := st.pending, st.updating
		st.pending, st.updating = nil, 0
		apply(at)
	}
	st.settleConsumers(now)
	horizon := st.horizon(now)
	for _, h := range st.shards {
		if h.expired {
			continue
		}
		h.log.trim(horizon)
		if !h.open() && h.closed < horizon {
			h.expired = true
		}
	}
}

// wake tells all who wait for one of the stream's shards to look again.
func (st *stream) wake() {
	for _, h := range st.shards {
		h.wake()
	}
}

// horizon is the time before which records are gone.
func (st *stream) horizon(now int64) int64 {
	return max(now-st.retention.Milliseconds(), st.horizonMin)
}

func (st *stream) status(now int64) string {
	switch {
	case st.deleting != 0:
		return "DELETING"
	case now < st.creating:
		return "CREATING"
	case st.updating != 0:
		return "UPDATING"
	default:
		return "ACTIVE"
	}
}

// find resolves a shard id to a shard that is still listed. Like the service it also takes the bare number.
func (st *stream) find(id string) (*shard, *Error) {
	n, ok := shardNumber(id)
	if !ok {
		return nil, notFound("Could not find shard %s in stream %s under account %s.", id, st.name, st.account)
	}
	if n >= len(st.shards) || st.shards[n].expired {
		return nil, st.noShard(shardID(n))
	}
	return st.shards[n], nil
}

func (st *stream) noShard(id string) *Error {
	return notFound("Shard %s in stream %s under account %s does not exist", id, st.name, st.account)
}

func shardNumber(id string) (int, bool) {
	if len(id) > 8 && id[:8] == "shardId-" {
		id = id[8:]
	}
	n := 0
	for _, c := range []byte(id) {
		if c < '0' || c > '9' || n > 1<<31 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, id != "" && n < 1<<31
}

// place is the open shard whose range holds the key.
func (st *stream) place(key hashKey) *shard {
	i := sort.Search(len(st.ring), func(i int) bool { return st.ring[i].end.compare(key) >= 0 })
	return st.ring[i]
}

// placeAuto takes the open shards in turn.
func (st *stream) placeAuto() *shard {
	st.turn = (st.turn + 1) % len(st.ring)
	return st.ring[st.turn]
}

// add appends a record to an open shard and returns its sequence number's parts.
func (st *stream) add(h *shard, now int64, key string, data []byte, flags uint16) sequence {
	if n := len(h.log.entries); n > 0 {
		now = max(now, h.log.entries[n-1].arrival)
	}
	if st.keyID != "" {
		flags |= flagEncrypted
	}
	st.index++
	h.log.append(st.index, now, key, data, flags)
	h.wake()
	q := h.sequence(st.index, now)
	if st.onDemand {
		st.loaded(h, len(key)+len(data), now)
	}
	return q
}
