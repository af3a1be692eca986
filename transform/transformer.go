package transform

import (
	"bytes"
	"errors"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/jsonscan"
)

// maxKeptFields is how many fields of a row stay allocated between records. A record's fields are bounded only by its
// size, and one of 10 MiB can have two million: the bound keeps such a record from holding over 100 MB for good.
const maxKeptFields = row.MaxKeys

// Options say how records become rows.
type Options struct {
	// Keys is the pipeline's dictionary of top-level keys, shared by all its Transformers. Required.
	Keys *row.Keys
}

// Transformer turns records into rows. It is used by one goroutine at a time; any number may share one [row.Keys].
// Between calls it refers to the bytes of the last record that became a row, but does not read them.
type Transformer struct {
	scanner jsonscan.Scanner
	keys    interner
	row     row.Row
}

// New returns a Transformer.
func New(o Options) *Transformer {
	return &Transformer{keys: interner{keys: o.Keys}}
}

// Apply makes rec into rows and calls emit with each, in order. The row and all its bytes are lent: they are valid
// until emit returns.
//
// If rec cannot become a row, which the source may have found already, Apply says so by a Failure, which is the caller's to keep, and emits nothing. The error
// is emit's own, unchanged; after it the rows of rec are incomplete.
func (t *Transformer) Apply(rec *row.Record, emit func(*row.Row) error) (*row.Failure, error) {
	if rec.Failure != nil {
		return rec.Failure, nil
	}
	r := &t.row
	fields, err := t.scanner.Object(rec.Data, r.Fields[:0])
	if err != nil {
		return refuse(rec.Data, err), nil
	}
	t.keys.intern(fields)
	r.Sequence, r.Subsequence = rec.Sequence, rec.Subsequence
	r.PartitionKey, r.Arrival = rec.PartitionKey, rec.Arrival
	r.Fields = fields
	err = emit(r)
	if cap(fields) > maxKeptFields {
		r.Fields = nil
	}
	return nil, err
}

// refuse words the scanner's verdict for the person who reads the log.
func refuse(data []byte, err error) *row.Failure {
	switch {
	case len(data) == 0:
		return &row.Failure{Stage: row.StageDecode, Reason: "empty payload"}
	case len(bytes.Trim(data, " \t\r\n")) == 0:
		return &row.Failure{Stage: row.StageDecode, Reason: "payload of white space only"}
	case errors.Is(err, jsonscan.ErrNotObject):
		return &row.Failure{Stage: row.StageShape, Reason: err.Error()}
	case errors.Is(err, jsonscan.ErrTooDeep):
		return &row.Failure{Stage: row.StageDecode, Reason: err.Error()}
	}
	reason := "not JSON: " + err.Error()
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		reason += "; the payload looks like gzip"
	}
	if bytes.HasPrefix(data, []byte{0xf3, 0x89, 0x9a, 0xc2}) {
		reason += "; the payload looks like a damaged KPL aggregate"
	}
	return &row.Failure{Stage: row.StageDecode, Reason: reason}
}
