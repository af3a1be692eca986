package kpl

import "google.golang.org/protobuf/encoding/protowire"

// raw is a user record as it stands in the message.
type raw struct {
	key    uint64
	hash   uint64
	hashed bool // it has a hash
	data   []byte
}

// parse reads a message Record. It reports false for one that the format does not allow.
func parse(b []byte) (r raw, ok bool) {
	var keyed, filled bool
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return r, false
		}
		b = b[n:]
		switch num {
		case 1, 2:
			if typ != protowire.VarintType {
				return r, false
			}
			var v uint64
			if v, n = protowire.ConsumeVarint(b); num == 1 {
				r.key, keyed = v, true
			} else {
				r.hash, r.hashed = v, true
			}
		case 3, 4:
			if typ != protowire.BytesType {
				return r, false
			}
			var v []byte
			if v, n = protowire.ConsumeBytes(b); num == 3 {
				r.data, filled = v[:len(v):len(v)], true
			} else if n >= 0 && !tag(v) {
				return r, false
			}
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return r, false
		}
		b = b[n:]
	}
	return r, keyed && filled
}

// tag reports whether b is a message Tag.
func tag(b []byte) bool {
	named := false
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 || num <= 2 && typ != protowire.BytesType {
			return false
		}
		b = b[n:]
		if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
			return false
		}
		b = b[n:]
		named = named || num == 1
	}
	return named
}
