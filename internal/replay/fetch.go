package replay

import (
	"context"
	"slices"
	"sync"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source"
)

// shardsAtOnce bounds how many shards are read at a time; each holds one answer of up to 10 MiB.
const shardsAtOnce = 4

// fetched is a message with its record, as it was read again.
type fetched struct {
	message *message
	record  row.Record
}

// fetch reads the records of all open messages and sends them, those of a shard in order.
func (r *replay) fetch(ctx context.Context, to chan<- fetched) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	reader := r.tools.Again(r.info)
	tokens := make(chan struct{}, shardsAtOnce)
	var readers sync.WaitGroup
	for id, shard := range r.messages.shards {
		wanted := open(shard)
		if len(wanted) == 0 {
			continue
		}
		readers.Go(func() {
			select {
			case tokens <- struct{}{}:
				defer func() { <-tokens }()
			case <-ctx.Done():
				return
			}
			if err := r.fetchShard(ctx, reader, id, wanted, to); err != nil {
				cancel(err)
			}
		})
	}
	readers.Wait()
	return context.Cause(ctx)
}

func (r *replay) fetchShard(ctx context.Context, reader *source.Again, id string, wanted []*message, to chan<- fetched) error {
	var places []source.Place
	bySequence := map[string][]*message{}
	for _, m := range wanted {
		if len(bySequence[m.at.Sequence]) == 0 {
			places = append(places, source.Place{Sequence: m.at.Sequence, Arrival: m.arrival})
		}
		bySequence[m.at.Sequence] = append(bySequence[m.at.Sequence], m)
	}
	return reader.Read(ctx, r.listed[id], places, func(rec *row.Record) error {
		for _, m := range bySequence[string(rec.Sequence)] {
			m.found = true
			if m.at.Subsequence != rec.Subsequence {
				continue
			}
			f := fetched{m, *rec}
			f.record.Sequence, f.record.PartitionKey, f.record.Data = slices.Clone(rec.Sequence), slices.Clone(rec.PartitionKey), slices.Clone(rec.Data)
			select {
			case to <- f:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
}
