package admin

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source"
	"kinesis-snowflake/source/lease"
)

// resharded is a stream with a past of splits and merges.
func resharded(t *rapid.T) []lease.Shard {
	var shards []lease.Shard
	add := func(parents ...string) {
		shards = append(shards, lease.Shard{ID: fmt.Sprintf("shardId-%012d", len(shards)), Parents: parents})
	}
	open := func() (at []int) {
		for i, s := range shards {
			if !s.Closed {
				at = append(at, i)
			}
		}
		return at
	}
	for range rapid.IntRange(1, 3).Draw(t, "roots") {
		add()
	}
	for range rapid.IntRange(0, 6).Draw(t, "reshards") {
		at := open()
		i := rapid.SampledFrom(at).Draw(t, "shard")
		shards[i].Closed = true
		if j := rapid.SampledFrom(at).Draw(t, "other"); j != i && rapid.Bool().Draw(t, "merge") {
			shards[j].Closed = true
			add(shards[i].ID, shards[j].ID)
			continue
		}
		add(shards[i].ID)
		add(shards[i].ID)
	}
	return shards
}

// Whatever checkpoints there are, every checkpoint is kept, every open shard is read sooner or later, and no shard is read
// before one that it came out of and that is still to be read.
func TestImportLeavesNothingOutAndKeepsTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shards := resharded(t)
		f := &foreign{checkpoints: map[string]string{}}
		for _, s := range shards {
			if rapid.Bool().Draw(t, "read "+s.ID) {
				f.checkpoints[s.ID] = "49"
			}
		}
		a := &Admin{cfg: &config.Pipeline{}}
		a.cfg.Source.Start.Position = rapid.SampledFrom([]config.StartPosition{config.TrimHorizon, config.Latest, config.AtTimestamp}).Draw(t, "start")
		p := &ImportPlan{From: "theirs", To: "ours"}
		unread := rapid.SampledFrom([]string{UnreadStart, UnreadEnd}).Draw(t, "unread")
		if err := a.derive(p, f, lease.Listing{Shards: shards, Time: time.Unix(1, 0)}, source.StreamInfo{}, unread); err != nil {
			t.Fatal(err)
		}
		rows := map[string]row.Position{}
		for _, s := range p.Steps {
			if !s.Checkpoint.IsZero() {
				rows[s.Shard] = s.Checkpoint
			}
		}
		g := newLineage(shards, nil)
		unfinished := func(id string) bool { return !rows[id].IsZero() && rows[id].Sequence != row.ShardEnd }
		for _, s := range shards {
			if f.checkpoints[s.ID] != "" && rows[s.ID].Sequence != "49" {
				t.Errorf("%s has lost its checkpoint: %v", s.ID, rows[s.ID])
			}
			if !s.Closed && !unfinished(s.ID) && !slices.ContainsFunc(g.ancestors(s.ID), unfinished) {
				t.Errorf("%s is never read", s.ID)
			}
			for _, parent := range s.Parents {
				if _, has := rows[parent]; unfinished(s.ID) && !has && slices.ContainsFunc(g.ancestors(parent), unfinished) {
					t.Errorf("%s does not wait for %s, which is still to be made", s.ID, parent)
				}
			}
		}
	})
}
