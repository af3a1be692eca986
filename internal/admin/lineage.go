package admin

import (
	"cmp"
	"slices"

	"kinesis-snowflake/source/lease"
)

// lineage is what is known of a stream's shards: what the service lists, and what leases say of shards it lists no more.
type lineage struct {
	shards   map[string]lease.Shard // listed ones
	parents  map[string][]string
	children map[string][]string
}

func newLineage(listed []lease.Shard, leases []lease.Lease) *lineage {
	g := &lineage{shards: map[string]lease.Shard{}, parents: map[string][]string{}, children: map[string][]string{}}
	edge := func(parent, child string) {
		if !slices.Contains(g.parents[child], parent) {
			g.parents[child] = append(g.parents[child], parent)
			g.children[parent] = append(g.children[parent], child)
		}
	}
	for _, s := range listed {
		g.shards[s.ID] = s
		for _, p := range s.Parents {
			edge(p, s.ID)
		}
	}
	for _, l := range leases {
		for _, p := range l.Parents {
			edge(p, l.Key)
		}
		for _, c := range l.Children {
			edge(l.Key, c)
		}
	}
	return g
}

// descendants returns all shards that came out of one, in order.
func (g *lineage) descendants(id string) []string { return reach(g.children, id) }

// ancestors returns all shards that one came out of, in order.
func (g *lineage) ancestors(id string) []string { return reach(g.parents, id) }

// succeeded reports whether a shard without a lease had one once: leases exist of shards that came out of it, and those are
// made when it ends. Workers delete the leases of shards that were read long ago.
func (g *lineage) succeeded(id string, leases map[string]lease.Lease) bool {
	return slices.ContainsFunc(g.descendants(id), func(d string) bool { _, leased := leases[d]; return leased })
}

func reach(next map[string][]string, id string) []string {
	seen := map[string]bool{}
	var visit func(string)
	visit = func(id string) {
		for _, n := range next[id] {
			if !seen[n] {
				seen[n] = true
				visit(n)
			}
		}
	}
	visit(id)
	delete(seen, id) // of rows that contradict each other
	all := make([]string, 0, len(seen))
	for id := range seen {
		all = append(all, id)
	}
	slices.Sort(all)
	return all
}

// oldestFirst sorts ids so that parents come before their children.
func (g *lineage) oldestFirst(ids []string) []string {
	depth := map[string]int{}
	for _, id := range ids {
		depth[id] = len(g.ancestors(id)) // an ancestor has fewer than its descendants
	}
	return slices.SortedFunc(slices.Values(ids), func(a, b string) int {
		return cmp.Or(cmp.Compare(depth[a], depth[b]), cmp.Compare(a, b))
	})
}
