package plan

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/internal/unpack"
	"kinesis-snowflake/source"
	"kinesis-snowflake/source/lease"
)

const (
	// DefaultRecords is how many records of a stream are looked at, of all shards together.
	DefaultRecords = 1000
	// maxSample bounds the bytes of a sample, which is held in memory more than once.
	maxSample = 64 << 20
	// leastOfShard keeps a large stream's shards from being passed over: two from the start and two from the tip.
	leastOfShard = 4
	// shardsAtOnce bounds the shards that are read at once. The service's limits are a shard's own; this is for memory, since an
	// answer may have 10 MiB.
	shardsAtOnce = 16
	// progressEvery is how often it is told how far the reading has come.
	progressEvery = time.Second
	// maxLine is beyond the largest record of the service.
	maxLine = 11 << 20
)

// sampled is a record of the sample and its shard.
type sampled struct {
	row.Record
	shard string
}

func (s *sampled) where() Where {
	return Where{Shard: s.shard, Sequence: string(s.Sequence), Subsequence: s.Subsequence}
}

// Progress is how far the reading of a sample has come.
type Progress struct{ Shards, Of, Records int }

// fromStream reads about n records of all shards.
func fromStream(ctx context.Context, tools *source.Tools, info source.StreamInfo, n int, told func(Progress)) ([]sampled, Sample, error) {
	listing, err := tools.Shards(ctx)
	if err != nil {
		return nil, Sample{}, err
	}
	shards := listing.Shards
	if len(shards) == 0 {
		return nil, Sample{}, errors.New("the stream has no shards")
	}
	want := source.Sampling{Records: max(leastOfShard, (n+len(shards)-1)/len(shards)), Bytes: max(1<<20, maxSample/int64(len(shards)))}
	parts, errs := make([]source.Sampled, len(shards)), make([]error, len(shards))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var read, records atomic.Int64
	defer every(progressEvery, func() { told(Progress{int(read.Load()), len(shards), int(records.Load())}) })()
	again := tools.Again(info)
	var wg sync.WaitGroup
	room := make(chan struct{}, shardsAtOnce)
	for i := range shards {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			if parts[i], errs[i] = again.Sample(ctx, shards[i], want); errs[i] != nil {
				stop() // the others have nothing to add to an error
			}
			read.Add(1)
			records.Add(int64(len(parts[i].Records)))
		})
	}
	wg.Wait()
	if err := firstError(errs); err != nil {
		return nil, Sample{}, err
	}
	return gather(shards, parts)
}

// every calls do at intervals, until the function that it returns is called.
func every(interval time.Duration, do func()) (end func()) {
	ticker, over := time.NewTicker(interval), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-ticker.C:
				do()
			case <-over:
				return
			}
		}
	})
	return func() {
		ticker.Stop()
		close(over)
		wg.Wait()
	}
}

// firstError prefers an error to those that it brought about.
func firstError(errs []error) (first error) {
	for _, err := range errs {
		if err != nil && (first == nil || errors.Is(first, context.Canceled)) {
			first = err
		}
	}
	return first
}

func gather(shards []lease.Shard, parts []source.Sampled) (all []sampled, s Sample, _ error) {
	s = Sample{From: "stream", Shards: len(shards), Whole: true}
	for i, p := range parts {
		s.Whole = s.Whole && p.Whole
		for _, r := range p.Records {
			all = append(all, sampled{r, shards[i].ID})
		}
	}
	s.measure(all)
	return all, s, nil
}

func (s *Sample) measure(all []sampled) {
	s.Records = len(all)
	for i := range all {
		s.Bytes += int64(len(all[i].Data))
		at := time.UnixMilli(all[i].Arrival).UTC()
		if s.First.IsZero() || at.Before(s.First) {
			s.First = at
		}
		if at.After(s.Last) {
			s.Last = at
		}
	}
}

// fileShard stands for the shard of records that come from a file.
const fileShard = "shardId-000000000000"

// fromFile takes each line for the payload of a record, n of them at most unless n is 0. The sequence number is that of the
// line. Empty lines are passed over. Of a file that is one JSON array, printed over several lines, it takes the elements.
func fromFile(name string, in io.Reader, n int, now time.Time) ([]sampled, Sample, error) {
	s := Sample{From: name, Shards: 1, Whole: true}
	var all []sampled
	size := 0
	take := func(number int, payload []byte) (more bool) {
		if size += len(payload); size > maxSample || n > 0 && len(all) == n {
			s.Whole = false
			return false
		}
		r := row.Record{Sequence: strconv.AppendInt(nil, int64(number), 10), PartitionKey: []byte("sample"), Arrival: now.UnixMilli(), Data: bytes.Clone(payload)}
		all = append(all, sampled{r, fileShard})
		return true
	}
	text, err := unpack.Text(in)
	if err == nil {
		if printed(text) {
			s.unit = "element"
			err = elements(text, take)
		} else {
			err = lines(text, take)
		}
	}
	if err != nil {
		return nil, s, fmt.Errorf("read sample %s: %w", name, err)
	}
	s.measure(all)
	s.First, s.Last = time.Time{}, time.Time{}
	return all, s, nil
}

func lines(in io.Reader, take func(number int, line []byte) bool) error {
	scan := bufio.NewScanner(in)
	scan.Buffer(make([]byte, 64<<10), maxLine)
	for number := 1; scan.Scan(); number++ {
		if line := scan.Bytes(); len(line) > 0 && !take(number, line) {
			return nil
		}
	}
	if errors.Is(scan.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("a line of over %d MiB: a record is a line, and has at most 10 MiB", maxLine>>20)
	}
	return scan.Err()
}

// printed reports whether a text begins with a bracket that has its line to itself, as an array does that was printed to be read.
func printed(in *bufio.Reader) bool {
	head, _ := in.Peek(64)
	first, rest, more := bytes.Cut(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"), []byte("\n"))
	return more && len(rest) > 0 && string(bytes.TrimRight(first, " \t\r")) == "["
}

// elements takes those of an array, each as it is written.
func elements(in *bufio.Reader, take func(number int, element []byte) bool) error {
	if head, _ := in.Peek(3); string(head) == "\xef\xbb\xbf" {
		_, _ = in.Discard(3)
	}
	d := json.NewDecoder(in)
	_, err := d.Token()
	for number := 1; err == nil && d.More(); number++ {
		var element json.RawMessage
		if err = d.Decode(&element); err == nil && !take(number, element) {
			return nil
		}
	}
	if err == nil {
		_, err = d.Token()
	}
	if err != nil {
		return fmt.Errorf("it begins as one JSON array: %w", err)
	}
	return nil
}
