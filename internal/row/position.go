package row

import (
	"cmp"
	"strconv"
	"strings"
)

// Sentinel sequences, spelled as the Kinesis Client Library writes them into a lease's checkpoint.
const (
	TrimHorizon = "TRIM_HORIZON"
	Latest      = "LATEST"
	AtTimestamp = "AT_TIMESTAMP"
	ShardEnd    = "SHARD_END"
)

// Position is a place in a shard: everything up to and including it is done.
//
// Sequence is a decimal number of up to 129 digits without leading zeros, a sentinel, or "" (nothing done yet).
// Subsequence is the index of a user record inside a KPL aggregate, 0 for a plain record.
//
// The order is: "" < TRIM_HORIZON, LATEST, AT_TIMESTAMP (equal among themselves) < numbers < SHARD_END. Numbers are
// compared as numbers: a sequence number's length varies, so text order would be wrong.
type Position struct {
	Sequence    string
	Subsequence int64
}

// IsNumber reports whether p names a record rather than a sentinel.
func (p Position) IsNumber() bool { return isNumber(p.Sequence) }

// IsZero reports whether p is the position before everything, with no sentinel.
func (p Position) IsZero() bool { return p.Sequence == "" }

// Compare returns -1, 0 or +1 as p is before, at or after q.
func (p Position) Compare(q Position) int {
	a, b := rank(p.Sequence), rank(q.Sequence)
	if a != b {
		return cmp.Compare(a, b)
	}
	if a != rankNumber {
		return 0
	}
	if c := CompareSequence(p.Sequence, q.Sequence); c != 0 {
		return c
	}
	return cmp.Compare(p.Subsequence, q.Subsequence)
}

// String is for logs: "495...:0", or the sentinel alone.
func (p Position) String() string {
	if !p.IsNumber() {
		return p.Sequence
	}
	return p.Sequence + ":" + strconv.FormatInt(p.Subsequence, 10)
}

// CompareSequence compares two decimal sequence numbers as numbers, leading zeros ignored.
func CompareSequence[A, B ~string | ~[]byte](a A, b B) int {
	i, j := 0, 0
	for i < len(a) && a[i] == '0' {
		i++
	}
	for j < len(b) && b[j] == '0' {
		j++
	}
	if c := cmp.Compare(len(a)-i, len(b)-j); c != 0 {
		return c
	}
	for ; i < len(a); i, j = i+1, j+1 {
		if a[i] != b[j] {
			return cmp.Compare(a[i], b[j])
		}
	}
	return 0
}

const (
	rankNone = iota
	rankStart
	rankNumber
	rankEnd
)

func rank(s string) int {
	switch {
	case s == "":
		return rankNone
	case s == ShardEnd:
		return rankEnd
	case isNumber(s):
		return rankNumber
	default:
		return rankStart
	}
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
