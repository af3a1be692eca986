package lease

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/internal/row"
)

// The stream of the examples in KCL's HierarchicalShardSyncer:
//
//	0 1 2 3 4 5    0,1 -> 6   2,3 -> 7
//	 6   7  4 5    6,7 -> 8   5 -> 9,10
//	   8    4 9 10
func kclExample() map[string]Shard {
	shards := map[string]Shard{}
	for _, s := range []Shard{
		{ID: "0", Closed: true}, {ID: "1", Closed: true}, {ID: "2", Closed: true}, {ID: "3", Closed: true}, {ID: "4"}, {ID: "5", Closed: true},
		{ID: "6", Closed: true, Parents: []string{"0", "1"}}, {ID: "7", Closed: true, Parents: []string{"2", "3"}},
		{ID: "8", Parents: []string{"6", "7"}}, {ID: "9", Parents: []string{"5"}}, {ID: "10", Parents: []string{"5"}},
	} {
		shards[s.ID] = s
	}
	return shards
}

func TestMissing(t *testing.T) {
	all := kclExample()
	trimmed := kclExample()
	for _, id := range []string{"0", "1", "2", "3", "5"} {
		delete(trimmed, id)
	}
	for name, c := range map[string]struct {
		shards map[string]Shard
		table  map[string]state
		start  string
		want   map[string]string
	}{
		"nothing":                 {all, map[string]state{"4": live, "8": live, "9": live, "10": live}, row.Latest, map[string]string{}},
		"ancestors will do it":    {all, map[string]state{"4": live, "5": live, "6": live, "7": live}, row.TrimHorizon, map[string]string{}},
		"KCL's example, LATEST":   {all, map[string]state{"3": live, "4": live, "5": live}, row.Latest, map[string]string{"2": row.Latest, "6": row.Latest}},
		"KCL's example, oldest":   {all, map[string]state{"3": live, "4": live, "5": live}, row.TrimHorizon, map[string]string{"0": row.TrimHorizon, "1": row.TrimHorizon, "2": row.TrimHorizon}},
		"KCL's example, a time":   {all, map[string]state{"3": live, "4": live, "5": live}, row.AtTimestamp, map[string]string{"0": row.AtTimestamp, "1": row.AtTimestamp, "2": row.AtTimestamp}},
		"a child was lost":        {all, map[string]state{"4": live, "5": done, "8": live, "9": live}, row.Latest, map[string]string{"10": row.TrimHorizon}},
		"a grandchild is begun":   {all, map[string]state{"0": done, "1": done, "4": live, "5": live, "8": live}, row.Latest, map[string]string{}},
		"one parent of a merge":   {all, map[string]state{"4": live, "5": live, "6": done, "7": live}, row.Latest, map[string]string{"8": row.TrimHorizon}},
		"everything, from LATEST": {all, nil, row.Latest, map[string]string{"4": row.Latest, "8": row.Latest, "9": row.Latest, "10": row.Latest}},
		"everything, from the oldest that are left": {trimmed, nil, row.TrimHorizon,
			map[string]string{"4": row.TrimHorizon, "6": row.TrimHorizon, "7": row.TrimHorizon, "9": row.TrimHorizon, "10": row.TrimHorizon}},
	} {
		got := missing(c.shards, func(id string) state { return c.table[id] }, c.start)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestCheckTiling(t *testing.T) {
	good := tiles(3)
	if err := checkTiling([]Shard{good[2], good[0], good[1]}); err != nil {
		t.Error(err)
	}
	overlap := tiles(3)
	overlap[1].StartHash = "7"
	for name, bad := range map[string][]Shard{
		"a hole": {good[0], good[2]}, "no start": good[1:], "no end": good[:2], "an overlap": overlap,
		"nothing": nil, "no number": {{ID: "x", StartHash: "", EndHash: "9"}}, "backwards": {{ID: "x", StartHash: "9", EndHash: "0"}},
	} {
		if checkTiling(bad) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
