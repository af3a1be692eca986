package show

import (
	"strings"
	"testing"
	"time"

	"kinesis-snowflake/internal/pipeline"
)

func progress(read int64) pipeline.Progress {
	return pipeline.Progress{Tally: pipeline.Tally{Read: read}, Shards: []pipeline.ShardProgress{
		{ID: "shardId-0", Read: read, Behind: 1500 * time.Millisecond}, {ID: "shardId-1", Behind: -1}, {ID: "shardId-2", Ended: true},
	}}
}

func TestLinesComeNoMoreOftenThanTheyShould(t *testing.T) {
	var out strings.Builder
	b := NewBoard(&out, "a")
	now := time.Unix(1000, 0)
	b.now = func() time.Time { return now }
	for i := range 10 {
		b.Update("a", progress(int64(i)))
	}
	now = now.Add(lineEvery)
	b.Update("a", progress(10))
	b.Close()
	b.Close()
	if got := strings.Count(out.String(), "\n"); got != 2 || !strings.Contains(out.String(), "a: read 0,") || !strings.Contains(out.String(), "a: read 10,") {
		t.Errorf("%d lines: %s", got, out.String())
	}
}

func TestTerminalIsRedrawnInPlace(t *testing.T) {
	var out strings.Builder
	b := NewBoard(&out, "a")
	b.terminal = true
	b.Update("a", progress(1))
	first := out.Len()
	for _, want := range []string{"a: read 1,", "shardId-0", "behind 1.5s", "behind ?", "behind ended"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q lacks %q", out.String(), want)
		}
	}
	b.Update("a", pipeline.Progress{Tally: pipeline.Tally{Read: 2}})
	if second := out.String()[first:]; !strings.HasPrefix(second, "\x1b[4A") || !strings.Contains(second, "shardId-2") {
		t.Errorf("the second drawing is %q", second)
	}
}
