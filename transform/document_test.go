package transform_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform"
)

// lines is a Decoder: documents on lines of their own, of which "bad" is none.
type lines struct{}

func (lines) Multi() bool { return true }

func (lines) Documents(data []byte, emit func(uint32, []byte, *row.Failure) error) error {
	for i, line := range bytes.Split(data, []byte("\n")) {
		var bad *row.Failure
		if string(line) == "bad" {
			bad = &row.Failure{Stage: row.StageDecode, Reason: "bad"}
		}
		if err := emit(uint32(i), line, bad); err != nil {
			return err
		}
	}
	return nil
}

// even is a Validator that objects to documents of odd length.
type even struct{}

func (even) Check(doc []byte) *row.Failure {
	if len(doc)%2 == 1 {
		return &row.Failure{Stage: row.StageValidate, Reason: "odd"}
	}
	return nil
}

// twice is a step that makes two rows of one, and fails one more.
type twice struct{}

func (twice) Multi() bool { return true }

func (twice) Run(r *row.Row, emit func(*row.Row) error, fail func(uint32, *row.Failure)) error {
	for range 2 {
		if err := emit(r); err != nil {
			return err
		}
		r.Index++
	}
	fail(r.Index, &row.Failure{Stage: row.StageTransform, Reason: "third"})
	return nil
}

func TestEachPartOfARecordFailsAlone(t *testing.T) {
	record := []byte("{\"a\":10}\nbad\n{\"a\":1}\n[1]\n{}")
	warned := func(*row.Record, uint32, *row.Failure) {}
	for name, c := range map[string]struct {
		o    transform.Options
		want []string
	}{
		"documents":            {transform.Options{Decoder: lines{}}, []string{"0 10", "1 decode", "2 1", "3 shape", "4"}},
		"documents, validated": {transform.Options{Decoder: lines{}, Validator: even{}}, []string{"0 10", "1 decode", "2 validate", "3 shape", "4"}},
		"documents, warned of": {transform.Options{Decoder: lines{}, Validator: even{}, Warn: warned}, []string{"0 10", "1 decode", "2 1", "3 shape", "4"}},
		"documents of rows": {transform.Options{Decoder: lines{}, Steps: twice{}}, []string{
			"0 10", "1 10", "2 transform", "65536 decode", "131072 1", "131073 1", "131074 transform", "196608 shape", "262144", "262145", "262146 transform"}},
	} {
		c.o.Keys = row.NewKeys()
		tr := transform.New(c.o)
		var got []string
		err := tr.Apply(&row.Record{Data: record}, func(r *row.Row) error {
			line := fmt.Sprint(r.Index)
			for _, f := range r.Fields {
				line += " " + string(f.Value)
				if f.Key == row.NoKey || !r.Multi {
					t.Errorf("%s: a row without a key, or one that is said to be alone: %+v", name, r)
				}
			}
			got = append(got, line)
			return nil
		}, func(index uint32, f *row.Failure) { got = append(got, fmt.Sprint(index, " ", f.Stage)) })
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got  %q, %v\nwant %q", name, got, err, c.want)
		}
	}
}

func TestOneRowOfARecordIsNotNumbered(t *testing.T) {
	for name, o := range map[string]transform.Options{"nothing": {}, "a schema": {Validator: even{}}} {
		o.Keys = row.NewKeys()
		apply(t, transform.New(o), &row.Record{Data: []byte(`{"a":10}`)}, func(r *row.Row) error {
			if r.Multi || r.Index != 0 {
				t.Errorf("%s: %+v", name, r)
			}
			return nil
		})
	}
}

func TestAnErrorOfEmitEndsTheRecord(t *testing.T) {
	full := errors.New("disk full")
	for name, o := range map[string]transform.Options{"documents": {Decoder: lines{}}, "rows": {Steps: twice{}}} {
		o.Keys = row.NewKeys()
		n := 0
		err := transform.New(o).Apply(&row.Record{Data: []byte("{ }")}, func(*row.Row) error { n++; return full }, func(uint32, *row.Failure) { n++ })
		if n != 1 || !errors.Is(err, full) {
			t.Errorf("%s: %d calls, %v", name, n, err)
		}
	}
}

// many is a Decoder of so many documents that are all the same.
type many struct{ n int }

func (many) Multi() bool { return true }

func (m many) Documents(data []byte, emit func(uint32, []byte, *row.Failure) error) error {
	for i := range m.n {
		if err := emit(uint32(i), data, nil); err != nil {
			return err
		}
	}
	return nil
}

// A row's number leaves room for 65,535 documents: what comes after has no number of its own, and is told of once.
func TestDocumentsThatHaveNoNumber(t *testing.T) {
	tr := transform.New(transform.Options{Keys: row.NewKeys(), Decoder: many{70_000}, Steps: twice{}})
	seen := map[uint32]bool{}
	once := func(index uint32) {
		if seen[index] {
			t.Errorf("two parts have the number %d", index)
		}
		seen[index] = true
	}
	var last string
	err := tr.Apply(&row.Record{Data: []byte(`{"a":1}`)}, func(r *row.Row) error { once(r.Index); return nil }, func(index uint32, f *row.Failure) { once(index); last = f.Reason })
	if err != nil || len(seen) != 65_535*3+1 || !strings.Contains(last, "all after it are left out") {
		t.Errorf("%d parts, last %q, %v", len(seen), last, err)
	}
}

// wide is a step that makes rows of 64 MiB, and counts them.
type wide struct{ rows int }

func (*wide) Multi() bool { return true }

func (w *wide) Run(r *row.Row, emit func(*row.Row) error, _ func(uint32, *row.Failure)) error {
	value := make([]byte, 64<<20)
	r.Fields = append(r.Fields[:0], row.Field{Key: row.NoKey, Kind: row.String, Name: []byte("a"), Value: value})
	for range 10 {
		w.rows++
		if err := emit(r); err != nil {
			return err
		}
		r.Index++
	}
	return nil
}

// What a record becomes is bounded over all its documents: each alone may become 256 MiB of rows.
func TestRowsOfARecordEnd(t *testing.T) {
	w := &wide{}
	tr := transform.New(transform.Options{Keys: row.NewKeys(), Decoder: many{100}, Steps: w})
	for range 2 {
		w.rows = 0
		var failed []string
		rows := 0
		err := tr.Apply(&row.Record{Data: []byte(`{}`)}, func(*row.Row) error { rows++; return nil }, func(index uint32, f *row.Failure) { failed = append(failed, fmt.Sprint(index, " ", f.Reason)) })
		if err != nil || rows != 15 || w.rows != 16 || len(failed) != 1 || !strings.HasPrefix(failed[0], "65541 the rows of the record have more than 1 GiB together") {
			t.Errorf("%d rows of %d, failures %q, %v", rows, w.rows, failed, err)
		}
	}
}
