package kpl_test

import (
	"crypto/md5"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"kinesis-snowflake/source/kpl"
	"kinesis-snowflake/source/kpl/kpltest"
)

const (
	top    = "340282366920938463463374607431768211455"
	middle = "170141183460469231731687303715884105728"
)

func TestHashKeysAreNumbersOf128Bits(t *testing.T) {
	whole, err := kpl.ParseRange("0", top)
	if err != nil || !whole.Whole() {
		t.Fatalf("the whole range: %v, %v", whole, err)
	}
	for _, bad := range []string{"", "-1", "x", "1 ", "340282366920938463463374607431768211456", "9" + top, "3402823669209384634633746074317682114550"} {
		if _, ok := kpl.ParseHash(bad); ok {
			t.Errorf("%q is taken for a hash key", bad)
		}
	}
	number := func(b []byte) *big.Int { return new(big.Int).SetBytes(b) }
	key := rapid.SliceOfN(rapid.Byte(), 16, 16)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := number(key.Draw(t, "a")), number(key.Draw(t, "b")), number(key.Draw(t, "c"))
		if rapid.Bool().Draw(t, "edge") {
			c = a
		}
		shard, err := kpl.ParseRange(a.String(), b.String())
		if (err != nil) != (b.Cmp(a) < 0) {
			t.Fatalf("%v to %v: %v", a, b, err)
		}
		if err != nil {
			return
		}
		h, ok := kpl.ParseHash(c.String())
		if want := c.Cmp(a) >= 0 && c.Cmp(b) <= 0; !ok || shard.Holds(h) != want {
			t.Fatalf("%v in %v to %v: %t, want %t", c, a, b, shard.Holds(h), want)
		}
		text := key.Draw(t, "key")
		sum := md5.Sum(text)
		if h, _ := kpl.ParseHash(number(sum[:]).String()); kpl.HashOf(text) != h {
			t.Fatalf("hash of %x is %v, want %v", text, kpl.HashOf(text), h)
		}
	})
}

func TestOutside(t *testing.T) {
	low, err := kpl.ParseRange("0", "170141183460469231731687303715884105727")
	if err != nil {
		t.Fatal(err)
	}
	high, err := kpl.ParseRange(middle, top)
	if err != nil {
		t.Fatal(err)
	}
	data := kpltest.Aggregate(
		kpltest.Record{PartitionKey: "one"},                             // MD5 f97c...
		kpltest.Record{PartitionKey: "a"},                               // MD5 0cc1...
		kpltest.Record{PartitionKey: "one", ExplicitHashKey: "0"},       // the explicit one counts
		kpltest.Record{PartitionKey: "a", ExplicitHashKey: middle},      //
		kpltest.Record{PartitionKey: "one", ExplicitHashKey: "unknown"}, // cannot be told
		kpltest.Record{PartitionKey: "one"},
	)
	var d kpl.Decoder
	for shard, want := range map[kpl.Range][]bool{
		low:  {true, false, false, true, false, true},
		high: {false, true, true, false, false, false},
	} {
		if _, err := d.Open(data); err != nil {
			t.Fatal(err)
		}
		var r kpl.Record
		for d.Next(&r) {
			if got := d.Outside(&r, shard); got != want[r.Index] {
				t.Errorf("user record %d outside of %v: %t", r.Index, shard, got)
			}
		}
	}
	msg := kpltest.Bytes(nil, 3, kpltest.Bytes(kpltest.Varint(nil, 1, 3), 3, nil))
	if _, err := d.Open(kpltest.Seal(msg)); err != nil {
		t.Fatal(err)
	}
	var r kpl.Record
	if !d.Next(&r) || r.Reason == "" || d.Outside(&r, low) || d.Outside(&r, high) {
		t.Error("of a user record without a key it is said where it belongs")
	}
}
