package simulation

import (
	"fmt"
	"math/big"
	"strconv"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source/lease"
)

const (
	aggregateEvery = 10 // one record in ten is an aggregate
	aggregateSize  = 5  // user records in it
	firstSequence  = 7  // sequence numbers grow from here, so that their lengths differ
)

// shard is a shard of the simulated stream. Its records come at even intervals while it is open, so how many there are
// is a matter of the time alone; the user records in them are counted through, and the table's content is how far.
type shard struct {
	id        string
	n         int
	parents   []*shard
	children  []*shard
	low, high uint32 // hash range, in 2^-32 of the whole, inclusive
	info      lease.Shard

	opened  time.Duration
	closed  time.Duration // when it was split or merged; never while it is open
	stop    time.Duration // when producers stop
	every   time.Duration // between two records
	phase   int           // which of ten records are aggregates
	deleted bool          // its lease
	gone    bool          // the retention is over: no longer listed

	base int64 // user records that were done before this application
	done int64 // user records that are in the table, from the first on

	holders []*reader     // those that believe to hold it, oldest first
	orphan  time.Duration // when its last reader died; -1 when it did not
	acquire int           // number of the worker that acquired its offset last
}

// openForever is the closing time of an open shard.
const openForever = never

const never = time.Duration(1<<63 - 1)

// records returns how many records the shard has at a time.
func (sh *shard) records(at time.Duration) int {
	at = min(at, sh.closed, sh.stop)
	if at <= sh.opened {
		return 0
	}
	return int((at - sh.opened) / sh.every)
}

// from returns the first record that came at or after a time.
func (sh *shard) from(at time.Duration) int {
	k := max(0, int((at-sh.opened)/sh.every)-1)
	for sh.arrived(k) < at {
		k++
	}
	return k
}

// arrived returns when record k came.
func (sh *shard) arrived(k int) time.Duration { return sh.opened + time.Duration(k+1)*sh.every }

// users returns how many user records the first k records hold.
func (sh *shard) users(k int) int64 {
	return int64(k) + (aggregateSize-1)*int64((k+aggregateEvery-1-sh.phase)/aggregateEvery)
}

func (sh *shard) size(k int) int64 { return sh.users(k+1) - sh.users(k) }

func sequence(k int) string { return strconv.Itoa(firstSequence + k) }

// last returns the position of the last user record of record k.
func (sh *shard) last(k int) row.Position {
	return row.Position{Sequence: sequence(k), Subsequence: sh.size(k) - 1}
}

// record returns the record that a position names.
func record(p row.Position) (k int, ok bool) {
	n, err := strconv.Atoi(p.Sequence)
	return n - firstSequence, err == nil
}

// upTo returns how many user records lie up to and including p.
func (sh *shard) upTo(p row.Position) int64 {
	if p.Sequence == row.ShardEnd {
		return sh.users(sh.records(never))
	}
	k, ok := record(p)
	if !ok {
		return 0
	}
	return sh.users(k) + min(p.Subsequence, sh.size(k)-1) + 1
}

// drained reports whether every user record that there will be is in the table.
func (sh *shard) drained() bool { return sh.done == sh.users(sh.records(never)) }

// complete reports whether every user record of a closed shard is in the table.
func (sh *shard) complete() bool {
	return sh.closed != openForever && sh.drained()
}

// stream is the simulated Kinesis.
type stream struct {
	s      *Simulation
	shards []*shard
	byID   map[string]*shard
}

func newStream(s *Simulation, n int) *stream {
	st := &stream{s: s, byID: map[string]*shard{}}
	for i := range n {
		from := uint32(uint64(i) << 32 / uint64(n))
		to := uint32(uint64(i+1)<<32/uint64(n) - 1)
		st.open(nil, from, to)
	}
	return st
}

func (st *stream) open(parents []*shard, from, to uint32) *shard {
	s := st.s
	n := len(st.shards)
	sh := &shard{
		id: fmt.Sprintf("shardId-%012d", n), n: n, parents: parents, low: from, high: to,
		opened: s.now, closed: openForever, stop: s.plan.produce, every: s.pace(), phase: s.rng.IntN(aggregateEvery), orphan: -1, acquire: -1,
	}
	if len(parents) == 0 {
		sh.opened = -s.upTo(s.plan.backlog)
	}
	sh.info = lease.Shard{ID: sh.id, StartHash: hashKey(from, 0), EndHash: hashKey(to, 1)}
	for _, p := range parents {
		sh.info.Parents = append(sh.info.Parents, p.id)
		p.children = append(p.children, sh)
	}
	st.shards = append(st.shards, sh)
	st.byID[sh.id] = sh
	return sh
}

// hashKey returns the first hash key of a slice of the whole, or with end 1 the last one.
func hashKey(slice uint32, end int64) string {
	k := big.NewInt(int64(slice) + end)
	k.Lsh(k, 96)
	return k.Sub(k, big.NewInt(end)).String()
}

// reshard splits or merges shards, a few of them or, as an on-demand stream does, many at once.
func (st *stream) reshard() {
	s := st.s
	s.oracle.member()
	for range 1 + s.rng.IntN(s.plan.reshards) {
		open := st.openShards()
		sh := open[s.rng.IntN(len(open))]
		if s.now-sh.opened < time.Second {
			continue
		}
		if neighbour := st.after(sh, open); neighbour != nil && s.now-neighbour.opened >= time.Second && s.once(2) {
			sh.closed, neighbour.closed = s.now, s.now
			st.open([]*shard{sh, neighbour}, sh.low, neighbour.high)
			s.note(noteReshard, int64(sh.n), int64(neighbour.n))
			continue
		}
		if sh.high-sh.low < 4 {
			continue
		}
		middle := sh.low + (sh.high-sh.low)/2
		sh.closed = s.now
		st.open([]*shard{sh}, sh.low, middle)
		st.open([]*shard{sh}, middle+1, sh.high)
		s.note(noteReshard, int64(sh.n), -1)
	}
	if s.trace != nil {
		s.say("stream resharded: %d shards ever, %d open", len(st.shards), len(st.openShards()))
	}
}

func (st *stream) openShards() (open []*shard) {
	for _, sh := range st.shards {
		if sh.closed == openForever {
			open = append(open, sh)
		}
	}
	return open
}

func (st *stream) after(sh *shard, open []*shard) *shard {
	for _, o := range open {
		if o.low == sh.high+1 && sh.high != 1<<32-1 {
			return o
		}
	}
	return nil
}

// forget ends the retention of closed shards that were committed long enough ago; the connector is never that late.
func (st *stream) forget() {
	for _, sh := range st.shards {
		if !sh.gone && sh.closed != openForever && sh.complete() && st.s.now-sh.closed > st.s.plan.retention {
			begun := true
			for _, c := range sh.children {
				begun = begun && (c.done > 0 || c.complete())
			}
			sh.gone = begun
		}
	}
}

// list answers ListShards.
func (st *stream) list(start *lease.Start) lease.Listing {
	var l lease.Listing
	for _, sh := range st.shards {
		switch {
		case sh.gone:
			continue
		case start != nil && start.Position == row.Latest && sh.closed != openForever:
			continue
		case start != nil && start.Position == row.TrimHorizon && st.hasListedParent(sh):
			continue
		}
		info := sh.info
		info.Closed = sh.closed != openForever
		l.Shards = append(l.Shards, info)
	}
	return l
}

func (st *stream) hasListedParent(sh *shard) bool {
	for _, p := range sh.parents {
		if !p.gone {
			return true
		}
	}
	return false
}

// answer is what GetRecords returns: the records from a to before b.
type answer struct {
	a, b     int
	behind   time.Duration
	end      bool
	children []lease.Shard
}

// get answers GetRecords from record k on.
func (st *stream) get(sh *shard, k int) answer {
	s := st.s
	have := sh.records(s.now)
	ans := answer{a: k, b: min(have, k+1+s.rng.IntN(s.plan.limit))}
	ans.b = max(ans.a, ans.b)
	if ans.b < have {
		ans.behind = s.now - sh.arrived(ans.b)
	}
	if sh.closed != openForever && s.now >= sh.closed && ans.b == have && (ans.a == ans.b || s.once(2)) {
		ans.end = true
		// A service may leave the children out, or name them without their parents.
		if s.once(4) {
			return ans
		}
		for _, c := range sh.children {
			ans.children = append(ans.children, c.info)
		}
	}
	return ans
}
