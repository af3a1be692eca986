package transform

import (
	"errors"
	"fmt"

	"kinesis-snowflake/internal/row"
)

// maxSpread is how many bytes the rows of one record may have together, where a record may hold several documents and a
// document become several rows: a few compressed kilobytes could otherwise fill any disk.
const maxSpread = 1 << 30

// errRest ends a record of which no more can be taken, after a failure has said so.
var errRest = errors.New("the rest of the record is left out")

// apply is Apply where more is configured than the scan.
func (t *Transformer) apply(rec *row.Record, emit func(*row.Row) error, fail func(index uint32, f *row.Failure)) error {
	t.rec, t.emit, t.fail, t.spread = rec, emit, fail, 0
	var err error
	if t.o.Decoder == nil {
		err = t.takeDocument(0, rec.Data, nil)
	} else {
		err = t.o.Decoder.Documents(rec.Data, t.document)
	}
	t.rec, t.emit, t.fail = nil, nil, nil
	if err == errRest { //nolint:errorlint // it comes back as it was
		return nil
	}
	return err
}

// takeDocument takes one document of the current record.
func (t *Transformer) takeDocument(number uint32, doc []byte, bad *row.Failure) error {
	if last := ^uint32(0) >> t.shift; number >= last {
		t.fail(last<<t.shift, &row.Failure{Stage: row.StageDecode, Reason: fmt.Sprintf(
			"the record holds more than %d documents, of which each may become several rows; this one and all after it are left out", last)})
		return errRest
	}
	index := number << t.shift
	if bad != nil {
		t.fail(index, bad)
		return nil
	}
	r := &t.row
	fields, err := t.scanner.Object(doc, r.Fields[:0])
	if err != nil {
		t.fail(index, refuse(doc, err))
		return nil
	}
	r.Fields, r.Index = fields, index
	if t.o.Validator != nil {
		if f := t.o.Validator.Check(doc); f != nil {
			if t.o.Warn == nil {
				t.fail(index, f)
				return nil
			}
			t.o.Warn(t.rec, index, f)
		}
	}
	if t.o.Steps == nil {
		err = t.takeRow(r)
	} else {
		err = t.o.Steps.Run(r, t.reshaped, t.failed)
	}
	if cap(r.Fields) > maxKeptFields {
		r.Fields = nil
	}
	return err
}

// takeRow takes a row that is ready but for its keys.
func (t *Transformer) takeRow(r *row.Row) error {
	if t.shift > 0 {
		for i := range r.Fields {
			t.spread += len(r.Fields[i].Name) + len(r.Fields[i].Value)
		}
		if t.spread > maxSpread {
			t.fail(r.Index, &row.Failure{Stage: row.StageTransform, Reason: "the rows of the record have more than 1 GiB together; this one and all after it are left out"})
			return errRest
		}
	}
	t.keys.intern(r.Fields)
	return t.emit(r)
}

func (t *Transformer) takeFailure(index uint32, f *row.Failure) { t.fail(index, f) }
