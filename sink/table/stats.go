package table

import (
	"hash/maphash"

	"kinesis-snowflake/internal/row"
)

// Reason says why a value was rescued.
type Reason uint8

// The reasons. ReasonNone is that of a value that was not.
const (
	ReasonNone      Reason = iota
	ReasonNoColumn         // its key can have no column, or no more columns are added
	ReasonDuplicate        // a later value of the same row took the column
	ReasonKind             // the column's type does not take this kind of value
	ReasonNumber           // the column would round the number, or has no room for it
	ReasonLength           // the text is too long for the column
	ReasonHostile          // no Snowflake text can hold it
	reasonCount
)

// Reasons lists the reasons for which values are rescued.
func Reasons() []Reason {
	return []Reason{ReasonNoColumn, ReasonDuplicate, ReasonKind, ReasonNumber, ReasonLength, ReasonHostile}
}

// String returns the reason as a metric's label.
func (r Reason) String() string {
	return [reasonCount]string{"none", "no_column", "duplicate", "kind", "number", "length", "hostile_text"}[r]
}

// Stats counts what happened to the values of the rows encoded with it, and holds the encoder's working memory: one
// goroutine uses it at a time. It belongs to one plan and the plans that extend it.
type Stats struct {
	Rows int64
	// Rescued counts the values in _RESCUED, by reason.
	Rescued [reasonCount]int64
	// First names, for each reason, the first column or key that a value was rescued from.
	First [reasonCount]string
	// NumbersAsText counts numbers that became strings inside a VARIANT or _RESCUED, because Snowflake or a JSON
	// parser would have changed them.
	NumbersAsText int64
	// LongRows counts lines of over 16 MiB, the longest document that COPY takes in accounts without larger data
	// types. A Kinesis record has at most 10 MiB, so it takes a rescued text that its escapes made longer.
	LongRows int64
	// Lacked counts the rows that were failed, and are not in Rows, because they have no value for a column that must have
	// one.
	Lacked int64

	lacking int     // index of the column that the last row has no value for, or -1
	width   []int   // by column: what it takes to hold the values that were rescued for their size; 0 for none
	place   []int32 // by row.Key, or by the hash of a name: 1 + index of the row's last field of it; zero between rows
	seed    maphash.Seed

	missing []bool  // by column: a row had no value for a NOT NULL column
	unfit   []bool  // by column: a row had one that did not fit; missing then, too
	at      []int32 // by column: index of the field that fills it, or -1; of a whole record, by field: 1 if a later one beats it
	rescue  rescuer
}

// RescuedTotal returns the number of values rescued for any reason.
func (st *Stats) RescuedTotal() (n int64) {
	for _, count := range st.Rescued {
		n += count
	}
	return n
}

// MissingNotNull returns the NOT NULL columns of p for which some row had no value: the COPY of these rows fails until
// the columns accept NULL ([DropNotNull]).
func (st *Stats) MissingNotNull(p *Plan) []string {
	var names []string
	for i, missing := range st.missing {
		if missing {
			names = append(names, p.columns[i].Name)
		}
	}
	return names
}

// Unfit reports whether some row had a value for a NOT NULL column that did not fit it, by the column's name.
func (st *Stats) Unfit(p *Plan, column string) bool {
	for i, unfit := range st.unfit {
		if unfit && p.columns[i].Name == column {
			return true
		}
	}
	return false
}

// Lacking returns the column for which the row that AppendRow just failed has no value that fits.
func (st *Stats) Lacking(p *Plan) Column { return p.columns[st.lacking] }

// Add adds the counts of other.
func (st *Stats) Add(other *Stats) {
	st.Rows += other.Rows
	st.NumbersAsText += other.NumbersAsText
	st.LongRows += other.LongRows
	st.Lacked += other.Lacked
	for i, n := range other.width {
		st.widen(i, n)
	}
	for r, n := range other.Rescued {
		st.Rescued[r] += n
		if st.First[r] == "" {
			st.First[r] = other.First[r]
		}
	}
	st.grow(len(other.missing))
	for i, missing := range other.missing {
		st.missing[i] = st.missing[i] || missing
		st.unfit[i] = st.unfit[i] || other.unfit[i]
	}
}

// Reset sets the counts to zero, and keeps the memory.
func (st *Stats) Reset() {
	*st = Stats{missing: st.missing[:0], unfit: st.unfit[:0], width: st.width[:0], at: st.at[:0], place: st.place, seed: st.seed, rescue: st.rescue}
}

func (st *Stats) grow(columns int) {
	for len(st.missing) < columns {
		st.missing, st.unfit = append(st.missing, false), append(st.unfit, false)
	}
}

func (st *Stats) count(reason Reason, name string) {
	if st.Rescued[reason]++; st.First[reason] == "" {
		st.First[reason] = name
	}
}

func (st *Stats) countKey(reason Reason, f *row.Field) {
	if st.Rescued[reason]++; st.First[reason] == "" {
		st.First[reason] = string(f.Name)
	}
}
