// Package kpltest makes KPL aggregates, for tests and the sandbox.
package kpltest

import (
	"crypto/md5"

	"google.golang.org/protobuf/encoding/protowire"
)

// Record is a user record to aggregate.
type Record struct {
	PartitionKey    string
	ExplicitHashKey string // "" is none
	Data            []byte
}

// Aggregate packs records as the KPL does: each key stands once in its table.
func Aggregate(records ...Record) []byte {
	var keys, hashes []byte
	var list []byte
	known := [2]map[string]uint64{{}, {}}
	index := func(table int, key string, into *[]byte) uint64 {
		i, ok := known[table][key]
		if !ok {
			i = uint64(len(known[table]))
			known[table][key] = i
			*into = Bytes(*into, table+1, []byte(key))
		}
		return i
	}
	for _, r := range records {
		msg := Varint(nil, 1, index(0, r.PartitionKey, &keys))
		if r.ExplicitHashKey != "" {
			msg = Varint(msg, 2, index(1, r.ExplicitHashKey, &hashes))
		}
		list = Bytes(list, 3, Bytes(msg, 3, r.Data))
	}
	return Seal(append(append(keys, hashes...), list...))
}

// Seal makes an aggregate of a message, whatever it holds.
func Seal(message []byte) []byte {
	sum := md5.Sum(message)
	return append(append([]byte("\xf3\x89\x9a\xc2"), message...), sum[:]...)
}

// Varint appends a field of a message.
func Varint(msg []byte, field int, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(msg, protowire.Number(field), protowire.VarintType), v)
}

// Bytes appends a field of a message.
func Bytes(msg []byte, field int, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(msg, protowire.Number(field), protowire.BytesType), v)
}
