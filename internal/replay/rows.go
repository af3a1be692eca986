package replay

import (
	"fmt"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/snowflake"
)

// append takes a message through the transform and appends those of its rows that the table does not hold. It sets the
// message's state as it will be once they are loaded, and returns how many there are.
func (l *loader) append(f *fetched, held []snowflake.PresentRow, to func(lane int, shard string, r *row.Row) error) (int64, error) {
	m := f.message
	if len(held) > 0 {
		known, err := l.known(f, held)
		if err != nil || !known {
			return 0, err
		}
	}
	there := make(map[uint32]bool, len(held))
	for _, h := range held {
		there[h.Index] = true
	}
	var rows, made int64
	var first *row.Failure
	failures := 0
	fail := func(index uint32, why *row.Failure) {
		if failures++; first == nil {
			first = &row.Failure{Stage: why.Stage, Reason: why.Reason}
			m.row = index
		}
	}
	err := l.transform.Apply(&f.record, func(r *row.Row) error {
		made++
		m.several = m.several || r.Multi
		if there[r.Index] {
			return nil
		}
		rows++
		return to(0, m.shard, r)
	}, fail)
	switch {
	case err != nil:
		return 0, err
	case failures > 1:
		m.is(Failed, fmt.Sprintf("%s: %s (and %d more of its rows)", first.Stage, first.Reason, failures-1))
	case failures == 1:
		m.is(Failed, fmt.Sprintf("%s: %s", first.Stage, first.Reason))
	case made == 0:
		m.is(NoRow, "")
	case rows == 0:
		m.is(Present, "")
	default:
		m.is(Loaded, "")
	}
	m.rows, m.several = rows, failures > 0 && (m.several || made+int64(failures) > 1 || m.row > 0)
	return rows, nil
}

// known reports whether the rows that the table holds of a message are rows that today's transform makes, by their numbers.
// If not, the transform numbers them otherwise than it did when they were loaded, so that it cannot be told which are
// missing; and a row must rather be missing than be there twice.
func (l *loader) known(f *fetched, held []snowflake.PresentRow) (bool, error) {
	makes := map[uint32]bool{}
	err := l.transform.Apply(&f.record, func(r *row.Row) error {
		makes[r.Index] = true
		return nil
	}, func(index uint32, _ *row.Failure) { makes[index] = true })
	if err != nil {
		return false, err
	}
	single := len(makes) == 0 || len(makes) == 1 && makes[0]
	for _, h := range held {
		if !h.Numbered && !single || h.Numbered && !makes[h.Index] && len(makes) > 0 {
			f.message.is(Renamed, "the table holds rows of it that today's transform does not make, or numbers otherwise: what is missing cannot be told")
			return false, nil
		}
	}
	if l.nested && unaccounted(makes, held, f.message.failed) {
		f.message.is(Renamed, "it has rows in the table, and of two unnest steps come others now that neither are there nor failed by the log: numbers may have shifted, so what is missing cannot be told")
		return false, nil
	}
	return true, nil
}

// documentBits is where the number of a row's document begins, of a record with several.
const documentBits = 16

// unaccounted reports whether a transform makes rows of which nothing was heard, in a document of which the table holds some. Two
// unnest steps number rows as they come, so an element of the outer array that failed as one row and makes several now
// shifts all that follow.
func unaccounted(makes map[uint32]bool, held []snowflake.PresentRow, failed []uint32) bool {
	heard, begun := map[uint32]bool{}, map[uint32]bool{}
	for _, h := range held {
		heard[h.Index], begun[h.Index>>documentBits] = true, true
	}
	for _, n := range failed {
		heard[n] = true
	}
	for n := range makes {
		if begun[n>>documentBits] && !heard[n] {
			return true
		}
	}
	return false
}
