package kinesis

import (
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"
)

// batch is what one GetRecords call answers, worked out under the stream's lock and written out without it.
type batch struct {
	view
	shard    *shard
	behind   int64
	next     string // "" at the end of the shard; an iterator, or an event's sequence number to go on from
	children []childShard
}

type childShard struct {
	ShardId      string
	ParentShards []string
	HashKeyRange hashRange
}

func (s *Server) getRecords(in *input, now time.Time) (any, *Error) {
	if in.ShardIterator == nil {
		return nil, missing("shardIterator")
	}
	limit := maxAnswerCount
	if in.Limit != nil {
		limit = *in.Limit
	}
	if limit < 1 {
		return nil, invalid(limit, "limit", "Member must have value greater than or equal to 1")
	}
	if limit > maxAnswerCount {
		return nil, invalidArgument("Invalid Limit %d: it must be at most %d.", limit, maxAnswerCount)
	}
	t, ok := s.sealer.open(iteratorToken, *in.ShardIterator)
	if !ok {
		return nil, invalidArgument("Invalid ShardIterator.")
	}
	if t.expired(now) {
		const layout = "Mon Jan 02 15:04:05 MST 2006"
		return nil, clientError("ExpiredIteratorException", "Iterator expired. The iterator was created at time %s while right now it is %s which is further in the future than the tolerated delay of %d milliseconds.",
			time.UnixMilli(t.issued).UTC().Format(layout), now.UTC().Format(layout), tokenLife.Milliseconds())
	}
	st, name := s.lockIncarnation(t.stream, now)
	if st == nil {
		return nil, notFound("Shard %s in stream %s under account %s does not exist", shardID(int(t.a)), name, s.opt.Account)
	}
	b, err := s.read(st, t, in, limit, now)
	st.mu.Unlock()
	if err != nil {
		return nil, err
	}
	pooled := bodies.Get().(*[]byte)
	return &answer{body: b.append((*pooled)[:0]), pooled: pooled}, nil
}

// read takes a batch. The caller holds the stream's lock.
func (s *Server) read(st *stream, t token, in *input, limit int, now time.Time) (batch, *Error) {
	h := st.shards[t.a]
	switch {
	case in.StreamARN != nil && *in.StreamARN != st.arn:
		return batch{}, invalidArgument("Invalid ShardIterator: it is not of stream %s.", *in.StreamARN)
	case h.expired:
		return batch{}, st.noShard(h.id)
	}
	if err := st.kmsError(); err != nil {
		return batch{}, err
	}
	if in.DryRun {
		return batch{}, dryRun("GetRecords")
	}
	limits := s.enforced()
	if limits.Reads {
		if !h.read.allow(now) || !h.reads.allow(now, shardCallRate) {
			return batch{}, throughputExceeded("Rate exceeded for shard %s in stream %s under account %s.", h.id, st.name, st.account)
		}
	}
	if f := in.fault; f != nil && f.AtMost > 0 {
		limit = min(limit, f.AtMost)
	}

	from := h.log.from(t.b)
	to, size := from, 0
	for to < len(h.log.entries) && to-from < limit {
		n := h.log.entries[to].size()
		if to > from && size+n > maxAnswer {
			break
		}
		size += n
		to++
	}
	if in.fault != nil && in.fault.Empty {
		to, size = from, 0
	}
	if limits.Reads {
		h.read.spend(now, size)
	}

	b := batch{view: h.log.view(from, to), shard: h}
	index := t.b
	if to > from {
		index = h.log.entries[to-1].index + 1
	}
	unread := to < len(h.log.entries)
	if unread {
		b.behind = max(1, now.UnixMilli()-h.log.entries[max(from, to-1)].arrival)
	}
	if h.open() || unread || s.opt.LateEnd && to > from {
		b.next = s.iterator(st, h, index, now)
		return b, nil
	}
	b.children = h.childShards()
	return b, nil
}

func (h *shard) childShards() []childShard {
	var out []childShard
	for _, c := range h.children {
		out = append(out, childShard{c.id, c.parentIDs(), c.hashRange()})
	}
	return out
}

// append writes the batch as a GetRecords answer, appendEvent as a SubscribeToShardEvent.
func (b *batch) append(dst []byte) []byte      { return b.appendAs(dst, "NextShardIterator") }
func (b *batch) appendEvent(dst []byte) []byte { return b.appendAs(dst, "ContinuationSequenceNumber") }

// appendAs writes the batch as JSON. It is the stand-in's hot path: payloads go from the log into dst in one step.
func (b *batch) appendAs(dst []byte, next string) []byte {
	dst = append(dst, `{"Records":[`...)
	for i, e := range b.entries {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"SequenceNumber":"`...)
		dst = b.shard.sequence(e.index, e.arrival).append(dst)
		dst = append(dst, `","ApproximateArrivalTimestamp":`...)
		dst = strconv.AppendInt(dst, e.arrival/1000, 10)
		ms := e.arrival % 1000
		dst = append(dst, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
		dst = append(dst, `,"Data":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, b.data(e))
		dst = append(dst, '"')
		if e.flags&flagNoKey == 0 {
			dst = appendQuoted(append(dst, `,"PartitionKey":`...), b.key(e))
		}
		if e.flags&flagEncrypted != 0 {
			dst = append(dst, `,"EncryptionType":"KMS"`...)
		}
		dst = append(dst, '}')
	}
	dst = append(dst, ']')
	if b.next != "" {
		dst = append(append(append(append(append(dst, `,"`...), next...), `":"`...), b.next...), '"')
	}
	dst = strconv.AppendInt(append(dst, `,"MillisBehindLatest":`...), b.behind, 10)
	for i, c := range b.children {
		if i == 0 {
			dst = append(dst, `,"ChildShards":[`...)
		} else {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"ShardId":"`+c.ShardId+`","ParentShards":[`...)
		for j, p := range c.ParentShards {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, `"`+p+`"`...)
		}
		dst = append(dst, `],"HashKeyRange":{"StartingHashKey":"`+c.HashKeyRange.StartingHashKey+`","EndingHashKey":"`+c.HashKeyRange.EndingHashKey+`"}}`...)
	}
	if len(b.children) > 0 {
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// appendQuoted writes a JSON string; plain ASCII, the usual partition key, without a detour.
func appendQuoted(dst, s []byte) []byte {
	for _, c := range s {
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return append(dst, quote(string(s))...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}
