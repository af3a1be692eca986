package kinesis

import (
	"time"
)

// An iterator's token holds the shard's number in a, and in b the least index of the records still to be read.

func (s *Server) iterator(st *stream, h *shard, index uint64, now time.Time) string {
	return s.sealer.seal(iteratorToken, token{issued: now.UnixMilli(), stream: st.incarnation, a: uint64(h.number), b: index})
}

func (s *Server) getShardIterator(in *input, now time.Time) (any, *Error) {
	switch {
	case in.ShardId == nil:
		return nil, missing("shardId")
	case in.ShardIteratorType == nil:
		return nil, missing("shardIteratorType")
	}
	limits := s.enforced()
	st, err := s.target(in, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	if status := st.status(now.UnixMilli()); status == "CREATING" || status == "DELETING" {
		return nil, notFound("Stream %s under account %s not found.", st.name, st.account)
	}
	h, err := st.find(*in.ShardId)
	if err != nil {
		return nil, err
	}
	index, err := st.start(h, "GetShardIterator", position{in.ShardIteratorType, in.StartingSequenceNumber, in.Timestamp}, now)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		return nil, dryRun("GetShardIterator")
	}
	if limits.Reads && !h.iterators.allow(now, shardCallRate) {
		return nil, throughputExceeded("Rate exceeded for shard %s in stream %s under account %s.", h.id, st.name, st.account)
	}
	return struct{ ShardIterator string }{s.iterator(st, h, index, now)}, nil
}

// position is where reading is to begin, in an operation's own parameters or its StartingPosition.
type position struct {
	Type, SequenceNumber *string
	Timestamp            *float64 // seconds since the Unix epoch
}

// start is the least index that is read from a position on.
func (st *stream) start(h *shard, op string, from position, now time.Time) (uint64, *Error) {
	kind := *from.Type
	if bySequence := kind == "AT_SEQUENCE_NUMBER" || kind == "AFTER_SEQUENCE_NUMBER"; bySequence != (from.SequenceNumber != nil) && kind != "AT_TIMESTAMP" {
		and := "no StartingSequenceNumber"
		if from.SequenceNumber != nil {
			and = "also a StartingSequenceNumber"
		}
		return 0, invalidArgument("Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified %s and %s.", kind, and)
	}
	switch kind {
	case "TRIM_HORIZON":
		return 0, nil
	case "LATEST":
		return st.index + 1, nil
	case "AT_TIMESTAMP":
		if from.Timestamp == nil || from.SequenceNumber != nil {
			return 0, invalidArgument("Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter.")
		}
		at := millis(*from.Timestamp)
		if at > now.UnixMilli() {
			return 0, invalidArgument("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: %d, currentTimestampInMillis: %d", at, now.UnixMilli())
		}
		if n := h.log.since(at); n < len(h.log.entries) {
			return h.log.entries[n].index, nil
		}
		return st.index + 1, nil
	case "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER":
		return st.atSequence(h, op, *from.SequenceNumber, kind == "AFTER_SEQUENCE_NUMBER")
	default:
		return 0, invalid(kind, "shardIteratorType", "Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]")
	}
}

func (st *stream) atSequence(h *shard, op, text string, after bool) (uint64, *Error) {
	q, ok := parseSequence(text)
	if !ok {
		return 0, invalidArgument("StartingSequenceNumber %s used in %s on shard %s in stream %s under account %s is invalid.", text, op, h.id, st.name, st.account)
	}
	if q.shard != uint32(h.number) {
		return 0, invalidArgument("Invalid StartingSequenceNumber. It encodes %s, while it was used in a call to a shard with %s", shardID(int(q.shard)), h.id)
	}
	if q.created != h.second || q.index > st.index && q.String() != h.ending() {
		return 0, invalidArgument("StartingSequenceNumber %s used in %s on shard %s in stream %s under account %s is invalid because it did not come from this stream.", text, op, h.id, st.name, st.account)
	}
	if after {
		q.index++
	}
	return q.index, nil
}
