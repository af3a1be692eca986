package kinesis

import (
	"math/bits"
	"strconv"
)

// sequence is a sequence number taken apart, in the layout that the service's version-2 numbers are observed to have.
// From the top, of 188 bits: 4 bits 0010; 36 bits the second in which the shard was made; the low 4 bits of the shard's
// number; 64 bits an index that grows with each record; 8 bits zero; 36 bits the second of arrival; 32 bits the shard's
// number; 4 bits the version, 2. Numbers of a child are greater than its parents' because it is made in a later second.
type sequence struct {
	created int64 // seconds since the Unix epoch
	index   uint64
	arrived int64 // seconds since the Unix epoch
	shard   uint32
}

const (
	sequenceVersion = 2
	secondBits      = 36
	lastIndex       = 1<<63 - 1 // the index in a closed shard's ending sequence number
	tenTo19         = 10_000_000_000_000_000_000
)

// append adds the number's 56 decimal digits to dst.
func (q sequence) append(dst []byte) []byte {
	created, arrived := uint64(q.created)&(1<<secondBits-1), uint64(q.arrived)&(1<<secondBits-1)
	w := [3]uint64{
		sequenceVersion | uint64(q.shard)<<4 | arrived<<36,
		arrived>>28 | q.index<<16,
		q.index>>48 | uint64(q.shard&0xf)<<16 | created<<20 | 2<<56,
	}
	var groups [3]uint64
	for i := range groups {
		var rem uint64
		for j := len(w) - 1; j >= 0; j-- {
			w[j], rem = bits.Div64(rem, w[j], tenTo19)
		}
		groups[i] = rem
	}
	dst = strconv.AppendUint(dst, groups[2], 10)
	return appendPadded(appendPadded(dst, groups[1]), groups[0])
}

func (q sequence) String() string { return string(q.append(make([]byte, 0, 56))) }

// appendPadded writes the 19 digits of a group that is not the first.
func appendPadded(dst []byte, v uint64) []byte {
	var digits [19]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + v%10)
		v /= 10
	}
	return append(dst, digits[:]...)
}

// parseSequence is the inverse of String. It refuses whatever String would not have written.
func parseSequence(s string) (sequence, bool) {
	if len(s) != 56 {
		return sequence{}, false
	}
	var w [3]uint64
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return sequence{}, false
		}
		carry := uint64(c - '0')
		for i := range w {
			hi, lo := bits.Mul64(w[i], 10)
			lo, c := bits.Add64(lo, carry, 0)
			w[i], carry = lo, hi+c
		}
	}
	q := sequence{
		created: int64(w[2] >> 20 & (1<<secondBits - 1)),
		index:   w[2]<<48 | w[1]>>16,
		arrived: int64((w[1]<<28 | w[0]>>36) & (1<<secondBits - 1)),
		shard:   uint32(w[0] >> 4),
	}
	return q, q.String() == s
}
