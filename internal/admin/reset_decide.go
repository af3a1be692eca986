package admin

import (
	"slices"
	"strings"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/source/lease"
)

// decide finds the step of each shard.
func (p *ResetPlan) decide(offsets map[string]snowflake.Offset) error {
	leases := p.watched.leases()
	p.graph = newLineage(p.listing.Shards, leases)
	byKey := map[string]lease.Lease{}
	ours := true // no lease belongs to a stream that was there before
	remembers := false
	for _, l := range leases {
		byKey[l.Key] = l
		ours = ours && (l.StreamCreated == 0 || l.StreamCreated == p.info.Created.Unix())
		remembers = remembers || l.Offsets
	}
	if remembers && offsets == nil {
		p.note("the leases remember offsets, and %s is not there, or not visible to the role: if it was dropped, UNDROP TABLE brings it back, and this reset is not needed", p.Offsets)
	}
	chosen := p.Request.Shards
	if len(chosen) > 0 {
		if err := p.checkChoice(byKey, offsets, ours); err != nil {
			return err
		}
	} else {
		for id := range p.graph.shards {
			chosen = append(chosen, id)
		}
		for _, l := range leases {
			if _, listed := p.graph.shards[l.Key]; !listed {
				chosen = append(chosen, l.Key)
			}
		}
	}
	slices.Sort(chosen)
	unfinished := func(id string) bool { l, leased := byKey[id]; return leased && !l.Finished() }
	for _, id := range p.graph.oldestFirst(slices.Compact(chosen)) {
		l, leased := byKey[id]
		s, listed := p.graph.shards[id]
		step := ResetStep{Shard: id, Was: l.Checkpoint, Offset: offsets[id].At}
		other := leased && l.StreamCreated != 0 && l.StreamCreated != p.info.Created.Unix()
		switch {
		case !listed && other:
			step.Action, step.Why = Remove, "of the stream that was there before"
		case !listed:
			step.Action, step.Why = Leave, "the stream has it no longer"
		case leased && !other && l.Finished() && p.Request.To.Position == row.Latest:
			step.Action, step.Why = Leave, "finished, so nothing new comes in it"
		case !leased && p.Request.To.Position == row.Latest && s.Closed && !slices.ContainsFunc(p.graph.ancestors(id), unfinished):
			// Were an ancestor still to end, its end would make the lease, from the shard's beginning.
			step.Action, step.Why = Leave, "closed, so nothing new comes in it"
		case leased:
			step.Action = Restart
		default:
			step.Action = Create
		}
		p.Steps = append(p.Steps, step)
	}
	if !ours {
		p.note("stream %s was deleted and made again, or the leases belong to another stream: it was made %s", p.Stream, p.info.Created.Format(time.RFC3339))
	}
	if p.Request.To.Position == row.AtTimestamp && time.Since(p.Request.To.Time) > p.info.Retention {
		p.note("the stream keeps records for %s only: reading begins at the oldest it still has", p.info.Retention)
	}
	return nil
}

// checkChoice refuses a choice of shards that would break the order of parents and children, or means nothing.
func (p *ResetPlan) checkChoice(byKey map[string]lease.Lease, offsets map[string]snowflake.Offset, ours bool) error {
	if !ours {
		return refuse("the leases belong to a stream that was there before, so some shards alone cannot be reset: leave --shard out")
	}
	chosen := p.Request.Shards
	var more []string
	for _, id := range chosen {
		if _, listed := p.graph.shards[id]; !listed {
			return refuse("stream %s has no shard %s, or no longer: there is nothing to read", p.Stream, id)
		}
		l, leased := byKey[id]
		if p.Request.To.Position == row.Latest {
			if leased && l.Finished() {
				return refuse("shard %s is finished, so nothing new comes in it", id)
			}
			continue
		}
		// Once a parent is read again its children wait for it. Children that were begun already would then have later
		// records in the table before earlier ones.
		for _, d := range p.graph.descendants(id) {
			_, listed := p.graph.shards[d]
			l, leased := byKey[d]
			begun := leased && (l.Checkpoint.IsNumber() || l.Finished()) || offsets[d].At.IsNumber() || !leased && p.graph.succeeded(d, byKey)
			if listed && begun && !slices.Contains(chosen, d) && !slices.Contains(more, d) {
				more = append(more, d)
			}
		}
	}
	if len(more) > 0 {
		slices.Sort(more)
		return refuse("shards that came out of these by a split or merge were read already, and must be read after them: add --shard %s, or leave --shard out to reset all", strings.Join(more, " --shard "))
	}
	return nil
}
