package lease

import (
	"strings"

	"kinesis-snowflake/internal/row"
)

// expression builds the texts of a conditional update. Every attribute goes through a #name, because several of KCL's
// are near DynamoDB's list of reserved words and the list grows.
type expression struct {
	names  map[string]string
	values item

	conditions, set, add, remove []string
}

func newExpression() *expression {
	return &expression{names: map[string]string{}, values: item{}}
}

func (e *expression) name(attr string) string {
	e.names["#"+attr] = attr
	return "#" + attr
}

// equal demands that a string attribute has the value; "" demands that it is absent.
func (e *expression) equal(attr, value, placeholder string) {
	if value == "" {
		e.conditions = append(e.conditions, "attribute_not_exists("+e.name(attr)+")")
		return
	}
	e.values[placeholder] = text(value)
	e.conditions = append(e.conditions, e.name(attr)+" = "+placeholder)
}

func (e *expression) counterIs(n int64) {
	e.values[":c"] = number(n)
	e.conditions = append(e.conditions, e.name(attrCounter)+" = :c")
}

func (e *expression) condition() string { return strings.Join(e.conditions, " AND ") }

func (e *expression) update() string {
	var parts []string
	for _, clause := range []struct {
		word  string
		terms []string
	}{{"SET ", e.set}, {"ADD ", e.add}, {"REMOVE ", e.remove}} {
		if len(clause.terms) > 0 {
			parts = append(parts, clause.word+strings.Join(clause.terms, ", "))
		}
	}
	return strings.Join(parts, " ")
}

// updateExpression spells u. Its condition is never weaker than KCL's own: the counter alone, or for a request owner and checkpoint owner.
func updateExpression(u Update) *expression {
	e := newExpression()
	if !u.Request {
		e.counterIs(u.If.Counter)
	}
	e.equal(attrOwner, u.If.Owner, ":owner")
	e.equal(attrCheckpointOwner, u.If.CheckpointOwner, ":holder")

	put := func(attr, placeholder string) { e.set = append(e.set, e.name(attr)+" = "+placeholder) }
	drop := func(attr string) { e.remove = append(e.remove, e.name(attr)) }

	if !u.Request {
		e.values[":n"], e.values[":nonce"] = number(u.If.Counter+1), text(u.Nonce)
		put(attrCounter, ":n")
		put(attrNonce, ":nonce")
	}

	s := u.Set
	switch {
	case s.Owner == nil:
	case *s.Owner == "":
		drop(attrOwner)
	default:
		e.values[":next"] = text(*s.Owner)
		put(attrOwner, ":next")
	}
	if s.CheckpointOwner != "" {
		e.values[":keeps"] = text(s.CheckpointOwner)
		put(attrCheckpointOwner, ":keeps")
	}
	if s.EndHandover {
		drop(attrCheckpointOwner)
	}
	if s.Worker != "" {
		e.values[":worker"] = text(s.Worker)
		put(attrWorker, ":worker")
	}
	switch {
	case s.Checkpoint != nil:
		e.values[":seq"], e.values[":sub"], e.values[":zero"] = text(s.Checkpoint.Sequence), number(s.Checkpoint.Subsequence), number(0)
		put(attrCheckpoint, ":seq")
		put(attrSubsequence, ":sub")
		put(attrSwitches, ":zero")
		drop(attrPending)
		drop(attrPendingSub)
		drop(attrPendingState)
	case s.OwnerSwitched:
		e.values[":one"] = number(1)
		e.add = append(e.add, e.name(attrSwitches)+" :one")
	}
	if len(s.Children) > 0 {
		e.values[":children"] = set(s.Children)
		put(attrChildren, ":children")
	}
	if s.Offsets {
		e.values[":true"] = yes
		put(attrOffsets, ":true")
	}
	if s.StartMillis != 0 {
		e.values[":start"] = number(s.StartMillis)
		put(attrStartMillis, ":start")
	}
	if s.StreamCreated != 0 {
		e.values[":created"] = number(s.StreamCreated)
		put(attrStreamCreated, ":created")
	}
	return e
}

// deleteExpression allows only a finished lease that has not changed. KCL deletes without any condition.
func deleteExpression(counter int64) *expression {
	e := newExpression()
	e.counterIs(counter)
	e.equal(attrCheckpoint, row.ShardEnd, ":end")
	return e
}
