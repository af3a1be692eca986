package dynamodb

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
)

// Kind names a type of attribute as the wire does: S, N, B, BOOL, NULL, SS, NS,
// BS, L or M.
type Kind string

// The kinds of attributes.
const (
	KindS    Kind = "S"
	KindN    Kind = "N"
	KindB    Kind = "B"
	KindBool Kind = "BOOL"
	KindNull Kind = "NULL"
	KindSS   Kind = "SS"
	KindNS   Kind = "NS"
	KindBS   Kind = "BS"
	KindL    Kind = "L"
	KindM    Kind = "M"
)

// Item is a row: attribute names and values.
type Item map[string]Value

// Value is one attribute value. The zero Value means that there is none. A
// Value is immutable once it is stored.
type Value struct {
	Kind Kind
	Text string   // S: the text; N: the number in plain decimal notation; B: the bytes
	Bool bool     // BOOL
	Set  []string // SS, NS, BS: the members, each as in Text
	List []Value  // L
	Map  Item     // M
}

// S returns a string value.
func S(s string) Value { return Value{Kind: KindS, Text: s} }

// N returns a number value; s must be a plain decimal.
func N(s string) Value { return Value{Kind: KindN, Text: s} }

func (v Value) exists() bool { return v.Kind != "" }

// String is the value's wire form, for messages of tests.
func (v Value) String() string {
	b, err := v.MarshalJSON()
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// MarshalJSON gives the wire form, such as {"N":"1"}.
func (v Value) MarshalJSON() ([]byte, error) {
	var payload any
	switch v.Kind {
	case "":
		return []byte("null"), nil
	case KindS, KindN:
		payload = v.Text
	case KindB:
		payload = []byte(v.Text)
	case KindBool:
		payload = v.Bool
	case KindNull:
		payload = true
	case KindSS, KindNS:
		payload = v.Set
	case KindBS:
		members := make([][]byte, len(v.Set))
		for i, m := range v.Set {
			members[i] = []byte(m)
		}
		payload = members
	case KindL:
		payload = append([]Value{}, v.List...)
	case KindM:
		payload = maps.Clone(v.Map)
		if v.Map == nil {
			payload = Item{}
		}
	}
	return json.Marshal(map[Kind]any{v.Kind: payload})
}

// clone copies the containers, so that an update may change them.
func (v Value) clone() Value {
	v.Set = slices.Clone(v.Set)
	if v.List != nil {
		list := make([]Value, len(v.List))
		for i, e := range v.List {
			list[i] = e.clone()
		}
		v.List = list
	}
	v.Map = v.Map.clone()
	return v
}

func (it Item) clone() Item {
	if it == nil {
		return nil
	}
	out := make(Item, len(it))
	for k, v := range it {
		out[k] = v.clone()
	}
	return out
}

// equal is the service's equality: same type, numbers by value, sets without
// order, documents in depth.
func (v Value) equal(w Value) bool {
	if v.Kind != w.Kind {
		return false
	}
	switch v.Kind {
	case KindBool:
		return v.Bool == w.Bool
	case KindSS, KindNS, KindBS:
		return len(v.Set) == len(w.Set) && !slices.ContainsFunc(v.Set, func(m string) bool { return !slices.Contains(w.Set, m) })
	case KindL:
		return slices.EqualFunc(v.List, w.List, Value.equal)
	case KindM:
		return maps.EqualFunc(v.Map, w.Map, Value.equal)
	}
	return v.Text == w.Text
}

// compare orders two values of one ordered kind (S, N, B); ok is false for any
// other pair.
func (v Value) compare(w Value) (order int, ok bool) {
	if v.Kind != w.Kind {
		return 0, false
	}
	switch v.Kind {
	case KindN:
		return mustNumber(v.Text).cmp(mustNumber(w.Text)), true
	case KindS, KindB:
		return bytes.Compare([]byte(v.Text), []byte(w.Text)), true
	}
	return 0, false
}

// setOf returns the kind of a set's members, or "" for what is no set.
func (k Kind) setOf() Kind {
	switch k {
	case KindSS:
		return KindS
	case KindNS:
		return KindN
	case KindBS:
		return KindB
	}
	return ""
}

// size follows the developer guide's "Item sizes and formats".
func (v Value) size() int {
	switch v.Kind {
	case KindN:
		return mustNumber(v.Text).size()
	case KindBool, KindNull:
		return 1
	case KindSS, KindBS:
		n := 0
		for _, m := range v.Set {
			n += len(m)
		}
		return n
	case KindNS:
		n := 0
		for _, m := range v.Set {
			n += mustNumber(m).size()
		}
		return n
	case KindL:
		n := 3
		for _, e := range v.List {
			n += 1 + e.size()
		}
		return n
	case KindM:
		return 3 + len(v.Map) + v.Map.size()
	}
	return len(v.Text)
}

func (it Item) size() int {
	n := 0
	for k, v := range it {
		n += len(k) + v.size()
	}
	return n
}

// depth is the number of nested documents, counting v itself.
func (v Value) depth() int {
	deepest := 0
	for _, e := range v.List {
		deepest = max(deepest, e.depth())
	}
	for _, e := range v.Map {
		deepest = max(deepest, e.depth())
	}
	if v.Kind == KindL || v.Kind == KindM {
		deepest++
	}
	return deepest
}

// quoted is the text of a scalar for keys in hooks: bytes as base64.
func (v Value) quoted() string {
	if v.Kind == KindB {
		return base64.StdEncoding.EncodeToString([]byte(v.Text))
	}
	return v.Text
}
