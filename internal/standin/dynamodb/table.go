package dynamodb

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/binary"
	"slices"
	"strings"
	"time"
)

// schema is a primary key or the key of an index: a partition key and, when
// sortKey is not "", a sort key.
type schema struct {
	hashKey, sortKey   string
	hashKind, sortKind Kind
}

// place is where a row stands: by the hash of its partition key, the key
// itself, then the sort key.
type place struct {
	hash uint64
	hk   Value
	sk   Value
}

func (a place) compare(b place) int {
	if c := cmp.Compare(a.hash, b.hash); c != 0 {
		return c
	}
	if c := bytes.Compare([]byte(a.hk.Text), []byte(b.hk.Text)); c != 0 {
		return c
	}
	c, _ := a.sk.compare(b.sk)
	return c
}

// names are the key attributes in order.
func (k schema) names() []string {
	if k.sortKey == "" {
		return []string{k.hashKey}
	}
	return []string{k.hashKey, k.sortKey}
}

func (k schema) kind(name string) Kind {
	if name == k.hashKey {
		return k.hashKind
	}
	return k.sortKind
}

// place computes where the item stands; ok is false when it lacks a key or has
// one of the wrong type, which keeps it out of an index.
func (k schema) place(it Item) (p place, ok bool) {
	p.hk = it[k.hashKey]
	if p.hk.Kind != k.hashKind {
		return p, false
	}
	sum := md5.Sum([]byte(p.hk.Text))
	p.hash = binary.BigEndian.Uint64(sum[:8])
	if k.sortKey != "" {
		p.sk = it[k.sortKey]
		return p, p.sk.Kind == k.sortKind
	}
	return p, true
}

// pick returns the key attributes of the item.
func (k schema) pick(it Item) Item {
	key := Item{}
	for _, n := range k.names() {
		key[n] = it[n]
	}
	return key
}

// text joins the key's values for hooks, without judging them.
func (k schema) text(w wireItem) string {
	var parts []string
	for _, n := range k.names() {
		wv := w[n]
		if v, err := wv.value(); err == nil {
			parts = append(parts, v.quoted())
		}
	}
	return strings.Join(parts, "/")
}

// Limits of key values (developer guide, "Constraints").
const (
	maxHashKey = 2048
	maxSortKey = 1024
)

// checkKey validates a Key parameter: exactly the key attributes.
func (k schema) checkKey(key Item) *Error {
	if len(key) != len(k.names()) {
		return invalid("The provided key element does not match the schema")
	}
	for _, n := range k.names() {
		if key[n].Kind != k.kind(n) {
			return invalid("The provided key element does not match the schema")
		}
	}
	return k.checkSizes(key)
}

// checkItem validates the key attributes of a whole item.
func (k schema) checkItem(it Item) *Error {
	for _, n := range k.names() {
		switch v := it[n]; {
		case !v.exists():
			return invalidParameter("Missing the key %s in the item", n)
		case v.Kind != k.kind(n):
			return invalidParameter("Type mismatch for key %s expected: %s actual: %s", n, k.kind(n), v.Kind)
		}
	}
	return k.checkSizes(it)
}

func (k schema) checkSizes(it Item) *Error {
	for _, n := range k.names() {
		v := it[n]
		if v.Text == "" {
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kindWord(v.Kind), n)
		}
		switch {
		case v.Kind == KindN:
		case n == k.hashKey && len(v.Text) > maxHashKey:
			return invalidParameter("Size of hashkey has exceeded the maximum size limit of2048 bytes")
		case n == k.sortKey && len(v.Text) > maxSortKey:
			return invalidParameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
		}
	}
	return nil
}

func kindWord(k Kind) string {
	if k == KindB {
		return "binary"
	}
	return "string"
}

// row is a stored item. A deleted row stays, with a nil item, while replicas
// may still show it.
type row struct {
	place
	item    Item
	before  Item
	changed time.Time
}

// seen is the item as a read finds it.
func (r *row) seen(consistent bool, now time.Time, lag time.Duration) Item {
	if !consistent && lag > 0 && now.Sub(r.changed) < lag {
		return r.before
	}
	return r.item
}

// index is a global secondary index.
type index struct {
	name       string
	schema     schema
	projection projection
	throughput *throughput
	readyAt    time.Time
	goneAt     time.Time // zero unless being deleted
}

type table struct {
	name       string
	schema     schema
	kinds      map[string]Kind
	indexes    []*index
	onDemand   bool
	throughput *throughput
	class      string
	protected  bool
	created    time.Time
	readyAt    time.Time
	updatedAt  time.Time // until then UPDATING
	goneAt     time.Time // zero unless being deleted
	rows       []*row    // in the order of place
	tags       map[string]string
	ttl        string // attribute, "" when disabled
	pitr       bool
}

func (t *table) search(p place) (int, bool) {
	return slices.BinarySearchFunc(t.rows, p, func(r *row, p place) int { return r.place.compare(p) })
}

// get returns the row for a key that checkKey has accepted, or nil.
func (t *table) get(key Item) *row {
	p, _ := t.schema.place(key)
	if i, found := t.search(p); found {
		return t.rows[i]
	}
	return nil
}

// put replaces or adds the item; a nil item deletes the row of the key.
func (t *table) put(key, it Item, now time.Time, lag time.Duration) {
	p, _ := t.schema.place(key)
	i, found := t.search(p)
	if !found {
		if it == nil {
			return
		}
		t.rows = slices.Insert(t.rows, i, &row{place: p})
	}
	r := t.rows[i]
	r.before, r.item, r.changed = r.item, it, now
	if it == nil && lag == 0 {
		t.rows = slices.Delete(t.rows, i, i+1)
	}
}

func (t *table) index(name string) *index {
	for _, x := range t.indexes {
		if x.name == name {
			return x
		}
	}
	return nil
}

// checkIndexKeys refuses an item whose attributes cannot stand in an index; a
// missing attribute merely keeps the item out of it.
func (t *table) checkIndexKeys(it Item) *Error {
	for _, x := range t.indexes {
		for _, n := range x.schema.names() {
			v := it[n]
			switch {
			case !v.exists():
			case v.Kind != x.schema.kind(n):
				return invalidParameter("Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", n, x.schema.kind(n), v.Kind, x.name)
			case v.Text == "":
				return invalid("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", kindWord(v.Kind), x.name, n)
			}
		}
	}
	return nil
}

// project keeps what the index carries of an item.
func (x *index) project(it Item, t *table) Item {
	if x.projection.ProjectionType == "ALL" {
		return it
	}
	out := Item{}
	for _, n := range slices.Concat(t.schema.names(), x.schema.names(), x.projection.NonKeyAttributes) {
		if v := it[n]; v.exists() {
			out[n] = v
		}
	}
	return out
}
