package sink

import (
	"cmp"
	"slices"
	"strings"

	"kinesis-snowflake/internal/row"
)

// filter says which rows of a batch are loaded: those of the parts, less what the table has already, less what
// Snowflake refused.
type filter struct {
	skip    map[string]row.Position // by shard: rows at or before it are left out
	refused map[rowID]struct{}
	key     string // equal for filters that keep the same rows
}

// rowID is a row's place in a batch: its lane's file name and its index in the lane's spool.
type rowID struct {
	lane string
	n    int64
}

func newFilter(parts []row.Part, refused map[rowID]struct{}) *filter {
	f := &filter{skip: make(map[string]row.Position, len(parts)), refused: refused}
	sorted := slices.SortedFunc(slices.Values(parts), func(a, b row.Part) int { return cmp.Compare(a.Shard, b.Shard) })
	var key strings.Builder
	for _, p := range sorted {
		f.skip[p.Shard] = p.Skip
		key.WriteString(p.Shard + " " + p.Skip.String() + "\n")
	}
	ids := make([]rowID, 0, len(refused))
	for id := range refused {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b rowID) int { return cmp.Or(cmp.Compare(a.lane, b.lane), cmp.Compare(a.n, b.n)) })
	for _, id := range ids {
		key.WriteString(id.lane + " ")
		for n := id.n; n > 0; n >>= 4 {
			key.WriteByte("0123456789abcdef"[n&15])
		}
		key.WriteByte('\n')
	}
	f.key = key.String()
	return f
}

// touches reports whether the filter leaves out any row of a lane.
func (f *filter) touches(l *lane) bool {
	for _, s := range l.shards {
		skip, ok := f.skip[s.id]
		if !ok || s.first.Compare(skip) <= 0 {
			return true
		}
	}
	for id := range f.refused {
		if id.lane == l.name {
			return true
		}
	}
	return false
}

// keeps reports whether a row is loaded: row n of lane l, of the lane's shard i.
func (f *filter) keeps(l *lane, i int, n int64, r *row.Row) bool {
	skip, ok := f.skip[l.shards[i].id]
	if !ok {
		return false
	}
	if skip.IsNumber() {
		c := row.CompareSequence(r.Sequence, skip.Sequence)
		if c < 0 || c == 0 && r.Subsequence <= skip.Subsequence {
			return false
		}
	}
	if len(f.refused) > 0 {
		_, refused := f.refused[rowID{l.name, n}]
		return !refused
	}
	return true
}
