package reader

import "testing"

func TestAFullAnswerIsExpectedBehindTheTip(t *testing.T) {
	r := &reader{estimate: worstAnswer}
	for _, c := range []struct{ size, behind, want int64 }{
		{1 << 10, 60_000, worstAnswer}, // a small answer of a backlog says nothing of the next
		{1 << 10, 0, worstAnswer * 3 / 4},
		{14 << 20, 0, 14 << 20},
		{1 << 10, 5, worstAnswer},
		{worstAnswer + 1, 5, worstAnswer + 1}, // a full answer of aggregates
	} {
		if r.expect(c.size, c.behind); r.estimate != c.want {
			t.Errorf("after %d bytes, %d ms behind: %d, want %d", c.size, c.behind, r.estimate, c.want)
		}
	}
	for range 50 {
		r.expect(0, 0)
	}
	if r.estimate != leastEstimate {
		t.Errorf("of a shard that is idle for long: %d, want %d", r.estimate, leastEstimate)
	}
}
