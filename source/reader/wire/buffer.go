package wire

import (
	"errors"
	"io"
	"math/bits"
	"sync"

	"kinesis-snowflake/internal/row"
)

// The service answers with at most 10 MiB of payload, 13.6 MiB as JSON, plus keys and sequence numbers of up to
// 10,000 records: under 20 MiB. A body beyond maxBody is not an answer of the service.
const maxBody = 64 << 20

// Bodies are lent in powers of two from 4 KiB (an idle shard's empty answer) on. A class wastes at most half of its
// address space, and no memory: pages that were never touched are not resident.
const (
	minClass = 12
	maxClass = 26
)

// tableBig separates two sizes of record tables, so that idle shards do not hold on to tables of 10,000 records.
const tableBig = 512

type buffer struct {
	b     []byte
	class int
}

type table struct{ r []row.Record }

// pools is shared by all shards of a process: a shard holds a buffer only while it handles an answer.
var pools struct {
	bodies      [maxClass + 1]sync.Pool
	small, full sync.Pool
}

func getBuffer(n int) *buffer {
	class := max(minClass, bits.Len(uint(max(n, 1)-1)))
	if b, ok := pools.bodies[class].Get().(*buffer); ok {
		return b
	}
	return &buffer{b: make([]byte, 1<<class), class: class}
}

func (b *buffer) put() { pools.bodies[b.class].Put(b) }

func getTable(big bool) *table {
	pool := &pools.small
	if big {
		pool = &pools.full
	}
	if t, ok := pool.Get().(*table); ok {
		return t
	}
	return &table{}
}

// put takes the table back as it has grown. Its records are cleared, so that it pins no body.
func (t *table) put(records []row.Record) {
	clear(records)
	t.r = records[:0]
	if cap(records) > tableBig {
		pools.full.Put(t)
		return
	}
	pools.small.Put(t)
}

var errTooLong = errors.New("body of over 64 MiB")

// readBody reads all of r into a lent buffer. length is the Content-Length, or negative when unknown; a body that is
// shorter than its length is an error (net/http reports it as an unexpected EOF).
func readBody(r io.Reader, length int64) (*buffer, int, error) {
	if length > maxBody {
		return nil, 0, errTooLong
	}
	// One byte more than the length, so that the read that meets the end does not grow the buffer.
	b := getBuffer(int(max(length, 0)) + 1)
	n := 0
	for {
		if n == len(b.b) {
			if n >= maxBody {
				b.put()
				return nil, 0, errTooLong
			}
			bigger := getBuffer(2 * n)
			copy(bigger.b, b.b)
			b.put()
			b = bigger
		}
		m, err := r.Read(b.b[n:])
		n += m
		if err == io.EOF {
			return b, n, nil
		}
		if err != nil {
			b.put()
			return nil, 0, err
		}
	}
}
