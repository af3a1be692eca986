package source

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kinesis-snowflake/source/kpl"
	"kinesis-snowflake/source/lease"
	"kinesis-snowflake/source/reader"
)

// AggregateCounts counts KPL aggregates since the start.
type AggregateCounts = reader.AggregateCounts

// Aggregates returns how many KPL aggregates were read so far.
func (s *Source) Aggregates() AggregateCounts { return s.aggregates.Counts() }

// misplaced reads an option's text.
func misplaced(filter string) (reader.MisplacedFilter, error) {
	switch filter {
	case "", "none":
		return reader.KeepMisplaced, nil
	case "record":
		return reader.DropMisplaced, nil
	case "kcl":
		return reader.DropMisplacedAggregates, nil
	default:
		return 0, fmt.Errorf("hash range filter %q: want none, record or kcl", filter)
	}
}

// distributeTimeout bounds a question that a shard's reader waits for.
const distributeTimeout = 5 * time.Second

// distributed asks whether the service chooses each record's shard now.
func (s *Source) distributed() (bool, error) {
	s.mu.Lock()
	r := s.run
	s.mu.Unlock()
	if r == nil {
		return false, errors.New("the source does not run")
	}
	ctx, cancel := context.WithTimeout(r.reading, distributeTimeout)
	defer cancel()
	info, err := s.control.describe(ctx)
	return info.AutoDistributed, err
}

// hashRange returns the hash range of a lease's shard, or nil where nothing can be told by it. A row of KCL before 1.14 has none;
// where user records are to be left out by it, the stream is asked.
func (s *Source) hashRange(ctx context.Context, held *lease.Held) *kpl.Range {
	s.mu.Lock()
	auto := s.info != nil && s.info.AutoDistributed
	s.mu.Unlock()
	if auto {
		return nil
	}
	first, last := held.HashRange()
	if filter, _ := misplaced(s.opt.HashRangeFilter); first == "" && filter != reader.KeepMisplaced {
		listing, err := s.control.ListShards(ctx, nil)
		if err != nil && ctx.Err() == nil {
			s.log.Warn("cannot ask for the hash range of a shard: none of its user records is left out", "shard", held.Shard(), "error", err)
		}
		for _, l := range listing.Shards {
			if l.ID == held.Shard() {
				first, last = l.StartHash, l.EndHash
			}
		}
	}
	shard, err := kpl.ParseRange(first, last)
	if err != nil || shard.Whole() {
		return nil
	}
	return &shard
}
