package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/transform/step"
)

// chunkBytes bounds the payload of the messages that are loaded together.
const chunkBytes = 32 << 20

// toldEvery is how often it is told how far a long reading is: messages far apart take about a second each.
const toldEvery = 10 * time.Second

// load reads the admitted messages' records and loads them, chunk by chunk.
func (r *replay) load(ctx context.Context) error {
	newTransformer, err := pipeline.Transformers(r.cfg, r.keys, r.o.Logger)
	if err != nil {
		return err
	}
	l := &loader{replay: r, transform: newTransformer(), nested: unnests(r.cfg) > 1}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	records := make(chan fetched)
	go func() {
		defer close(records)
		if err := r.fetch(ctx, records); err != nil {
			cancel(err)
		}
	}()
	var chunk []fetched
	bytes, sequences := 0, 0
	flush := func() error {
		if len(chunk) == 0 {
			return nil
		}
		err := l.load(ctx, chunk)
		chunk, bytes, sequences = nil, 0, 0
		return err
	}
	told, read, wanted := time.Now(), 0, r.wanted()
	for f := range records {
		if read++; time.Since(told) >= toldEvery {
			told = time.Now()
			r.o.Told(fmt.Sprintf("read %d of %d messages from the stream again", read, wanted))
		}
		if n := len(chunk); n == 0 || chunk[n-1].message.shard != f.message.shard || chunk[n-1].message.at.Sequence != f.message.at.Sequence {
			sequences++ // perhaps counted before, where shards take turns: that errs to the safe side
		}
		if sequences > snowflake.MaxPresent {
			if err = flush(); err != nil {
				break
			}
			sequences = 1
		}
		chunk, bytes = append(chunk, f), bytes+len(f.record.Data)
		if bytes >= chunkBytes {
			if err = flush(); err != nil {
				break
			}
		}
	}
	if err == nil && context.Cause(ctx) == nil {
		err = flush()
	}
	cause := context.Cause(ctx)
	cancel(err)
	for range records { // until the readers have ended
	}
	if err == nil {
		err = cause
	}
	if err != nil {
		return err
	}
	r.missing()
	return nil
}

// wanted counts the messages that are to be read.
func (r *replay) wanted() (n int) {
	for _, shard := range r.messages.shards {
		n += len(open(shard))
	}
	return n
}

// missing says of the messages that were not read why that is.
func (r *replay) missing() {
	for _, shard := range r.messages.shards {
		for _, m := range open(shard) {
			if m.found {
				m.is(Gone, "the aggregate has no such user record, or source.hash_range_filter leaves it out")
				continue
			}
			m.is(Gone, fmt.Sprintf("the stream has it no longer: records are kept for %s", keptFor(r.info.Retention)))
		}
	}
}

// loader makes rows of messages and loads them.
type loader struct {
	*replay
	transform pipeline.Transformer
	nested    bool // by two unnest steps or more
}

func unnests(cfg *config.Pipeline) (n int) {
	for i := range cfg.Transform.Steps {
		if cfg.Transform.Steps[i].Name == step.NameUnnest {
			n++
		}
	}
	return n
}

// load loads a chunk of messages, all or nothing; in halves where so many rows are refused that one batch does not take it.
func (l *loader) load(ctx context.Context, chunk []fetched) error {
	err := l.batch(ctx, chunk)
	if half := len(chunk) / 2; sink.RefusesTooMany(err) && half > 0 {
		if err = l.load(ctx, chunk[:half]); err == nil {
			err = l.load(ctx, chunk[half:])
		}
	}
	return err
}

func (l *loader) batch(ctx context.Context, chunk []fetched) error {
	held, err := l.held(ctx, chunk)
	if err != nil {
		return err
	}
	batch := l.sink.NewBatch()
	defer batch.Discard()
	l.refused = map[place]refusal{}
	rows := map[string]int64{}
	for i := range chunk {
		m := chunk[i].message
		n, err := l.append(&chunk[i], held[place{m.shard, m.at}], batch.Append)
		if err != nil {
			return err
		}
		rows[m.shard] += n
	}
	var parts []row.Part
	for shard, n := range rows {
		if n > 0 {
			claim := l.claims[shard]
			parts = append(parts, row.Part{Shard: shard, Claim: claim, To: after(claim.At)})
		}
	}
	if len(parts) == 0 {
		return nil
	}
	if l.o.DryRun {
		var rescued []sink.Rescue
		if err := again(ctx, func() (err error) { rescued, err = l.sink.Foresee(ctx, batch, parts); return err }); err != nil {
			return err
		}
		l.report.rescued(rescued)
		l.judge(chunk)
		return nil
	}
	if err := again(ctx, func() error { return l.commit(ctx, batch, parts) }); err != nil {
		for i := range chunk {
			if m := chunk[i].message; m.rows > 0 {
				m.is("", "") // nothing of it is loaded, and so it stays unless it is tried again
				m.rows = 0
			}
		}
		return err
	}
	if total := l.judge(chunk); total > 0 {
		l.report.Rows += total
		rows := "rows"
		if total == 1 {
			rows = "row"
		}
		l.o.Told(fmt.Sprintf("loaded %d %s", total, rows))
	}
	rescued, err := l.sink.Rescued(batch, parts)
	if err != nil { // of what is loaded: no reason to end
		l.o.Logger.WarnContext(ctx, "cannot tell which values went to _RESCUED", "error", err)
	}
	l.report.rescued(rescued)
	return nil
}

// commit loads a batch, whose outcome is known if the error is nil.
func (l *loader) commit(ctx context.Context, batch *sink.Batch, parts []row.Part) error {
	out, err := l.sink.Load(ctx, batch, parts)
	switch {
	case err != nil:
		return err
	case out.Committed:
		for shard := range out.Moved {
			claim := l.claims[shard]
			claim.At = after(claim.At)
			l.claims[shard] = claim
		}
		return nil
	case len(out.Fenced) > 0:
		return fmt.Errorf("load a batch: %w: nothing of the batch is loaded, run the same command again", snowflake.ErrSuperseded)
	default:
		return &snowflake.Error{Class: snowflake.Retry, Statement: "replay", Err: errors.New("the batch was not committed")}
	}
}

// judge sees what became of the messages of a batch that is committed, or in a dry run: would become. It returns their rows.
func (l *loader) judge(chunk []fetched) (total int64) {
	for i := range chunk {
		m := chunk[i].message
		if refused, ok := l.refused[place{m.shard, m.at}]; ok {
			m.rows -= refused.rows
			m.row, m.several = refused.index, refused.multi
			m.is(Failed, fmt.Sprintf("%s: %s", refused.first.Stage, refused.first.Reason))
		}
		total += m.rows
	}
	return total
}

// after is the position of the replay's own offset after one more batch: it counts them.
func after(p row.Position) row.Position {
	n, _ := strconv.ParseInt(p.Sequence, 10, 64) // "" before the first
	return row.Position{Sequence: strconv.FormatInt(n+1, 10)}
}

// held reads which rows of a chunk's messages the table holds.
func (l *loader) held(ctx context.Context, chunk []fetched) (map[place][]snowflake.PresentRow, error) {
	sequences := map[string][]string{}
	for i := range chunk {
		m := chunk[i].message
		sequences[m.shard] = append(sequences[m.shard], m.at.Sequence)
	}
	for shard, list := range sequences {
		slices.Sort(list)
		sequences[shard] = slices.Compact(list)
	}
	var rows []snowflake.PresentRow
	if err := again(ctx, func() (err error) { rows, err = l.sink.Present(ctx, sequences); return err }); err != nil {
		return nil, err
	}
	held := map[place][]snowflake.PresentRow{}
	for _, r := range rows {
		p := place{r.Shard, r.At}
		held[p] = append(held[p], r)
	}
	return held, nil
}
