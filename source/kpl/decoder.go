package kpl

import (
	"crypto/md5"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	magic = "\xf3\x89\x9a\xc2"
	// overhead is what an aggregate has beside its message.
	overhead = len(magic) + md5.Size
	// maxBytes is beyond any record of the service, which takes 10 MiB.
	maxBytes = 64 << 20
	// MaxRecords is the most user records, and the most entries of a table, that an aggregate may have. The largest record
	// has room for it at 20 bytes a user record, the format's own included.
	MaxRecords = 1 << 19
	// maxKey is the longest partition key that the service takes, 256 characters, in bytes. Longer ones are delivered too,
	// until all partition keys of an aggregate that were come to maxKeys bytes: a single key of megabytes that every user
	// record names would become terabytes of rows.
	maxKey  = 1 << 10
	maxKeys = 64 << 20
	// keptEntries bounds what a Decoder keeps of its tables between aggregates: 64 KiB each. The KPL's aggregates have
	// 51,200 bytes unless told otherwise.
	keptEntries = 8192
)

var (
	// ErrPlain says that data is no aggregate but a plain record.
	ErrPlain = errors.New("not an aggregate")
	// ErrTooMany says that data is an aggregate of more than [MaxRecords].
	ErrTooMany = fmt.Errorf("KPL aggregate of more than %d user records or keys", MaxRecords)
)

// Suspect reports whether data may be an aggregate, by its first byte. No JSON text and no UTF-8 text begins like one, so
// that is all that a plain record costs.
func Suspect(data []byte) bool { return len(data) > overhead && data[0] == magic[0] }

// Decoder reads aggregates, one after the other. The zero value is ready; it is used by one goroutine at a time, and may be
// kept: between aggregates it refers to no byte of them once Close was called.
type Decoder struct {
	msg          []byte
	at           int // where Next goes on
	n            int // user records
	next         int // index of the one that Next reads
	given        int // bytes of the partition keys that were delivered
	keys, hashes table
}

// table is a table of keys. It points into the message by offsets, which the garbage collector need not look at.
type table struct {
	spans    []span
	verdicts []verdict // of spans, as far as they were asked for; nil until then
}

type span struct{ from, size uint32 }

// Record is one user record. Its bytes are the aggregate's.
type Record struct {
	Index           int
	PartitionKey    []byte // empty where Reason says that there is none
	ExplicitHashKey []byte // nil where there is none
	Data            []byte
	Reason          string // why the user record cannot be read; "" if it can

	key, hash int // indexes in the tables; hash is -1 where there is none
}

// Open begins an aggregate and returns the number of its user records. It returns [ErrPlain] or [ErrTooMany] where there is
// nothing to read. data must stay as it is until Close, the next Open or the last use of its records.
func (d *Decoder) Open(data []byte) (int, error) {
	d.Close()
	if len(data) <= overhead || len(data) > maxBytes || string(data[:len(magic)]) != magic {
		return 0, ErrPlain
	}
	end := len(data) - md5.Size
	msg := data[len(magic):end]
	if md5.Sum(msg) != [md5.Size]byte(data[end:]) {
		return 0, ErrPlain
	}
	d.msg = msg
	if err := d.scan(); err != nil {
		d.Close()
		return 0, err
	}
	d.at = 0
	return d.n, nil
}

// Close ends the aggregate. It is idempotent.
func (d *Decoder) Close() {
	d.msg, d.at, d.n, d.next, d.given = nil, 0, 0, 0, 0
	d.keys.reset()
	d.hashes.reset()
}

func (t *table) reset() {
	t.spans, t.verdicts = t.spans[:0], t.verdicts[:0]
	if cap(t.spans) > keptEntries {
		t.spans, t.verdicts = nil, nil
	}
}

// scan checks the whole message, so that a record is delivered only where the aggregate is sound, and fills the tables,
// which may stand behind the records.
func (d *Decoder) scan() error {
	for d.at < len(d.msg) {
		num, value, ok := d.field()
		switch {
		case !ok:
			return ErrPlain
		case num == 1 && !d.keys.add(d.at, value), num == 2 && !d.hashes.add(d.at, value):
			return ErrTooMany
		case num == 3:
			if _, ok := parse(value); !ok {
				return ErrPlain
			}
			if d.n++; d.n > MaxRecords {
				return ErrTooMany
			}
		}
	}
	return nil
}

// add takes the entry whose value ends at a byte of the message.
func (t *table) add(end int, value []byte) bool {
	t.spans = append(t.spans, span{uint32(end - len(value)), uint32(len(value))})
	return len(t.spans) <= MaxRecords
}

// field reads the field at d.at and moves on. The value is nil of a field that the format does not know.
func (d *Decoder) field() (num protowire.Number, value []byte, ok bool) {
	num, typ, n := protowire.ConsumeTag(d.msg[d.at:])
	if n < 0 {
		return 0, nil, false
	}
	d.at += n
	if num > 3 {
		n = protowire.ConsumeFieldValue(num, typ, d.msg[d.at:])
	} else if typ == protowire.BytesType {
		value, n = protowire.ConsumeBytes(d.msg[d.at:])
	} else {
		return 0, nil, false
	}
	if n < 0 {
		return 0, nil, false
	}
	d.at += n
	return num, value, true
}

// Next reads the next user record into r, and reports whether there was one.
func (d *Decoder) Next(r *Record) bool {
	for d.at < len(d.msg) {
		num, value, _ := d.field()
		if num != 3 {
			continue
		}
		raw, _ := parse(value)
		d.resolve(raw, r)
		r.Index = d.next
		d.next++
		return true
	}
	return false
}

// resolve looks the keys of a user record up.
func (d *Decoder) resolve(raw raw, r *Record) {
	*r = Record{Data: raw.data, hash: -1}
	if raw.key >= uint64(len(d.keys.spans)) {
		r.Reason = fmt.Sprintf("KPL aggregate: partition key %d is not in its table of %d", raw.key, len(d.keys.spans))
		return
	}
	r.key = int(raw.key)
	key := d.keys.at(d.msg, r.key)
	if d.given += len(key); len(key) > maxKey && d.given > maxKeys {
		r.Reason = fmt.Sprintf("KPL aggregate: its partition keys exceed %d MiB, and this one has %d bytes", maxKeys>>20, len(key))
		return
	}
	r.PartitionKey = key
	if !raw.hashed {
		return
	}
	if raw.hash >= uint64(len(d.hashes.spans)) {
		r.Reason = fmt.Sprintf("KPL aggregate: explicit hash key %d is not in its table of %d", raw.hash, len(d.hashes.spans))
		return
	}
	r.hash = int(raw.hash)
	r.ExplicitHashKey = d.hashes.at(d.msg, r.hash)
}

func (t *table) at(msg []byte, i int) []byte {
	s := t.spans[i]
	return msg[s.from : s.from+s.size : s.from+s.size]
}
