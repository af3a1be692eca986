// Package produce puts records into a stream: lines of a file as they stand, good or bad, each under a partition key
// taken from the record where it has a natural one.
package produce

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"

	"kinesis-snowflake/internal/standin/kinesis"
)

// Record is what one PutRecords entry carries.
type Record struct {
	PartitionKey    string
	ExplicitHashKey string // "" places it by partition key
	Data            []byte
}

// Putter puts records, in order within each shard, and returns once all are in the stream. It repeats what the stream
// refuses for a time; its error is final.
type Putter interface {
	Put(ctx context.Context, stream string, records []Record) error
}

// Lines reads all records of r: its lines as they stand, an empty one too, without the line feed that ends each. A
// record may have 10 MiB.
func Lines(r io.Reader) ([][]byte, error) {
	all, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	lines := bytes.Split(bytes.TrimSuffix(all, []byte("\n")), []byte("\n"))
	for i, line := range lines {
		if len(line) > maxLine {
			return nil, fmt.Errorf("read records: line %d has more than 10 MiB", i+1)
		}
	}
	return lines, nil
}

const maxLine = 10 << 20

// Batch bounds of PutRecords: 500 entries; its 10 MiB are kept far below, so that a batch never meets a shard's second.
const (
	batchRecords = 500
	batchBytes   = 512 << 10
)

// Batches repeats lines until there are n records (0 means each line once) and groups them for Put.
func Batches(lines [][]byte, n int) iter.Seq[[]Record] {
	if n == 0 {
		n = len(lines)
	}
	if len(lines) == 0 {
		n = 0
	}
	return func(yield func([]Record) bool) {
		var batch []Record
		size := 0
		for i := range n {
			data := lines[i%len(lines)]
			if len(batch) > 0 && (len(batch) == batchRecords || size+len(data) > batchBytes) {
				if !yield(batch) {
					return
				}
				batch, size = nil, 0
			}
			batch = append(batch, Record{PartitionKey: Key(data, i), Data: data})
			size += len(data)
		}
		if len(batch) > 0 {
			yield(batch)
		}
	}
}

// Key is a record's partition key: its id, or the name of its event with its number, or its number. Kinesis takes 1 to 256 characters.
func Key(data []byte, number int) string {
	var natural struct {
		ID    any    `json:"id"`
		Event string `json:"event"`
	}
	_ = json.Unmarshal(data, &natural) // what is no JSON object has no natural key
	switch id := natural.ID.(type) {
	case string:
		if id != "" && len(id) <= 256 {
			return id
		}
	case float64:
		return strconv.FormatFloat(id, 'f', -1, 64)
	}
	if natural.Event != "" && len(natural.Event) < 200 {
		return natural.Event + "-" + strconv.Itoa(number)
	}
	return strconv.Itoa(number)
}

// Local puts into a Kinesis of this process.
type Local struct{ Server *kinesis.Server }

// Put implements [Putter].
func (l Local) Put(ctx context.Context, stream string, records []Record) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	entries := make([]kinesis.Entry, len(records))
	for i, r := range records {
		entries[i] = kinesis.Entry{PartitionKey: r.PartitionKey, ExplicitHashKey: r.ExplicitHashKey, Data: r.Data}
	}
	if err := l.Server.PutMany(stream, entries); err != nil {
		return fmt.Errorf("put records: %w", err)
	}
	return nil
}
