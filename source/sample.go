package source

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source/kpl"
	"kinesis-snowflake/source/lease"
	"kinesis-snowflake/source/reader"
)

// Sampling is how much of a shard is wanted.
type Sampling struct {
	Records int   // user records, half of them from the shard's start and half from near its tip
	Bytes   int64 // of their data; an answer that goes beyond is the last one
}

// Sampled is some of a shard's user records, in the shard's order. They belong to the caller.
type Sampled struct {
	Records []row.Record
	Whole   bool // the shard has no others
}

// sampleMost is how many records one call of a sample asks for.
const sampleMost = 500

// lookbacks are how far before now a shard's tip is looked for, until enough records lie between there and now.
// A shard where few records come costs seven looks, of two calls each.
var lookbacks = []time.Duration{time.Minute, 15 * time.Minute, 3 * time.Hour, 24 * time.Hour}

// halvings is how often it is looked between a time since when too few records came and one since when enough came.
const halvings = 3

// Sample reads some of a shard's records with GetRecords, at half the pace that a shard allows, since its worker comes first.
// It leaves no trace. Of a shard that is gone it returns nothing.
func (a *Again) Sample(ctx context.Context, shard lease.Shard, want Sampling) (Sampled, error) {
	s := &sampler{rereader{Again: a, shard: shard.ID}}
	if hashes, err := kpl.ParseRange(shard.StartHash, shard.EndHash); err == nil && !hashes.Whole() && !a.info.AutoDistributed {
		s.hashes = &hashes
	}
	out, err := s.sample(ctx, want)
	if errors.Is(err, ErrShardGone) {
		return out, nil
	}
	return out, err
}

type sampler struct{ rereader }

func (s *sampler) sample(ctx context.Context, want Sampling) (Sampled, error) {
	first, whole, err := s.from(ctx, time.Time{}, want.half())
	if err != nil || whole {
		return Sampled{first, whole}, err
	}
	last, err := s.tip(ctx, Sampling{want.Records - len(first), want.half().Bytes})
	if err != nil {
		return Sampled{first, false}, err
	}
	both := newer(first, last, want.Records)
	room := want.Bytes
	for i := range both {
		room -= int64(len(both[i].Data) + len(both[i].PartitionKey))
	}
	if len(first) == 0 || len(both) == want.Records || room <= 0 {
		return Sampled{both, false}, nil
	}
	// Many came at once, so that those near the tip are among the first, or few are near it: the first ones go on.
	on := &kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber, StartingSequenceNumber: aws.String(string(first[len(first)-1].Sequence))}
	more, whole, err := s.read(ctx, on, Sampling{want.Records, room})
	if err != nil {
		return Sampled{both, false}, err
	}
	have := map[row.Position]bool{}
	for i := range both {
		have[place(&both[i])] = true
	}
	more = slices.DeleteFunc(more, func(r row.Record) bool { return have[place(&r)] })
	missing := want.Records - len(both)
	return Sampled{newer(both, more[:min(len(more), missing)], want.Records), whole && len(more) <= missing}, nil
}

// tip reads the newest records that it comes by: no iterator begins at a number of records before the tip, so times are tried.
func (s *sampler) tip(ctx context.Context, want Sampling) (newest []row.Record, err error) {
	less, more := time.Duration(0), time.Duration(0) // before now: too few records came since, and enough
	try := func(back time.Duration) error {
		found, _, err := s.from(ctx, time.Now().Add(-back), want)
		newest = newer(newest, found, want.Records)
		if len(found) < want.Records {
			less = back
		} else {
			more = back
		}
		return err
	}
	for _, back := range lookbacks {
		if err = try(back); err != nil || more != 0 {
			break
		}
	}
	for n := 0; err == nil && n < halvings && more != 0 && less != 0; n++ {
		err = try(time.Duration(math.Sqrt(float64(less) * float64(more))))
	}
	return newest, err
}

// newer returns the newest records of both.
func newer(a, b []row.Record, most int) []row.Record {
	all := append(slices.Clone(a), b...)
	slices.SortStableFunc(all, func(x, y row.Record) int { return place(&x).Compare(place(&y)) })
	all = slices.CompactFunc(all, func(x, y row.Record) bool { return place(&x) == place(&y) })
	return all[max(0, len(all)-most):]
}

func (s Sampling) half() Sampling { return Sampling{(s.Records + 1) / 2, (s.Bytes + 1) / 2} }

func place(r *row.Record) row.Position {
	return row.Position{Sequence: string(r.Sequence), Subsequence: r.Subsequence}
}

// from reads on from a time, the shard's start when that is zero, and reports whether it came to the tip.
func (s *sampler) from(ctx context.Context, at time.Time, want Sampling) (records []row.Record, tip bool, err error) {
	in := &kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
	if !at.IsZero() {
		in.ShardIteratorType, in.Timestamp = types.ShardIteratorTypeAtTimestamp, &at
	}
	return s.read(ctx, in, want)
}

// read reads on from an iterator, and reports whether it came to the tip.
func (s *sampler) read(ctx context.Context, in *kinesis.GetShardIteratorInput, want Sampling) (records []row.Record, tip bool, err error) {
	in.ShardId = &s.shard
	in.StreamName, in.StreamARN = s.tools.stream()
	iterator := ""
	err = s.call(ctx, "get iterator of shard "+s.shard, "GetShardIterator", func(ctx context.Context) error {
		out, err := s.tools.control.client.GetShardIterator(ctx, in)
		if err == nil {
			iterator = aws.ToString(out.ShardIterator)
		}
		return err
	})
	for empty := 0; err == nil && empty < maxLooks && len(records) < want.Records && want.Bytes > 0; {
		most := int32(min(sampleMost, want.Records-len(records)))
		var out *kinesis.GetRecordsOutput
		err = s.call(ctx, "get records of shard "+s.shard, "GetRecords", func(ctx context.Context) (err error) {
			_, arn := s.tools.stream()
			out, err = s.tools.control.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: &iterator, StreamARN: arn, Limit: &most})
			return err
		})
		if err != nil {
			break
		}
		size, err := s.keep(out.Records, want.Records, &records)
		if err != nil {
			return records, false, err
		}
		want.Bytes -= size
		if len(out.Records) == 0 {
			empty++
		}
		iterator = aws.ToString(out.NextShardIterator)
		if iterator == "" || aws.ToInt64(out.MillisBehindLatest) == 0 {
			return records, len(records) < want.Records, nil
		}
	}
	return records, false, err
}

// keep appends copies of an answer's user records, up to most of them in all, and returns the bytes that the answer had.
func (s *sampler) keep(records []types.Record, most int, kept *[]row.Record) (size int64, err error) {
	for i := range records {
		rec := &records[i]
		size += int64(len(rec.Data) + len(aws.ToString(rec.PartitionKey)))
		one := []row.Record{{Sequence: []byte(aws.ToString(rec.SequenceNumber)), PartitionKey: []byte(aws.ToString(rec.PartitionKey)),
			Data: rec.Data, Arrival: aws.ToTime(rec.ApproximateArrivalTimestamp).UnixMilli()}}
		err := reader.Users(one, s.aggregates, s.hashes, func(u *row.Record) error {
			if len(*kept) < most {
				copied := *u
				copied.Sequence, copied.PartitionKey, copied.Data = bytes.Clone(u.Sequence), bytes.Clone(u.PartitionKey), bytes.Clone(u.Data)
				*kept = append(*kept, copied)
			}
			return nil
		})
		if err != nil {
			return size, err
		}
	}
	s.next = time.Now().Add(max(againSpacing, time.Duration(float64(size)/againRate*float64(time.Second))))
	return size, nil
}
