package transform

import (
	"kinesis-snowflake/internal/row"
)

// apply is Apply where more is configured than the scan.
func (t *Transformer) apply(rec *row.Record, emit func(*row.Row) error, fail func(index uint32, f *row.Failure)) error {
	t.rec, t.emit, t.fail = rec, emit, fail
	var err error
	if t.o.Decoder == nil {
		err = t.takeDocument(0, rec.Data, nil)
	} else {
		err = t.o.Decoder.Documents(rec.Data, t.document)
	}
	t.rec, t.emit, t.fail = nil, nil, nil
	return err
}

// takeDocument takes one document of the current record.
func (t *Transformer) takeDocument(number uint32, doc []byte, bad *row.Failure) error {
	if number > ^uint32(0)>>t.shift {
		bad = &row.Failure{Stage: row.StageDecode, Reason: "more documents in one record than rows can be numbered, where a document may become several rows"}
		number = ^uint32(0) >> t.shift
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
	t.keys.intern(r.Fields)
	return t.emit(r)
}

func (t *Transformer) takeFailure(index uint32, f *row.Failure) { t.fail(index, f) }
