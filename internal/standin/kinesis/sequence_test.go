package kinesis

import (
	"crypto/md5"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// TestSequenceOfTheService takes a number that the service has given out (AWS CLI documentation, put-record) apart and
// together again.
func TestSequenceOfTheService(t *testing.T) {
	const text = "49546986683135544286507457936321625675700192471156785154"
	q, ok := parseSequence(text)
	if !ok || q.String() != text || q.shard != 0 {
		t.Errorf("%s reads as %+v, %v, and writes as %s", text, q, ok, q)
	}
}

func TestSequenceRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := sequence{
			created: rapid.Int64Range(0, 1<<secondBits-1).Draw(t, "created"),
			index:   rapid.Uint64().Draw(t, "index"),
			arrived: rapid.Int64Range(0, 1<<secondBits-1).Draw(t, "arrived"),
			shard:   rapid.Uint32().Draw(t, "shard"),
		}
		n, _ := new(big.Int).SetString(q.String(), 10)
		field := func(from, bits uint) uint64 {
			f := new(big.Int).Rsh(n, from)
			return f.And(f, new(big.Int).SetUint64(1<<bits-1)).Uint64()
		}
		if field(184, 4) != 2 || field(148, 36) != uint64(q.created) || field(80, 63) != q.index&(1<<63-1) ||
			field(36, 36) != uint64(q.arrived) || field(4, 32) != uint64(q.shard) || field(0, 4) != 2 || len(q.String()) != 56 {
			t.Fatalf("%+v writes as %x", q, n)
		}
		if got, ok := parseSequence(q.String()); !ok || got != q {
			t.Fatalf("%s reads as %+v, want %+v", q, got, q)
		}
	})
}

func FuzzParseSequence(f *testing.F) {
	f.Add("49546986683135544286507457936321625675700192471156785154")
	f.Add("99999999999999999999999999999999999999999999999999999999")
	f.Fuzz(func(t *testing.T, s string) {
		if q, ok := parseSequence(s); ok && q.String() != s {
			t.Errorf("%q reads as %+v, which writes as %s", s, q, q)
		}
	})
}

func TestHashKey(t *testing.T) {
	for s, want := range map[string][2]bool{
		"0": {true, true}, "340282366920938463463374607431768211455": {true, true}, "340282366920938463463374607431768211456": {true, false},
		"999999999999999999999999999999999999999": {true, false}, "": {}, "00": {}, "-1": {}, "1234567890123456789012345678901234567890": {},
	} {
		h, wellFormed, inRange := parseHashKey(s)
		if wellFormed != want[0] || inRange != want[1] || inRange && h.String() != s {
			t.Errorf("%q reads as %v, %v, %v", s, h, wellFormed, inRange)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.String().Draw(t, "key")
		sum := md5.Sum([]byte(key))
		if h := hashOf(key); h.big().Cmp(new(big.Int).SetBytes(sum[:])) != 0 {
			t.Fatalf("%q is placed at %v", key, h)
		}
		h := hashKey{rapid.Uint64().Draw(t, "hi"), rapid.Uint64().Draw(t, "lo")}
		if got, ok, in := parseHashKey(h.String()); !ok || !in || got != h || h.next().prev() != h {
			t.Fatalf("%v reads as %v, its next's previous is %v", h, got, h.next().prev())
		}
	})
}
