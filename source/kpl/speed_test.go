package kpl_test

import (
	"bytes"
	"fmt"
	"testing"

	"kinesis-snowflake/source/kpl"
	"kinesis-snowflake/source/kpl/kpltest"
)

// load is an aggregate of n user records with data of a size.
func load(n, size int) []byte {
	records := make([]kpltest.Record, n)
	for i := range records {
		records[i] = kpltest.Record{PartitionKey: fmt.Sprintf("customer-%d", i*7919), Data: bytes.Repeat([]byte{'x'}, size)}
	}
	return kpltest.Aggregate(records...)
}

func TestNoAllocationPerUserRecord(t *testing.T) {
	var d kpl.Decoder
	var r kpl.Record
	shard, err := kpl.ParseRange("0", "170141183460469231731687303715884105727")
	if err != nil {
		t.Fatal(err)
	}
	outside := 0
	allocs := func(users int) float64 {
		data := load(users, 50)
		return testing.AllocsPerRun(20, func() {
			if n, err := d.Open(data); n != users || err != nil {
				t.Fatal(n, err)
			}
			for d.Next(&r) {
				if d.Outside(&r, shard) {
					outside++
				}
			}
			d.Close()
		})
	}
	if n := allocs(1000); n != 0 {
		t.Errorf("%v allocations an aggregate of 1,000", n)
	}
	if outside == 0 {
		t.Error("no record is outside: this test shows nothing of it")
	}
}

func BenchmarkExpand(b *testing.B) {
	shard, err := kpl.ParseRange("0", "170141183460469231731687303715884105727")
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{226, 600, 2700} {
		for _, judged := range []bool{false, true} {
			b.Run(fmt.Sprintf("%dB/judged=%t", size, judged), func(b *testing.B) {
				n := 50_000 / size
				data := load(n, size)
				var d kpl.Decoder
				var r kpl.Record
				b.SetBytes(int64(n * size))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := d.Open(data); err != nil {
						b.Fatal(err)
					}
					for d.Next(&r) {
						if judged {
							d.Outside(&r, shard)
						}
					}
				}
			})
		}
	}
}
