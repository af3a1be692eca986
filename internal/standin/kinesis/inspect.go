package kinesis

import (
	"iter"
	"slices"
	"time"
)

// Entry is a record to put in process.
type Entry struct {
	PartitionKey    string
	ExplicitHashKey string // decimal, "" to place by partition key
	Data            []byte
}

// Record is a record as it stands in a stream. Data is lent: it must not be changed.
type Record struct {
	Shard        string
	Sequence     string
	PartitionKey string
	Arrival      int64 // milliseconds since the Unix epoch
	Data         []byte
}

// Shard is a snapshot of one shard. Unlike a listing, snapshots also have the shards that have expired.
type Shard struct {
	ID         string
	Parents    []string
	Children   []string
	Open       bool
	Expired    bool
	Start, End string // hash keys, decimal, inclusive
	Put        int    // records ever put
	Readable   int    // records not yet trimmed
	Bytes      int64  // payload bytes ever put
	First      string // sequence number of the first record ever put, "" if none
	Last       string // of the last record that is readable, "" if none
}

// CreateStream makes a provisioned stream that is ACTIVE at once.
func (s *Server) CreateStream(name string, shards int) error {
	return plain(s.create(name, settings{shards: shards, maxRecord: defaultRecord}, 0))
}

// ARN is the ARN that a stream of this name has.
func (s *Server) ARN(name string) string { return s.arn(name) }

// DeleteStream deletes a stream at once.
func (s *Server) DeleteStream(name string) error {
	return s.with(name, func(st *stream, now time.Time) *Error {
		st.deleting = now.UnixMilli()
		st.wake()
		return nil
	})
}

// SetKMSError has reads and writes of a stream meet a KMS exception, by name, as long as the stream is encrypted;
// "" ends that. A stream that is not yet encrypted becomes so, with the service's own key.
func (s *Server) SetKMSError(name, code string) error {
	return s.with(name, func(st *stream, _ time.Time) *Error {
		if _, ok := kmsErrors[code]; !ok && code != "" {
			return invalidArgument("%s is not a KMS exception of Kinesis", code)
		}
		if st.keyID == "" {
			st.keyID = "alias/aws/kinesis"
		}
		st.kms = code
		st.wake()
		return nil
	})
}

// Put appends one record, under no rate, and tells where it went.
func (s *Server) Put(name, partitionKey string, data []byte) (shard, sequence string, err error) {
	err = s.with(name, func(st *stream, now time.Time) *Error {
		h, q, err := st.arrange(Entry{PartitionKey: partitionKey, Data: data}, now)
		if err == nil {
			shard, sequence = h.id, q.String()
		}
		return err
	})
	return shard, sequence, err
}

// PutMany appends records in order under one lock and no rate. It stops at the first that the stream refuses.
func (s *Server) PutMany(name string, entries []Entry) error {
	return s.with(name, func(st *stream, now time.Time) *Error {
		for i := range entries {
			if _, _, err := st.arrange(entries[i], now); err != nil {
				return err
			}
		}
		return nil
	})
}

func (st *stream) arrange(e Entry, now time.Time) (*shard, sequence, *Error) {
	p := putEntry{PartitionKey: &e.PartitionKey, Data: &e.Data}
	if e.ExplicitHashKey != "" {
		p.ExplicitHashKey = &e.ExplicitHashKey
	}
	if err := checkEntry(&p, ""); err != nil {
		return nil, sequence{}, err
	}
	if err := st.fits(&p, ""); err != nil {
		return nil, sequence{}, err
	}
	return st.store(&p, now, false)
}

// Split cuts an open shard in the middle, at once.
func (s *Server) Split(name, shard string) (left, right string, err error) {
	err = s.with(name, func(st *stream, now time.Time) *Error {
		h, err := st.find(shard)
		if err != nil {
			return err
		}
		key, err := st.checkSplit(h, h.start.mid(h.end).String())
		if err != nil {
			return err
		}
		l, r := st.split(h, key, now.UnixMilli())
		left, right = l.id, r.id
		return nil
	})
	return left, right, err
}

// Merge joins two adjacent open shards, at once. a becomes the parent, b the adjacent parent.
func (s *Server) Merge(name, a, b string) (child string, err error) {
	err = s.with(name, func(st *stream, now time.Time) *Error {
		x, err := st.find(a)
		if err != nil {
			return err
		}
		y, err := st.find(b)
		if err != nil {
			return err
		}
		if err := st.checkMerge(x, y); err != nil {
			return err
		}
		child = st.merge(x, y, now.UnixMilli()).id
		return nil
	})
	return child, err
}

// UpdateShardCount scales to n equal shards, at once and without the service's limits of twice and half.
func (s *Server) UpdateShardCount(name string, n int) error {
	return s.with(name, func(st *stream, now time.Time) *Error {
		if n < 1 {
			return invalidArgument("a stream has at least one shard, not %d", n)
		}
		st.scale(n, now.UnixMilli())
		return nil
	})
}

// Shards is a snapshot of all shards the stream has had, by number; none if there is no such stream.
func (s *Server) Shards(name string) []Shard {
	var out []Shard
	_ = s.with(name, func(st *stream, _ time.Time) *Error { // no such stream: no shards
		for _, h := range st.shards {
			d := Shard{ID: h.id, Parents: h.parentIDs(), Open: h.open(), Expired: h.expired, Start: h.start.String(), End: h.end.String(),
				Put: h.log.put, Readable: len(h.log.entries), Bytes: h.log.bytes}
			for _, c := range h.children {
				d.Children = append(d.Children, c.id)
			}
			if d.Put > 0 {
				d.First = h.sequence(h.log.first, h.log.firstAt).String()
			}
			if d.Readable > 0 {
				e := h.log.entries[d.Readable-1]
				d.Last = h.sequence(e.index, e.arrival).String()
			}
			out = append(out, d)
		}
		return nil
	})
	return out
}

// Records runs over the readable records, shard by shard and in order, as they stand when it begins.
func (s *Server) Records(name string) iter.Seq[Record] {
	type part struct {
		shard *shard
		view  view
	}
	return func(yield func(Record) bool) {
		var parts []part
		_ = s.with(name, func(st *stream, _ time.Time) *Error { // no such stream: no records
			for _, h := range st.shards {
				parts = append(parts, part{h, h.log.view(0, len(h.log.entries))})
			}
			return nil
		})
		for _, p := range parts {
			for _, e := range p.view.entries {
				r := Record{Shard: p.shard.id, Sequence: p.shard.sequence(e.index, e.arrival).String(),
					PartitionKey: string(p.view.key(e)), Arrival: e.arrival, Data: slices.Clip(p.view.data(e))}
				if !yield(r) {
					return
				}
			}
		}
	}
}

// with runs do on the named stream, settled and locked.
func (s *Server) with(name string, do func(*stream, time.Time) *Error) error {
	now := s.opt.Clock()
	st, err := s.lock(name, now)
	if err != nil {
		return err
	}
	defer st.mu.Unlock()
	return plain(do(st, now))
}

// plain keeps a nil *Error from becoming a non-nil error.
func plain(err *Error) error {
	if err == nil {
		return nil
	}
	return err
}
