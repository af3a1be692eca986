package loadfile

import (
	"encoding/binary"
	"errors"

	"kinesis-snowflake/internal/row"
)

var errMalformed = errors.New("malformed row")

// A row is: shard, subsequence, arrival, sequence, partition key, index and Multi, the number of fields, and for each
// its key + 1 (0 for NoKey, then the name follows), kind and flags, and value. Numbers are varints, signed ones
// zigzag; bytes are led by their length. Kind takes the lower four bits.
const kindBits = 4

func appendRow(b []byte, shard int, r *row.Row) []byte {
	b = binary.AppendUvarint(b, uint64(shard))
	b = binary.AppendVarint(b, r.Subsequence)
	b = binary.AppendVarint(b, r.Arrival)
	b = appendBytes(b, r.Sequence)
	b = appendBytes(b, r.PartitionKey)
	index := uint64(r.Index) << 1
	if r.Multi {
		index |= 1
	}
	b = binary.AppendUvarint(b, index)
	b = binary.AppendUvarint(b, uint64(len(r.Fields)))
	for i := range r.Fields {
		f := &r.Fields[i]
		b = binary.AppendUvarint(b, uint64(f.Key+1))
		if f.Key == row.NoKey {
			b = appendBytes(b, f.Name)
		}
		b = append(b, byte(f.Kind)|byte(f.Flags)<<kindBits)
		b = appendBytes(b, f.Value)
	}
	return b
}

func appendBytes(b, p []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(p)))
	return append(b, p...)
}

// scanner decodes rows into one that it reuses.
type scanner struct {
	current row.Row
	names   [][]byte // of keys, as bytes
	block   []byte
}

func (s *scanner) buffer(n int) []byte {
	if cap(s.block) < n || cap(s.block) > keepBlock && n <= keepBlock {
		s.block = make([]byte, max(n, blockSize+blockSize/4))
	}
	return s.block[:n]
}

// row decodes the row that b begins with, and returns what follows.
func (s *scanner) row(b []byte, keys *row.Keys) (shard int, rest []byte, err error) {
	d := decoder{b: b}
	r := &s.current
	shard = int(d.uvarint())
	r.Subsequence = d.varint()
	r.Arrival = d.varint()
	r.Sequence = d.bytes()
	r.PartitionKey = d.bytes()
	index := d.uvarint()
	r.Index, r.Multi = uint32(index>>1), index&1 != 0
	n := d.uvarint()
	r.Fields = r.Fields[:0]
	for range n {
		f := row.Field{Key: row.Key(d.uvarint()) - 1}
		if f.Key == row.NoKey {
			f.Name = d.bytes()
		} else if f.Name = s.name(f.Key, keys); f.Name == nil {
			return 0, nil, errMalformed
		}
		kind := d.byte()
		f.Kind, f.Flags = row.Kind(kind&(1<<kindBits-1)), row.Flag(kind>>kindBits)
		f.Value = d.bytes()
		if d.bad {
			return 0, nil, errMalformed
		}
		r.Fields = append(r.Fields, f)
	}
	if d.bad {
		return 0, nil, errMalformed
	}
	return shard, d.b, nil
}

// name returns the text of a key, nil if the dictionary has no such key.
func (s *scanner) name(key row.Key, keys *row.Keys) []byte {
	if uint(key) >= uint(len(s.names)) {
		n := keys.Len()
		if uint(key) >= uint(n) {
			return nil
		}
		for i := len(s.names); i < n; i++ {
			s.names = append(s.names, append([]byte{}, keys.Name(row.Key(i))...))
		}
	}
	return s.names[key]
}

// decoder reads from b; bad is set once it met what appendRow does not write.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	d.skip(n)
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	d.skip(n)
	return v
}

func (d *decoder) skip(n int) {
	if n <= 0 {
		d.bad = true
		n = 0
	}
	d.b = d.b[n:]
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.bad = true
		return nil
	}
	p := d.b[:n:n]
	d.b = d.b[n:]
	return p
}
