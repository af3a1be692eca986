package source

import (
	"fmt"

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

// hashRange returns the hash range of a lease's shard, or nil where nothing can be told by it.
func (s *Source) hashRange(held *lease.Held) *kpl.Range {
	s.mu.Lock()
	auto := s.info != nil && s.info.AutoDistributed
	s.mu.Unlock()
	if auto {
		return nil
	}
	shard, err := kpl.ParseRange(held.HashRange())
	if err != nil || shard.Whole() {
		return nil
	}
	return &shard
}
