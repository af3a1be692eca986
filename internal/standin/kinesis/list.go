package kinesis

import (
	"math"
	"time"
)

type hashRange struct{ StartingHashKey, EndingHashKey string }

type sequenceRange struct {
	StartingSequenceNumber string
	EndingSequenceNumber   string `json:",omitempty"`
}

type shardDescription struct {
	ShardId               string
	ParentShardId         string `json:",omitempty"`
	AdjacentParentShardId string `json:",omitempty"`
	HashKeyRange          hashRange
	SequenceNumberRange   sequenceRange
}

func (h *shard) hashRange() hashRange { return hashRange{h.start.String(), h.end.String()} }

func (h *shard) describe() shardDescription {
	d := shardDescription{ShardId: h.id, HashKeyRange: h.hashRange()}
	d.SequenceNumberRange.StartingSequenceNumber = h.starting()
	if !h.open() {
		d.SequenceNumberRange.EndingSequenceNumber = h.ending()
	}
	if len(h.parents) > 0 {
		d.ParentShardId = h.parents[0].id
	}
	if len(h.parents) > 1 {
		d.AdjacentParentShardId = h.parents[1].id
	}
	return d
}

// Filters as a list token remembers them: the kind with, for the two of time, its milliseconds.
const (
	fromHorizon = iota
	atHorizon
	atLatest
	atTime
	fromTime
)

// listing is a ListShards call brought to one form, whether it begins a list or goes on with one.
type listing struct {
	filter uint64
	at     int64 // milliseconds, for the filters of time
	after  int   // number of the last shard already listed, or -1
	most   int
}

func (s *Server) listShards(in *input, now time.Time) (any, *Error) {
	if err := check(in.MaxResults, "maxResults", 1, 10_000); err != nil {
		return nil, err
	}
	var st *stream
	var list listing
	var err *Error
	if in.NextToken != nil {
		st, list, err = s.resumeListing(in, now)
	} else {
		st, list, err = s.beginListing(in, now)
	}
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	switch status := st.status(now.UnixMilli()); status {
	case "CREATING", "DELETING":
		return nil, clientError("ResourceInUseException", "Stream %s under account %s not ACTIVE, instead in state %s", st.name, st.account, status)
	}
	list.most = 1000
	if in.MaxResults != nil {
		list.most = min(*in.MaxResults, 1000)
	}
	out := struct {
		Shards    []shardDescription
		NextToken string `json:",omitempty"`
	}{Shards: []shardDescription{}}
	for _, h := range st.shards[min(list.after+1, len(st.shards)):] {
		if !st.lists(h, list, now.UnixMilli()) {
			continue
		}
		if len(out.Shards) == list.most {
			out.NextToken = s.sealer.seal(listToken, token{issued: now.UnixMilli(), stream: st.incarnation,
				a: list.filter, b: uint64(list.at), c: uint64(list.after + 1)})
			break
		}
		out.Shards = append(out.Shards, h.describe())
		list.after = h.number
	}
	return out, nil
}

func (st *stream) lists(h *shard, l listing, now int64) bool {
	if h.expired {
		return false
	}
	horizon := max(st.horizon(now), st.created)
	openAt := func(t int64) bool { return h.created <= t && (h.open() || h.closed >= t) }
	switch l.filter {
	case atLatest:
		return h.open()
	case atHorizon:
		return openAt(horizon)
	case atTime:
		return openAt(max(l.at, horizon))
	case fromTime:
		return h.open() || h.closed >= max(l.at, horizon)
	default:
		return true
	}
}

func (s *Server) resumeListing(in *input, now time.Time) (*stream, listing, *Error) {
	if in.StreamName != nil || in.StreamARN != nil || in.StreamCreationTimestamp != nil || in.ExclusiveStartShardId != nil || in.ShardFilter != nil {
		return nil, listing{}, invalidArgument("NextToken and StreamName cannot be provided together.")
	}
	t, ok := s.sealer.open(listToken, *in.NextToken)
	if !ok {
		return nil, listing{}, invalidArgument("NextToken is invalid.")
	}
	if t.expired(now) {
		return nil, listing{}, clientError("ExpiredNextTokenException", "The NextToken has expired: tokens are good for %d seconds.", int(tokenLife.Seconds()))
	}
	st, name := s.lockIncarnation(t.stream, now)
	if st == nil {
		return nil, listing{}, notFound("Stream %s under account %s not found.", name, s.opt.Account)
	}
	return st, listing{filter: t.a, at: int64(t.b), after: int(t.c) - 1}, nil
}

func (s *Server) beginListing(in *input, now time.Time) (*stream, listing, *Error) {
	list := listing{after: -1}
	after := in.ExclusiveStartShardId
	if f := in.ShardFilter; f != nil {
		if err := list.apply(f); err != nil {
			return nil, list, err
		}
		if f.ShardId != nil {
			after = f.ShardId
		}
	}
	if after != nil {
		n, ok := shardNumber(*after)
		if !ok {
			return nil, list, invalid(*after, "exclusiveStartShardId", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
		}
		list.after = n
	}
	if in.StreamName == nil && in.StreamARN == nil {
		return nil, list, invalidArgument("Either NextToken or StreamName should be provided.")
	}
	st, err := s.target(in, now)
	if err != nil {
		return nil, list, err
	}
	if in.StreamCreationTimestamp != nil && millis(math.Trunc(*in.StreamCreationTimestamp)) != st.created {
		st.mu.Unlock()
		return nil, list, notFound("Stream %s under account %s with that creation time not found.", st.name, st.account)
	}
	return st, list, nil
}

func (l *listing) apply(f *shardFilter) *Error {
	if f.Type == nil {
		return missing("shardFilter.type")
	}
	kinds := map[string]uint64{"AFTER_SHARD_ID": fromHorizon, "FROM_TRIM_HORIZON": fromHorizon, "AT_TRIM_HORIZON": atHorizon,
		"AT_LATEST": atLatest, "AT_TIMESTAMP": atTime, "FROM_TIMESTAMP": fromTime}
	kind, ok := kinds[*f.Type]
	timed := kind == atTime || kind == fromTime
	switch {
	case !ok:
		return invalid(*f.Type, "shardFilter.type", "Member must satisfy enum value set: [FROM_TIMESTAMP, FROM_TRIM_HORIZON, AT_TIMESTAMP, AT_TRIM_HORIZON, AT_LATEST, AFTER_SHARD_ID]")
	case (*f.Type == "AFTER_SHARD_ID") != (f.ShardId != nil):
		return invalidArgument("ShardFilter of type %s: ShardId must be given for AFTER_SHARD_ID and for no other type.", *f.Type)
	case timed != (f.Timestamp != nil):
		return invalidArgument("ShardFilter of type %s: Timestamp must be given for AT_TIMESTAMP and FROM_TIMESTAMP and for no other type.", *f.Type)
	}
	l.filter = kind
	if timed {
		l.at = millis(*f.Timestamp)
	}
	return nil
}
