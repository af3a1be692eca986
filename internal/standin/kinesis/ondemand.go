package kinesis

import (
	"slices"
	"time"
)

const mostModeChanges = 2 // in 24 h

// AutoSplit is the load above which a shard of an on-demand stream splits in the middle by itself. It is counted over
// whole seconds of arrival; a shard that one of the two bounds is exceeded of splits at once, within the request that
// exceeds it, and the stream stays ACTIVE. A bound of 0 is none.
type AutoSplit struct {
	Bytes   int // a second and shard, partition keys included
	Records int // a second and shard
	Shards  int // open shards above which no shard splits, default 200
}

// load counts what a shard takes in one second.
type load struct {
	second  int64
	bytes   int
	records int
}

// loaded books a record of an on-demand stream, and splits the shard that it is too much for.
func (st *stream) loaded(h *shard, size int, now int64) {
	l, bound := &h.load, st.autoSplit
	if l.second != now/1000 {
		*l = load{second: now / 1000}
	}
	l.bytes += size
	l.records++
	over := bound.Bytes > 0 && l.bytes > bound.Bytes || bound.Records > 0 && l.records > bound.Records
	if !over || len(st.ring) >= bound.Shards || st.updating != 0 || h.start.next().compare(h.end) >= 0 {
		return
	}
	st.split(h, h.start.mid(h.end), now)
}

func (s *Server) updateStreamMode(in *input, now time.Time) (any, *Error) {
	if in.StreamModeDetails == nil {
		return nil, missing("streamModeDetails")
	}
	mode := in.StreamModeDetails.StreamMode
	if mode != "ON_DEMAND" && mode != "PROVISIONED" {
		return nil, invalid(mode, "streamModeDetails.streamMode", "Member must satisfy enum value set: [PROVISIONED, ON_DEMAND]")
	}
	st, err := s.active(in, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	st.modes = slices.DeleteFunc(st.modes, func(t time.Time) bool { return now.Sub(t) >= 24*time.Hour })
	switch {
	case st.mode().StreamMode == mode:
		return nil, clientError("ValidationException", "Stream %s under account %s is already in %s mode.", st.name, st.account, mode)
	case st.auto && mode == "PROVISIONED":
		return nil, invalidArgument("Stream %s under account %s has the RecordDistributionStrategy AUTO, which is only supported in ON_DEMAND mode.", st.name, st.account)
	case len(st.modes) >= mostModeChanges:
		return nil, limitExceeded("The mode of stream %s under account %s cannot be changed more than %d times in 24 hours.", st.name, st.account, mostModeChanges)
	}
	st.modes = append(st.modes, now)
	s.reshard(st, now, func(int64) { st.onDemand = mode == "ON_DEMAND" })
	return nil, nil
}

func (s *Server) updateDistribution(in *input, now time.Time) (any, *Error) {
	if in.RecordDistributionStrategy == nil {
		return nil, missing("recordDistributionStrategy")
	}
	if in.StreamARN == nil {
		return nil, missing("streamARN")
	}
	strategy := *in.RecordDistributionStrategy
	if strategy != "AUTO" && strategy != "USER_PARTITION_KEY" {
		return nil, invalid(strategy, "recordDistributionStrategy", "Member must satisfy enum value set: [AUTO, USER_PARTITION_KEY]")
	}
	st, err := s.active(in, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	if strategy == "AUTO" && !st.onDemand {
		return nil, invalidArgument("RecordDistributionStrategy AUTO is only supported for streams in ON_DEMAND mode.")
	}
	st.auto = strategy == "AUTO"
	return nil, nil
}
