package transform

import "kinesis-snowflake/internal/row"

// interner finds the Key of each field of a row. Records of a stream mostly have the same keys in the same order, so
// it guesses that a key is followed by the one that followed it last time, and asks the dictionary only when the guess
// is wrong: an optional key that is missing costs one look-up, not one for every key after it.
type interner struct {
	keys *row.Keys
	next []guess // by the key before, counted from 1; 0 is the start of a record
}

type guess struct {
	known bool
	key   row.Key
	name  string // the dictionary's own copy
}

// unknown stands for a key without a number of its own: nothing is guessed or learned after it.
const unknown = -1

func (n *interner) intern(fields []row.Field) {
	before := 0
	for i := range fields {
		f := &fields[i]
		if f.Flags&row.HostileKey != 0 {
			// Its name is raw text, which another key may spell.
			before = unknown
			continue
		}
		if before != unknown && before < len(n.next) {
			if g := &n.next[before]; g.known && g.name == string(f.Name) {
				f.Key = g.key
				before = int(g.key) + 1
				continue
			}
		}
		if f.Key = n.keys.Intern(f.Name); f.Key == row.NoKey {
			before = unknown
			continue
		}
		if before != unknown {
			n.learn(before, f.Key)
		}
		before = int(f.Key) + 1
	}
}

func (n *interner) learn(before int, key row.Key) {
	if before >= len(n.next) {
		n.next = append(n.next, make([]guess, before+1-len(n.next))...)
	}
	n.next[before] = guess{known: true, key: key, name: n.keys.Name(key)}
}
