package kinesis

import "slices"

// closeShards ends shards for a reshard and returns when their children begin, and in which second of the sequence
// numbers: later than every parent's, however little the clock has moved.
func (st *stream) closeShards(now int64, parents ...*shard) (created, second int64) {
	second = now / 1000
	for _, p := range parents {
		now = max(now, p.created)
		second = max(second, p.second)
	}
	for _, p := range parents {
		p.closed = now
		if n := len(p.log.entries); n > 0 {
			p.closed = max(p.closed, p.log.entries[n-1].arrival)
		}
		p.wake()
		st.ring = slices.DeleteFunc(st.ring, func(h *shard) bool { return h == p })
	}
	return now + 1, second + 1
}

// split cuts h so that the second child begins at key, which lies strictly inside its range.
func (st *stream) split(h *shard, key hashKey, now int64) (left, right *shard) {
	created, second := st.closeShards(now, h)
	left = st.addShard(h.start, key.prev(), created, second, h)
	right = st.addShard(key, h.end, created, second, h)
	return left, right
}

// merge joins two adjacent open shards. The first named is the parent, the other the adjacent parent.
func (st *stream) merge(a, b *shard, now int64) *shard {
	created, second := st.closeShards(now, a, b)
	start, end := a.start, b.end
	if a.start.compare(b.start) > 0 {
		start, end = b.start, a.end
	}
	return st.addShard(start, end, created, second, a, b)
}

// scale reshards to n equal ranges by splits and merges, which leaves short-lived shards behind as the service does.
func (st *stream) scale(n int, now int64) {
	wanted := make(map[hashKey]bool, n)
	for i := range n {
		b := boundary(i, n)
		wanted[b] = true
		if h := st.place(b); h.start != b {
			st.split(h, b, now)
		}
	}
	for i := 1; i < len(st.ring); {
		if wanted[st.ring[i].start] {
			i++
			continue
		}
		st.merge(st.ring[i-1], st.ring[i], now)
	}
}

func (st *stream) checkSplit(h *shard, text string) (hashKey, *Error) {
	key, wellFormed, inRange := parseHashKey(text)
	if !wellFormed {
		return key, invalid(text, "newStartingHashKey", `Member must satisfy regular expression pattern: 0|([1-9]\d{0,38})`)
	}
	if !h.open() {
		return key, invalidArgument("Shard %s in stream %s under account %s is closed and cannot be split.", h.id, st.name, st.account)
	}
	if !inRange || key.compare(h.start.next()) <= 0 || key.compare(h.end) >= 0 {
		return key, invalidArgument("NewStartingHashKey %s used in SplitShard() on shard %s in stream %s under account %s is not both greater than one plus the shard's StartingHashKey %s and less than the shard's EndingHashKey %s.",
			text, h.id, st.name, st.account, h.start, h.end)
	}
	return key, nil
}

func (st *stream) checkMerge(a, b *shard) *Error {
	adjacent := a.end != maxHashKey && a.end.next() == b.start || b.end != maxHashKey && b.end.next() == a.start
	if !adjacent || !a.open() || !b.open() {
		return invalidArgument("Shards %s and %s in stream %s under account %s are not an adjacent pair of shards eligible for merging",
			a.id, b.id, st.name, st.account)
	}
	return nil
}
