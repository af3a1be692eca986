package admin

import (
	"context"
	"errors"
	"sync"

	"github.com/aws/smithy-go"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source"
	"kinesis-snowflake/source/reader"
)

// looksAtOnce bounds the shards that are asked at once.
const looksAtOnce = 8

// sidelong does something for each of n shards, a few at a time, and waits for all.
func sidelong(n int, do func(i int)) {
	var wg sync.WaitGroup
	room := make(chan struct{}, looksAtOnce)
	for i := range n {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			do(i)
		})
	}
	wg.Wait()
}

func (a *Admin) lags(ctx context.Context, out *Listing) error {
	sidelong(len(out.Shards), func(i int) {
		s := &out.Shards[i]
		if s.State == Finished || s.State.Unleased() {
			return
		}
		ahead, err := a.tools.Look(ctx, s.ID, row.Position(s.Checkpoint), s.StartTime)
		switch {
		case errors.Is(err, source.ErrShardGone):
			s.LagError, s.LagFault = "gone from the stream", "gone"
		case err != nil:
			s.LagError, s.LagFault = err.Error(), lagFault(err)
		default:
			ms := max(0, ahead.Behind.Milliseconds())
			s.LagMS = &ms
		}
	})
	return ctx.Err()
}

// lagFault fits into a cell of a table.
func lagFault(err error) string {
	if reader.Classify(err) == reader.ClassThrottled {
		return "throttled"
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return "no answer"
}
