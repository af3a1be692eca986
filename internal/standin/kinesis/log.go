package kinesis

import "sort"

// entry indexes one record in a log. It holds no pointer, so a long log costs the garbage collector nothing.
type entry struct {
	arrival int64  // milliseconds since the Unix epoch
	index   uint64 // the index in its sequence number
	data    uint32 // bytes of payload, which follow the partition key
	offset  uint32 // in its chunk
	chunk   uint32
	key     uint16 // bytes of partition key
	flags   uint16
}

const (
	flagEncrypted = 1 << iota
	flagNoKey     // the producer gave no partition key, as streams with service-managed distribution allow
)

func (e entry) size() int { return int(e.data) + int(e.key) }

const (
	firstChunk = 4 << 10
	fullChunk  = 1 << 20
)

// records is a shard's log. Bytes once written and entries once appended never change, so a view taken under the
// stream's lock may be read after it is released.
type records struct {
	entries []entry
	chunks  [][]byte // always at full length, so that a view's headers never change
	dropped uint32   // chunks trimmed away before chunks[0]
	used    int      // bytes written of the last chunk
	next    int      // size of the next chunk

	put     int    // records ever appended
	trimmed int    // of them, how many are gone
	bytes   int64  // payload bytes ever appended
	first   uint64 // index of the first record ever appended
	firstAt int64
}

// view is a run of records that stays readable without a lock.
type view struct {
	entries []entry
	chunks  [][]byte
	dropped uint32
}

func (v view) key(e entry) []byte {
	return v.chunks[e.chunk-v.dropped][e.offset:][:e.key]
}

func (v view) data(e entry) []byte {
	return v.chunks[e.chunk-v.dropped][int(e.offset)+int(e.key):][:e.data]
}

func (r *records) append(index uint64, arrival int64, key string, data []byte, flags uint16) {
	need := len(key) + len(data)
	if len(r.chunks) == 0 || r.used+need > len(r.chunks[len(r.chunks)-1]) {
		r.next = min(max(2*r.next, firstChunk), fullChunk)
		r.chunks = append(r.chunks, make([]byte, max(r.next, need)))
		r.used = 0
	}
	chunk := r.chunks[len(r.chunks)-1]
	copy(chunk[r.used:], key)
	copy(chunk[r.used+len(key):], data)
	if r.put == 0 {
		r.first, r.firstAt = index, arrival
	}
	r.entries = append(r.entries, entry{
		arrival: arrival, index: index, data: uint32(len(data)), key: uint16(len(key)), flags: flags,
		offset: uint32(r.used), chunk: r.dropped + uint32(len(r.chunks)) - 1,
	})
	r.used += need
	r.put++
	r.bytes += int64(len(data))
}

// from is the place in entries of the first record with at least this index.
func (r *records) from(index uint64) int {
	return sort.Search(len(r.entries), func(i int) bool { return r.entries[i].index >= index })
}

// since is the place in entries of the first record that arrived at or after this time.
func (r *records) since(arrival int64) int {
	return sort.Search(len(r.entries), func(i int) bool { return r.entries[i].arrival >= arrival })
}

func (r *records) view(from, to int) view {
	return view{r.entries[from:to], r.chunks, r.dropped}
}

// trim drops the records that arrived before horizon, and the chunks that no record is left in. Chunks move to a
// fresh slice, since a view may be reading the old one.
func (r *records) trim(horizon int64) {
	if len(r.entries) == 0 || r.entries[0].arrival >= horizon {
		return // each call of a stream comes by here, for each shard
	}
	n := r.since(horizon)
	r.entries = r.entries[n:]
	r.trimmed += n
	gone := len(r.chunks)
	if len(r.entries) > 0 {
		gone = int(r.entries[0].chunk - r.dropped)
	}
	if gone > 0 {
		r.chunks = append([][]byte(nil), r.chunks[gone:]...)
		r.dropped += uint32(gone)
	}
}
