package kinesis

import (
	"cmp"
	"crypto/md5"
	"encoding/binary"
	"math/big"
	"math/bits"
)

// hashKey is a 128-bit unsigned hash key. Its zero value is the least key.
type hashKey struct{ hi, lo uint64 }

var maxHashKey = hashKey{1<<64 - 1, 1<<64 - 1}

// hashOf places a partition key: the MD5 of its UTF-8 bytes as a big-endian number.
func hashOf(partitionKey string) hashKey {
	sum := md5.Sum([]byte(partitionKey))
	return hashKey{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:])}
}

// parseHashKey accepts what the service's pattern 0|([1-9]\d{0,38}) accepts; inRange is false from 2^128 on.
func parseHashKey(s string) (h hashKey, wellFormed, inRange bool) {
	if s == "" || len(s) > 39 || s[0] == '0' && len(s) > 1 {
		return h, false, false
	}
	inRange = true
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return h, false, false
		}
		carry, lo := bits.Mul64(h.lo, 10)
		over, hi := bits.Mul64(h.hi, 10)
		lo, c1 := bits.Add64(lo, uint64(c-'0'), 0)
		hi, c2 := bits.Add64(hi, carry, c1)
		if over != 0 || c2 != 0 {
			inRange = false
		}
		h = hashKey{hi, lo}
	}
	return h, true, inRange
}

func (h hashKey) compare(o hashKey) int {
	return cmp.Or(cmp.Compare(h.hi, o.hi), cmp.Compare(h.lo, o.lo))
}

func (h hashKey) next() hashKey {
	lo, carry := bits.Add64(h.lo, 1, 0)
	return hashKey{h.hi + carry, lo}
}

func (h hashKey) prev() hashKey {
	lo, borrow := bits.Sub64(h.lo, 1, 0)
	return hashKey{h.hi - borrow, lo}
}

// mid is the key half way between h and o, rounded up, so that h < mid when they differ.
func (h hashKey) mid(o hashKey) hashKey {
	m := new(big.Int).Add(h.big(), o.big())
	m.Add(m, big.NewInt(1))
	return fromBig(m.Rsh(m, 1))
}

// boundary is the first key of part i when the key space is cut in n equal parts.
func boundary(i, n int) hashKey {
	b := new(big.Int).Lsh(big.NewInt(int64(i)), 128)
	return fromBig(b.Div(b, big.NewInt(int64(n))))
}

func (h hashKey) big() *big.Int {
	b := new(big.Int).SetUint64(h.hi)
	b.Lsh(b, 64)
	return b.Or(b, new(big.Int).SetUint64(h.lo))
}

func fromBig(b *big.Int) hashKey {
	lo := new(big.Int).And(b, new(big.Int).SetUint64(1<<64-1)).Uint64()
	return hashKey{new(big.Int).Rsh(b, 64).Uint64(), lo}
}

func (h hashKey) String() string { return h.big().String() }
