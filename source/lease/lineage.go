package lease

import (
	"errors"
	"fmt"
	"math/big"
	"slices"

	"kinesis-snowflake/internal/row"
)

// state says what the table knows of a shard.
type state uint8

const (
	bare state = iota // no lease, and none of its ancestors has one
	live              // it has an unfinished lease, or gets one when an ancestor ends
	done              // it has a finished lease
)

// missing returns the shards that need a lease now, with the checkpoint to begin from. It looks at every open shard
// without a lease, as KCL's HierarchicalShardSyncer does:
//
//   - an ancestor has a lease: nothing, the ancestor's end creates the next one. But a merge on the way whose other
//     parent is bare needs a lease for that one, from the start. Other than in KCL, a parent with a lease counts also where
//     the stream has it no longer: its children came after the start, and LATEST is not for them;
//   - its parent is finished: the lease was lost, and is created from TRIM_HORIZON;
//   - no ancestor has one: its oldest ancestors, from the start; for LATEST the shard itself.
func missing(shards map[string]Shard, table func(id string) state, start string) map[string]string {
	needs := map[string]string{}
	known := map[string]state{}

	var need func(s Shard)
	need = func(s Shard) {
		older := listed(shards, s.Parents)
		if start == row.Latest || len(older) == 0 {
			needs[s.ID] = start
			return
		}
		for _, p := range older {
			need(p)
		}
	}
	var resolve func(s Shard) state
	resolve = func(s Shard) state {
		if st, ok := known[s.ID]; ok {
			return st
		}
		st := table(s.ID)
		if st == bare {
			var bares []Shard
			for _, id := range s.Parents {
				p, listed := shards[id]
				of := table
				if listed {
					of = func(string) state { return resolve(p) }
				}
				switch of(id) {
				case bare:
					if listed {
						bares = append(bares, p)
					}
				case done:
					needs[s.ID] = row.TrimHorizon
					st = live
				case live:
					st = live
				}
			}
			if st == live {
				for _, p := range bares {
					need(p)
				}
			}
		}
		known[s.ID] = st
		return st
	}
	for _, id := range sortedKeys(shards) {
		if s := shards[id]; !s.Closed && resolve(s) == bare {
			need(s)
		}
	}
	return needs
}

func listed(shards map[string]Shard, ids []string) []Shard {
	var found []Shard
	for _, id := range ids {
		if s, ok := shards[id]; ok {
			found = append(found, s)
		}
	}
	return found
}

// checkTiling checks that the shards' hash ranges cover 0 to 2^128-1 without hole or overlap.
func checkTiling(shards []Shard) error {
	type span struct {
		id       string
		from, to *big.Int
	}
	spans := make([]span, 0, len(shards))
	for _, s := range shards {
		from, ok1 := new(big.Int).SetString(s.StartHash, 10)
		to, ok2 := new(big.Int).SetString(s.EndHash, 10)
		if !ok1 || !ok2 || from.Cmp(to) > 0 {
			return fmt.Errorf("shard %s has the hash range %q to %q", s.ID, s.StartHash, s.EndHash)
		}
		spans = append(spans, span{s.ID, from, to})
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from.Cmp(b.from) })
	one, next := big.NewInt(1), new(big.Int)
	for _, s := range spans {
		if s.from.Cmp(next) != 0 {
			return fmt.Errorf("shard %s begins at hash key %v where %v is next", s.id, s.from, next)
		}
		next.Add(s.to, one)
	}
	if next.Cmp(new(big.Int).Lsh(one, 128)) != 0 {
		return errors.New("the shards end before hash key 2^128-1")
	}
	return nil
}
