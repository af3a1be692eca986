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

// Decoder finds the documents of a record. It belongs to one goroutine.
type Decoder interface {
	// Documents calls emit for each document of data, in order, with its number among them, counted from 0, or with why it
	// is none. The document is lent until emit returns. The error is emit's own.
	Documents(data []byte, emit func(index uint32, doc []byte, bad *row.Failure) error) error
	// Multi reports whether a record may hold several documents.
	Multi() bool
}

// Validator says whether documents are as they should be. It belongs to one goroutine.
type Validator interface {
	// Check returns nil for a good document, and else a failure, which is the caller's to keep.
	Check(doc []byte) *row.Failure
}

// Steps reshape rows. They belong to one goroutine.
type Steps interface {
	// Run calls emit for each row that comes of r, and fail for each that could not be made. Both are numbered together,
	// and so is each row that a step left out: by the row's Index, counted from that of r on. Keys of fields are neither
	// read nor set. A row is lent until emit returns; r's own fields may be changed. The error is emit's own.
	Run(r *row.Row, emit func(*row.Row) error, fail func(index uint32, f *row.Failure)) error
	// Multi reports whether one document may become several rows.
	Multi() bool
}

// Options say how records become rows. A part that is nil is left out, and costs nothing.
type Options struct {
	// Keys is the pipeline's dictionary of top-level keys, shared by all its Transformers. Required.
	Keys *row.Keys

	Decoder   Decoder
	Validator Validator
	Steps     Steps
	// Warn hears of documents that violate the schema and are loaded all the same. If it is nil, they fail.
	Warn func(rec *row.Record, index uint32, f *row.Failure)
}

// Transformer turns records into rows: it decodes, scans, validates, and takes through the steps, in this order. It is used
// by one goroutine at a time; any number may share one [row.Keys]. Between calls it refers to the bytes of the last record
// that became a row, but does not read them.
type Transformer struct {
	scanner jsonscan.Scanner
	keys    interner
	row     row.Row
	o       Options
	shift   uint // by which a document's number is shifted in the index of its rows
	plain   bool // a record is a document, and a document a row

	// Of the current record, for the functions below, which are made once.
	rec      *row.Record
	spread   int // bytes of its rows
	emit     func(*row.Row) error
	fail     func(index uint32, f *row.Failure)
	document func(index uint32, doc []byte, bad *row.Failure) error
	reshaped func(*row.Row) error
	failed   func(index uint32, f *row.Failure)
}

// New returns a Transformer.
func New(o Options) *Transformer {
	t := &Transformer{keys: interner{keys: o.Keys}, o: o}
	t.plain = o.Decoder == nil && o.Validator == nil && o.Steps == nil
	documents, rows := o.Decoder != nil && o.Decoder.Multi(), o.Steps != nil && o.Steps.Multi()
	t.row.Multi = documents || rows
	if documents && rows {
		t.shift = rowBits
	}
	t.document, t.reshaped, t.failed = t.takeDocument, t.takeRow, t.takeFailure
	return t
}

// rowBits is how many bits of an index are a row's number within its document, where a record may hold several documents and a
// document several rows. The number of a row must not depend on how many rows the documents before it became: by it a
// record that is read again is known.
const rowBits = 16

// Apply makes rec into rows and calls emit with each, in order. The row and all its bytes are lent: they are valid
// until emit returns.
//
// For what cannot become a row, which the source may have found already, Apply calls fail: once if that is the record as a
// whole, or for each of its documents, or for each of a document's rows. The index tells which: it is that which
// the row would have had. The failure is the callee's to keep. Neither does a row or a failure change what becomes of the others of
// its record.
//
// The error is emit's own, unchanged; after it the rows of rec are incomplete.
func (t *Transformer) Apply(rec *row.Record, emit func(*row.Row) error, fail func(index uint32, f *row.Failure)) error {
	if rec.Failure != nil {
		fail(0, rec.Failure)
		return nil
	}
	r := &t.row
	r.Sequence, r.Subsequence = rec.Sequence, rec.Subsequence
	r.PartitionKey, r.Arrival = rec.PartitionKey, rec.Arrival
	if !t.plain {
		return t.apply(rec, emit, fail)
	}
	fields, err := t.scanner.Object(rec.Data, r.Fields[:0])
	if err != nil {
		fail(0, refuse(rec.Data, err))
		return nil
	}
	t.keys.intern(fields)
	r.Fields = fields
	err = emit(r)
	if cap(fields) > maxKeptFields {
		r.Fields = nil
	}
	return err
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
		reason += "; the payload looks like gzip, see transform.decode.compression"
	}
	if bytes.HasPrefix(data, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
		reason += "; the payload looks like zstd, see transform.decode.compression"
	}
	if bytes.HasPrefix(data, []byte{0xf3, 0x89, 0x9a, 0xc2}) {
		reason += "; the payload looks like a damaged KPL aggregate"
	}
	return &row.Failure{Stage: row.StageDecode, Reason: reason}
}
