package kinesis

import (
	"slices"
	"time"
)

func (s *Server) updateMaxRecordSize(in *input, now time.Time) (any, *Error) {
	if in.MaxRecordSizeInKiB == nil {
		return nil, missing("maxRecordSizeInKiB")
	}
	if err := check(in.MaxRecordSizeInKiB, "maxRecordSizeInKiB", defaultRecord, largestRecord); err != nil {
		return nil, err
	}
	st, err := s.active(in, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	st.maxRecord = *in.MaxRecordSizeInKiB << 10
	return nil, nil
}

const (
	leastRetention = 24   // hours
	mostRetention  = 8760 // hours
)

func (s *Server) increaseRetention(in *input, now time.Time) (any, *Error) {
	return s.changeRetention(in, now, func(st *stream, hours, current int) *Error {
		switch {
		case hours > mostRetention:
			return invalidArgument("Maximum allowed retention period is %d hours. Requested retention period (%d hours) is too long.", mostRetention, hours)
		case hours < leastRetention:
			return invalidArgument("Minimum allowed retention period is %d hours. Requested retention period (%d hours) is too short.", leastRetention, hours)
		case hours < current:
			return invalidArgument("Requested retention period (%d hours) for stream %s can not be shorter than existing retention period (%d hours). Use DecreaseRetentionPeriod API.", hours, st.name, current)
		}
		return nil
	})
}

func (s *Server) decreaseRetention(in *input, now time.Time) (any, *Error) {
	return s.changeRetention(in, now, func(st *stream, hours, current int) *Error {
		switch {
		case hours < leastRetention:
			return invalidArgument("Minimum allowed retention period is %d hours. Requested retention period (%d hours) is too short.", leastRetention, hours)
		case hours > current:
			return invalidArgument("Requested retention period (%d hours) for stream %s can not be longer than existing retention period (%d hours). Use IncreaseRetentionPeriod API.", hours, st.name, current)
		}
		return nil
	})
}

func (s *Server) changeRetention(in *input, now time.Time, refuse func(st *stream, hours, current int) *Error) (any, *Error) {
	if in.RetentionPeriodHours == nil {
		return nil, missing("retentionPeriodHours")
	}
	st, err := s.active(in, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	if err := refuse(st, *in.RetentionPeriodHours, int(st.retention/time.Hour)); err != nil {
		return nil, err
	}
	// A longer period does not bring back what a shorter one has ended.
	st.horizonMin = st.horizon(now.UnixMilli())
	st.retention = time.Duration(*in.RetentionPeriodHours) * time.Hour
	st.settle(now.UnixMilli())
	return nil, nil
}

func (s *Server) startEncryption(in *input, now time.Time) (any, *Error) {
	if in.EncryptionType == nil || *in.EncryptionType != "KMS" || in.KeyId == nil || *in.KeyId == "" {
		return nil, invalidArgument("EncryptionType KMS and a KeyId must be given.")
	}
	st, err := s.active(in, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	st.keyID = *in.KeyId
	return nil, nil
}

func (s *Server) stopEncryption(in *input, now time.Time) (any, *Error) {
	st, err := s.active(in, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	st.keyID = ""
	return nil, nil
}

// reshard has a change of shards take effect after the update delay. The caller holds the stream's lock and has checked it.
func (s *Server) reshard(st *stream, now time.Time, apply func(at int64)) {
	if s.opt.UpdateDelay <= 0 {
		apply(now.UnixMilli())
		return
	}
	st.updating, st.pending = now.Add(s.opt.UpdateDelay).UnixMilli(), apply
	st.wake()
}

// provisioned locks an active stream whose shards its owner may change.
func (s *Server) provisioned(op string, in *input, now time.Time) (*stream, *Error) {
	st, err := s.active(in, now)
	if err != nil {
		return nil, err
	}
	if st.onDemand {
		st.mu.Unlock()
		return nil, clientError("ValidationException", "%s is only supported for streams in PROVISIONED mode.", op)
	}
	return st, nil
}

func (s *Server) splitShard(in *input, now time.Time) (any, *Error) {
	if in.ShardToSplit == nil {
		return nil, missing("shardToSplit")
	}
	if in.NewStartingHashKey == nil {
		return nil, missing("newStartingHashKey")
	}
	st, err := s.provisioned("SplitShard", in, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	h, err := st.find(*in.ShardToSplit)
	if err != nil {
		return nil, err
	}
	key, err := st.checkSplit(h, *in.NewStartingHashKey)
	if err != nil {
		return nil, err
	}
	s.reshard(st, now, func(at int64) { st.split(h, key, at) })
	return nil, nil
}

func (s *Server) mergeShards(in *input, now time.Time) (any, *Error) {
	if in.ShardToMerge == nil {
		return nil, missing("shardToMerge")
	}
	if in.AdjacentShardToMerge == nil {
		return nil, missing("adjacentShardToMerge")
	}
	st, err := s.provisioned("MergeShards", in, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	a, err := st.find(*in.ShardToMerge)
	if err != nil {
		return nil, err
	}
	b, err := st.find(*in.AdjacentShardToMerge)
	if err != nil {
		return nil, err
	}
	if err := st.checkMerge(a, b); err != nil {
		return nil, err
	}
	s.reshard(st, now, func(at int64) { st.merge(a, b, at) })
	return nil, nil
}

func (s *Server) updateShardCount(in *input, now time.Time) (any, *Error) {
	if in.TargetShardCount == nil {
		return nil, missing("targetShardCount")
	}
	if in.ScalingType == nil || *in.ScalingType != "UNIFORM_SCALING" {
		return nil, invalid(in.ScalingType, "scalingType", "Member must satisfy enum value set: [UNIFORM_SCALING]")
	}
	n := *in.TargetShardCount
	if err := check(&n, "targetShardCount", 1, 100_000); err != nil {
		return nil, err
	}
	st, err := s.provisioned("UpdateShardCount", in, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	open := len(st.ring)
	st.scaled = slices.DeleteFunc(st.scaled, func(t time.Time) bool { return now.Sub(t) >= 24*time.Hour })
	switch {
	case n > mostShards:
		return nil, limitExceeded("Target shard count or number of open shards cannot be greater than %d. Current open shard count: %d, Target shard count: %d", mostShards, open, n)
	case n > 2*open:
		return nil, limitExceeded("UpdateShardCount cannot scale up over double your current open shard count. Current open shard count: %d, Target shard count: %d", open, n)
	case 2*n < open:
		return nil, limitExceeded("UpdateShardCount cannot scale down below half your current open shard count. Current open shard count: %d, Target shard count: %d", open, n)
	case len(st.scaled) >= mostScalings:
		return nil, limitExceeded("UpdateShardCount cannot be called more than %d times in 24 hours for stream %s under account %s.", mostScalings, st.name, st.account)
	}
	st.scaled = append(st.scaled, now)
	s.reshard(st, now, func(at int64) { st.scale(n, at) })
	return struct {
		StreamName, StreamARN               string
		CurrentShardCount, TargetShardCount int
	}{st.name, st.arn, open, n}, nil
}
