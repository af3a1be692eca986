package lease

import (
	"testing"
	"time"

	"kinesis-snowflake/internal/row"
)

// The lease table is gone, shard a has offsets, and it was split into b and c since. Had b and c leases at LATEST, what
// they held before this start would never be read.
func TestChildrenOfAShardWithOffsetsAreMadeByItsEnd(t *testing.T) {
	const top = "340282366920938463463374607431768211455"
	s := &stepper{T: t, m: NewMachine(Config{Worker: "me", Duration: 10 * time.Second, Start: Start{Position: row.Latest}, Offsets: []string{"a"}, Seed: 1, Instance: "i"})}
	s.advance(0)
	s.scanned()
	all := []Shard{
		{ID: "a", StartHash: "0", EndHash: top, Closed: true},
		{ID: "b", Parents: []string{"a"}, StartHash: "0", EndHash: "99"},
		{ID: "c", Parents: []string{"a"}, StartHash: "100", EndHash: top},
	}
	made := map[string]string{}
	for range 20 {
		if req := s.out.List; req != nil {
			l := Listing{Shards: all, Time: time.Unix(1000, 0)}
			if req.Start != nil {
				l.Shards = all[1:]
			}
			s.m.Listed(s.at(), *req, l, nil)
		}
		for _, w := range s.out.Writes {
			if w.Create != nil {
				made[w.Create.Key] = w.Create.Checkpoint.Sequence
				s.m.Wrote(s.at(), w.ID, Lease{}, nil)
			}
		}
		s.advance(10 * time.Millisecond)
	}
	if len(made) != 1 || made["a"] != row.TrimHorizon {
		t.Fatalf("leases made: %v; want a alone, from its beginning", made)
	}
}
