package kinesis

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
)

// input is the union of all operations' parameters.
type input struct {
	StreamName, StreamARN, ConsumerARN, ConsumerName *string

	ShardId, ShardToSplit, ShardToMerge, AdjacentShardToMerge, NewStartingHashKey *string

	ShardCount, TargetShardCount, RetentionPeriodHours, MaxRecordSizeInKiB *int
	StreamModeDetails                                                      *struct{ StreamMode string }
	RecordDistributionStrategy, ScalingType, EncryptionType, KeyId         *string

	ShardIteratorType, StartingSequenceNumber, ShardIterator *string
	Timestamp                                                *float64
	StartingPosition                                         *position
	Limit, MaxResults                                        *int
	DryRun, EnforceConsumerDeletion                          bool

	PartitionKey, ExplicitHashKey, SequenceNumberForOrdering *string
	Data                                                     *[]byte
	Records                                                  *[]putEntry

	NextToken, ExclusiveStartShardId, ExclusiveStartStreamName *string
	StreamCreationTimestamp                                    *float64
	ShardFilter                                                *shardFilter

	ctx   context.Context
	fault *Fault
}

type putEntry struct {
	PartitionKey, ExplicitHashKey *string
	Data                          *[]byte
}

type shardFilter struct {
	Type, ShardId *string
	Timestamp     *float64
}

// operation carries out a request at a point of time. Its result is nil, an *answer, or what is to be written as JSON.
type operation func(*Server, *input, time.Time) (any, *Error)

var operations = map[string]operation{
	"CreateStream":          (*Server).createStream,
	"DeleteStream":          (*Server).deleteStream,
	"ListStreams":           (*Server).listStreams,
	"DescribeStream":        (*Server).describeStream,
	"DescribeStreamSummary": (*Server).describeStreamSummary,
	"UpdateMaxRecordSize":   (*Server).updateMaxRecordSize,
	"UpdateStreamMode":      (*Server).updateStreamMode,

	"UpdateStreamRecordDistributionStrategy": (*Server).updateDistribution,

	"IncreaseStreamRetentionPeriod": (*Server).increaseRetention,
	"DecreaseStreamRetentionPeriod": (*Server).decreaseRetention,
	"StartStreamEncryption":         (*Server).startEncryption,
	"StopStreamEncryption":          (*Server).stopEncryption,
	"PutRecord":                     (*Server).putRecord,
	"PutRecords":                    (*Server).putRecords,
	"GetShardIterator":              (*Server).getShardIterator,
	"GetRecords":                    (*Server).getRecords,
	"ListShards":                    (*Server).listShards,
	"SplitShard":                    (*Server).splitShard,
	"MergeShards":                   (*Server).mergeShards,
	"UpdateShardCount":              (*Server).updateShardCount,
	"RegisterStreamConsumer":        (*Server).registerStreamConsumer,
	"DescribeStreamConsumer":        (*Server).describeStreamConsumer,
	"ListStreamConsumers":           (*Server).listStreamConsumers,
	"DeregisterStreamConsumer":      (*Server).deregisterStreamConsumer,
	"SubscribeToShard":              (*Server).subscribeToShard,
}

var (
	namePattern = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,128}$`)
	arnPattern  = regexp.MustCompile(`^arn:aws[a-z-]*:kinesis:[a-z0-9-]+:\d{12}:stream/([a-zA-Z0-9_.-]{1,128})$`)
)

// target resolves StreamName and StreamARN, of which one or both are given, and locks the stream.
func (s *Server) target(in *input, now time.Time) (*stream, *Error) {
	name, err := s.targetName(in)
	if err != nil {
		return nil, err
	}
	return s.lock(name, now)
}

func (s *Server) targetName(in *input) (string, *Error) {
	if in.StreamName == nil && in.StreamARN == nil {
		return "", invalidArgument("Either StreamName or StreamARN must be provided.")
	}
	if in.StreamName != nil && !namePattern.MatchString(*in.StreamName) {
		return "", invalid(*in.StreamName, "streamName", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	if in.StreamARN == nil {
		return *in.StreamName, nil
	}
	m := arnPattern.FindStringSubmatch(*in.StreamARN)
	if m == nil {
		return "", invalid(*in.StreamARN, "streamARN", "Member must satisfy regular expression pattern: arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+")
	}
	if in.StreamName != nil && *in.StreamName != m[1] {
		return "", invalidArgument("StreamName %s does not match StreamARN %s.", *in.StreamName, *in.StreamARN)
	}
	if *in.StreamARN != s.arn(m[1]) {
		return "", notFound("Stream %s not found: it is not of account %s in %s.", *in.StreamARN, s.opt.Account, s.opt.Region)
	}
	return m[1], nil
}

// subject is the stream and shard that a request is about, as far as it says, for the hooks.
func (s *Server) subject(in *input) (stream, shard string) {
	for _, id := range []*string{in.ShardId, in.ShardToSplit, in.ShardToMerge} {
		if id != nil {
			shard = *id
		}
	}
	switch {
	case in.StreamName != nil:
		stream = *in.StreamName
	case in.StreamARN != nil:
		_, stream, _ = strings.Cut(*in.StreamARN, ":stream/")
	case in.ConsumerARN != nil:
		_, stream, _ = strings.Cut(*in.ConsumerARN, ":stream/")
		stream, _, _ = strings.Cut(stream, "/")
	}
	if in.ShardIterator != nil {
		if t, ok := s.sealer.open(iteratorToken, *in.ShardIterator); ok {
			return s.nameOf(t.stream), shardID(int(t.a))
		}
	}
	if stream == "" && in.NextToken != nil {
		if t, ok := s.sealer.open(listToken, *in.NextToken); ok {
			stream = s.nameOf(t.stream)
		}
	}
	return stream, shard
}

func millis(seconds float64) int64 { return int64(math.Round(seconds * 1000)) }

// stamp is a time on the wire: seconds since the Unix epoch with milliseconds.
type stamp int64

func (t stamp) MarshalJSON() ([]byte, error) { return appendStamp(nil, int64(t)), nil }

func appendStamp(dst []byte, ms int64) []byte {
	return fmt.Appendf(dst, "%d.%03d", ms/1000, ms%1000)
}

// check bounds an optional number.
func check(v *int, member string, least, most int) *Error {
	switch {
	case v == nil:
		return nil
	case *v < least:
		return invalid(*v, member, fmt.Sprintf("Member must have value greater than or equal to %d", least))
	case *v > most:
		return invalid(*v, member, fmt.Sprintf("Member must have value less than or equal to %d", most))
	default:
		return nil
	}
}
