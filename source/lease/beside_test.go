package lease

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// besides is a calm simulation of n workers of this program over open shards.
func besides(seed uint64, n, leases int) *simulation {
	s := newSimulation(seed, n)
	s.calm = true
	s.stream, s.ends = map[string]Shard{}, map[string]int{}
	for _, sh := range tiles(int64(leases)) {
		s.stream[sh.ID] = sh
		s.store.rows[sh.ID] = sh.at("1")
	}
	return s
}

// settled reports whether the leases stay where they are for minutes.
func (s *simulation) settled(t *testing.T, until time.Duration) {
	t.Helper()
	before := s.holders()
	for s.now < until {
		s.run(s.now + 10*time.Second)
		if after := s.holders(); !slices.Equal(before, after) {
			t.Errorf("at %v leases still move: %v, then %v", s.now, before, after)
			return
		}
	}
}

func (s *simulation) holders() (list []string) {
	for _, key := range sortedKeys(s.store.rows) {
		list = append(list, s.store.row(key).Holder())
	}
	return list
}

func spread(n map[string]int) (least, most int) {
	least = 1 << 30
	for _, k := range n {
		least, most = min(least, k), max(most, k)
	}
	return least, most
}

func TestBesideKCL2(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := besides(seed, 2, 20)
			java := []*kcl{s.kcl("java-0", false), s.kcl("java-1", false)}
			s.run(8 * time.Minute)
			if least, most := spread(s.owners()); len(s.owners()) != 4 || most-least > 1 {
				t.Errorf("shares: %v", s.owners())
			}
			s.settled(t, 14*time.Minute)
			java[0].dead = true
			s.run(20 * time.Minute)
			if least, most := spread(s.owners()); len(s.owners()) != 3 || most-least > 1 {
				t.Errorf("shares after one was killed: %v", s.owners())
			}
			s.settled(t, 26*time.Minute)
			java[1].dead = true
			s.run(27 * time.Minute)
			if n := s.owners(); n["java-0"]+n["java-1"]+n[""] > 0 {
				t.Errorf("shares after KCL has gone: %v", n)
			}
			back := s.kcl("java-2", false)
			s.run(40 * time.Minute)
			if n := s.owners(); n["java-2"] < 6 {
				t.Errorf("KCL came back and has its share: %v", n)
			}
			if s.settled(t, 46*time.Minute); len(back.holds) == 0 {
				t.Error("KCL holds nothing")
			}
			if s.err != nil {
				t.Error(s.err)
			}
		})
	}
}

func TestBesideKCL3(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := besides(seed, 0, 20)
			java := []*kcl{s.kcl("java-0", true), s.kcl("java-1", true)}
			java[0].lead(java...)
			s.run(2 * time.Minute)
			if n := s.owners(); n["java-0"] != 10 || n["java-1"] != 10 {
				t.Fatalf("KCL alone: %v", n)
			}
			s.join(2)
			s.run(8 * time.Minute)
			if least, most := spread(s.owners()); len(s.owners()) != 4 || most-least > 1 {
				t.Errorf("shares: %v", s.owners())
			}
			s.settled(t, 14*time.Minute)
			for _, k := range java {
				if len(k.holds) == 0 {
					t.Errorf("%s holds nothing", k.name)
				}
			}
			for _, k := range java {
				k.dead = true
			}
			s.run(s.now + s.duration + 3*time.Second)
			if n := s.owners(); n["java-0"]+n["java-1"]+n[""] > 0 {
				t.Errorf("shares after KCL has gone: %v", n)
			}
			if s.err != nil {
				t.Error(s.err)
			}
		})
	}
}

// The leader of KCL 3 hands out what is free every 20 s. What it leaves is taken after two rounds.
func TestBesideKCL3WithoutALeader(t *testing.T) {
	s := besides(1, 0, 10)
	java := s.kcl("java-0", true)
	for _, key := range sortedKeys(s.store.rows)[:8] {
		l := s.store.rows[key]
		l.Owner, l.Measured = "java-0", true
		s.store.rows[key] = l
	}
	s.run(30 * time.Second)
	s.join(1)
	s.run(70 * time.Second)
	if n := s.owners(); n[""] != 2 {
		t.Errorf("free leases are taken from under the leader's hands: %v", n)
	}
	s.run(90 * time.Second)
	if n := s.owners(); n[""] != 0 {
		t.Errorf("nobody takes what the leader leaves: %v", n)
	}
	s.run(5 * time.Minute)
	if n := s.owners(); n["java-0"] != 5 || len(java.holds) != 5 {
		t.Errorf("shares: %v", n)
	}
}

// A KCL 3 that balances as KCL 2 does leaves requests unanswered. They are taken back, and leases are taken as from KCL 2.
func TestBesideKCLThatDoesNotAnswer(t *testing.T) {
	s := besides(1, 0, 10)
	s.kcl("java-0", false)
	s.run(2 * time.Minute)
	for key, l := range s.store.rows {
		l.Measured = true // from before it was rolled back
		s.store.rows[key] = l
	}
	s.join(1)
	s.run(140 * time.Second)
	asked := 0
	for _, l := range s.store.rows {
		if l.CheckpointOwner == "java-0" {
			asked++
		}
	}
	if asked == 0 || asked > maxAsked {
		t.Errorf("%d leases are asked for", asked)
	}
	s.run(12 * time.Minute)
	if n := s.owners(); n["java-0"] != 5 {
		t.Errorf("shares: %v", n)
	}
	s.settled(t, 18*time.Minute)
	if s.err != nil {
		t.Error(s.err)
	}
}
