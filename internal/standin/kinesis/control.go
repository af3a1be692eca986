package kinesis

import (
	"slices"
	"strings"
	"time"
)

const (
	onDemandShards = 4
	defaultRecord  = 1024  // KiB
	largestRecord  = 10240 // KiB
	mostShards     = 10_000
	mostScalings   = 10 // UpdateShardCount calls in 24 h
)

func (s *Server) createStream(in *input, _ time.Time) (any, *Error) {
	if in.StreamName == nil {
		return nil, missing("streamName")
	}
	if _, err := s.targetName(&input{StreamName: in.StreamName}); err != nil {
		return nil, err
	}
	set := settings{maxRecord: defaultRecord}
	if err := check(in.MaxRecordSizeInKiB, "maxRecordSizeInKiB", defaultRecord, largestRecord); err != nil {
		return nil, err
	}
	if in.MaxRecordSizeInKiB != nil {
		set.maxRecord = *in.MaxRecordSizeInKiB
	}
	set.onDemand = in.StreamModeDetails != nil && in.StreamModeDetails.StreamMode == "ON_DEMAND"
	set.auto = in.RecordDistributionStrategy != nil && *in.RecordDistributionStrategy == "AUTO"
	switch {
	case set.onDemand && in.ShardCount != nil:
		return nil, invalidArgument("ShardCount must not be given for a stream in ON_DEMAND mode.")
	case set.onDemand:
		set.shards = onDemandShards
	case set.auto:
		return nil, invalidArgument("RecordDistributionStrategy AUTO is only supported for streams in ON_DEMAND mode.")
	case in.ShardCount == nil:
		return nil, missing("shardCount")
	default:
		if err := check(in.ShardCount, "shardCount", 1, 100_000); err != nil {
			return nil, err
		}
		set.shards = *in.ShardCount
		if set.shards > mostShards {
			return nil, limitExceeded("This request would exceed the shard limit for the account %s in %s. Limit: %d.", s.opt.Account, s.opt.Region, mostShards)
		}
	}
	return nil, s.create(*in.StreamName, set, s.opt.CreateDelay)
}

func (s *Server) deleteStream(in *input, now time.Time) (any, *Error) {
	st, err := s.target(in, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	if len(st.consumers) > 0 && !in.EnforceConsumerDeletion {
		return nil, clientError("ResourceInUseException", "Stream %s under account %s has consumers registered. Deregister them first, or set EnforceConsumerDeletion.", st.name, st.account)
	}
	for _, c := range st.consumers {
		st.deregister(c, now, s.opt.CreateDelay)
	}
	if st.deleting == 0 {
		st.deleting = now.UnixMilli() + s.opt.CreateDelay.Milliseconds()
	}
	return nil, nil
}

type modeDetails struct{ StreamMode string }

func (st *stream) mode() modeDetails {
	if st.onDemand {
		return modeDetails{"ON_DEMAND"}
	}
	return modeDetails{"PROVISIONED"}
}

func (s *Server) listStreams(in *input, now time.Time) (any, *Error) {
	if err := check(in.Limit, "limit", 1, 10_000); err != nil {
		return nil, err
	}
	most, after := 100, ""
	if in.Limit != nil {
		most = min(*in.Limit, 100)
	}
	if in.ExclusiveStartStreamName != nil {
		after = *in.ExclusiveStartStreamName
	}
	if in.NextToken != nil {
		after = *in.NextToken
	}
	type summary struct {
		StreamName, StreamARN, StreamStatus string
		StreamModeDetails                   modeDetails
		StreamCreationTimestamp             stamp
	}
	out := struct {
		StreamNames     []string
		HasMoreStreams  bool
		NextToken       string `json:",omitempty"`
		StreamSummaries []summary
	}{StreamNames: []string{}, StreamSummaries: []summary{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*stream
	for _, st := range s.streams {
		if st.name > after && !s.gone(st, now.UnixMilli()) {
			all = append(all, st)
		}
	}
	slices.SortFunc(all, func(a, b *stream) int { return strings.Compare(a.name, b.name) })
	for i, st := range all {
		if i == most {
			out.HasMoreStreams = true
			out.NextToken = out.StreamNames[i-1]
			break
		}
		st.mu.Lock()
		st.settle(now.UnixMilli())
		out.StreamNames = append(out.StreamNames, st.name)
		out.StreamSummaries = append(out.StreamSummaries, summary{st.name, st.arn, st.status(now.UnixMilli()), st.mode(), stamp(st.created)})
		st.mu.Unlock()
	}
	return out, nil
}

type description struct {
	StreamName, StreamARN, StreamStatus string
	StreamModeDetails                   modeDetails
	StreamCreationTimestamp             stamp
	RetentionPeriodHours                int
	EncryptionType                      string
	KeyId                               string `json:",omitempty"`
	EnhancedMonitoring                  []monitoring
}

type monitoring struct{ ShardLevelMetrics []string }

func (st *stream) describe(now int64) description {
	return description{
		StreamName: st.name, StreamARN: st.arn, StreamStatus: st.status(now), StreamModeDetails: st.mode(),
		StreamCreationTimestamp: stamp(st.created), RetentionPeriodHours: int(st.retention / time.Hour),
		EncryptionType: st.encryption(), KeyId: st.keyID, EnhancedMonitoring: []monitoring{{[]string{}}},
	}
}

func (s *Server) describeStreamSummary(in *input, now time.Time) (any, *Error) {
	st, err := s.target(in, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	type summary struct {
		description
		OpenShardCount, ConsumerCount, MaxRecordSizeInKiB int
		RecordDistributionStrategy                        string `json:",omitempty"`
	}
	out := summary{description: st.describe(now.UnixMilli()), OpenShardCount: len(st.ring), ConsumerCount: len(st.consumers), MaxRecordSizeInKiB: st.maxRecord >> 10}
	if out.StreamStatus == "CREATING" {
		out.OpenShardCount = 0
	}
	if st.auto {
		out.RecordDistributionStrategy = "AUTO"
	} else if st.onDemand {
		out.RecordDistributionStrategy = "USER_PARTITION_KEY"
	}
	return struct{ StreamDescriptionSummary summary }{out}, nil
}

func (s *Server) describeStream(in *input, now time.Time) (any, *Error) {
	if err := check(in.Limit, "limit", 1, 10_000); err != nil {
		return nil, err
	}
	after, most := -1, 100
	if in.Limit != nil {
		most = min(*in.Limit, 100)
	}
	if in.ExclusiveStartShardId != nil {
		n, ok := shardNumber(*in.ExclusiveStartShardId)
		if !ok {
			return nil, invalid(*in.ExclusiveStartShardId, "exclusiveStartShardId", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
		}
		after = n
	}
	st, err := s.target(in, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	type full struct {
		description
		Shards        []shardDescription
		HasMoreShards bool
	}
	out := full{description: st.describe(now.UnixMilli()), Shards: []shardDescription{}}
	for _, h := range st.shards {
		if h.number <= after || h.expired || out.StreamStatus == "CREATING" {
			continue
		}
		if len(out.Shards) == most {
			out.HasMoreShards = true
			break
		}
		out.Shards = append(out.Shards, h.describe())
	}
	return struct{ StreamDescription full }{out}, nil
}

// active locks a stream that is in the state which changes to it need.
func (s *Server) active(in *input, now time.Time) (*stream, *Error) {
	st, err := s.target(in, now)
	if err != nil {
		return nil, err
	}
	if status := st.status(now.UnixMilli()); status != "ACTIVE" {
		st.mu.Unlock()
		return nil, clientError("ResourceInUseException", "Stream %s under account %s not ACTIVE, instead in state %s", st.name, st.account, status)
	}
	return st, nil
}
