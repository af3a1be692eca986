package kpl

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// Hash is a hash key: an unsigned integer of 128 bits. A shard holds a range of them.
type Hash struct{ high, low uint64 }

// HashOf is the hash key of a partition key: its MD5, read as a big-endian integer.
func HashOf(partitionKey []byte) Hash {
	sum := md5.Sum(partitionKey)
	return Hash{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:])}
}

// ParseHash reads a hash key in decimal. It reports false for a text that is none.
func ParseHash[T ~string | ~[]byte](text T) (h Hash, ok bool) {
	for i := range len(text) {
		digit := uint64(text[i] - '0')
		if digit > 9 {
			return Hash{}, false
		}
		over, high := bits.Mul64(h.high, 10)
		carry, low := bits.Mul64(h.low, 10)
		low, c := bits.Add64(low, digit, 0)
		high, c = bits.Add64(high, carry, c)
		if over != 0 || c != 0 {
			return Hash{}, false
		}
		h = Hash{high, low}
	}
	return h, len(text) > 0
}

func (h Hash) less(o Hash) bool { return h.high < o.high || h.high == o.high && h.low < o.low }

// Range is the hash keys of a shard, both ends included.
type Range struct{ first, last Hash }

// ParseRange reads a shard's range, whose ends are in decimal.
func ParseRange(first, last string) (Range, error) {
	a, ok := ParseHash(first)
	b, too := ParseHash(last)
	if !ok || !too || b.less(a) {
		return Range{}, fmt.Errorf("read hash key range: %q to %q is none", first, last)
	}
	return Range{a, b}, nil
}

// Whole reports whether the range is all hash keys there are, so that nothing can be outside of it.
func (r Range) Whole() bool { return r == Range{last: Hash{^uint64(0), ^uint64(0)}} }

// Holds reports whether h is in the range.
func (r Range) Holds(h Hash) bool { return !h.less(r.first) && !r.last.less(h) }

// verdict is what is known of an entry of a table: whether a shard's range holds it.
type verdict uint8

const (
	unasked verdict = iota
	inside
	outside
)

// Outside reports whether the service would have put a user record of the open aggregate into another shard than the one of
// this range: by its explicit hash key, or else by the hash of its partition key. It reports false where that cannot be told.
// One range is asked for an aggregate.
func (d *Decoder) Outside(r *Record, shard Range) bool {
	switch {
	case r.Reason != "":
		return false
	case r.hash >= 0:
		return d.hashes.outside(r.hash, func() bool {
			h, ok := ParseHash(r.ExplicitHashKey)
			return ok && !shard.Holds(h)
		})
	default:
		return d.keys.outside(r.key, func() bool { return !shard.Holds(HashOf(r.PartitionKey)) })
	}
}

// outside asks once an entry, since the KPL's producers share a key among many user records.
func (t *table) outside(i int, ask func() bool) bool {
	if len(t.verdicts) == 0 {
		t.verdicts = slices.Grow(t.verdicts, len(t.spans))[:len(t.spans)]
		clear(t.verdicts)
	}
	if t.verdicts[i] == unasked {
		t.verdicts[i] = inside
		if ask() {
			t.verdicts[i] = outside
		}
	}
	return t.verdicts[i] == outside
}
