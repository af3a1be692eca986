package step

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"

	"kinesis-snowflake/transform/jsonscan"
)

// edits has one editor change what several paths name.
type edits struct {
	paths   []path
	editors []editor // one for all, or one for each path
}

func (e *edits) run(x *Runner, st *compiled) (bool, error) {
	for i := range e.paths {
		err := x.apply(&e.paths[i], e.editors[min(i, len(e.editors)-1)], st.onError)
		if err != nil && st.onError == Null {
			// No value is at fault by itself; what they become together is nested too deeply, or too large.
			err = x.apply(&e.paths[i], nuller{}, Fail)
		}
		if err != nil && st.onError != Keep {
			return false, err
		}
	}
	return true, nil
}

type nuller struct{}

func (nuller) edit(_ *Runner, dst, _ []byte) ([]byte, action, error) {
	return append(dst, null...), changed, nil
}

// reader is parse_json: it makes a text the value that it spells. Any other value is one already.
type reader struct{}

func (reader) edit(x *Runner, dst, v []byte) ([]byte, action, error) {
	if v[0] != '"' {
		return dst, same, nil
	}
	inside := v[1 : len(v)-1]
	if bytes.IndexByte(inside, '\\') >= 0 {
		var ok bool
		if x.tmp, ok = jsonscan.AppendDecoded(x.tmp[:0], inside); !ok {
			return dst, same, errors.New("holds no JSON: a NUL, or a surrogate without its partner")
		}
		inside = x.tmp
	}
	if _, _, err := x.scan.Value(inside); err != nil {
		return dst, same, fmt.Errorf("holds no JSON: %w", err)
	}
	end := len(inside)
	for end > 0 && inside[end-1] <= ' ' {
		end--
	}
	return append(dst, inside[space(inside, 0):end]...), changed, nil
}

// hasher is hash: it makes a value the hexadecimal digest of its text, for anything but a text that of its JSON text.
type hasher struct {
	key []byte // nil: no HMAC
}

func (h *hasher) edit(x *Runner, dst, v []byte) ([]byte, action, error) {
	if isNull(v) {
		return dst, same, nil
	}
	var inside []byte
	if inside = v; v[0] == '"' {
		inside, x.tmp = text(x.tmp[:0], v)
	}
	if h.key == nil {
		x.sum = sha256.Sum256(inside)
	} else {
		m := x.mac(h)
		m.Reset()
		m.Write(inside)
		m.Sum(x.sum[:0])
	}
	dst = append(dst, '"')
	dst = hex.AppendEncode(dst, x.sum[:])
	return append(dst, '"'), changed, nil
}

// mac is the Runner's own HMAC of a step: one cannot be shared.
func (x *Runner) mac(h *hasher) hash.Hash {
	if m, ok := x.macs[h]; ok {
		return m
	}
	if x.macs == nil {
		x.macs = map[*hasher]hash.Hash{}
	}
	m := hmac.New(sha256.New, h.key)
	x.macs[h] = m
	return m
}

// fallback is default: a value for what is missing or null.
type fallback struct {
	paths  []path
	values [][]byte
}

func (d *fallback) run(x *Runner, st *compiled) (bool, error) {
	for i := range d.paths {
		if err := x.put(&d.paths[i], d.values[i], true); err != nil && st.onError == Fail {
			return false, err
		}
	}
	return true, nil
}

// set gives paths the values of expressions, each of which sees what those before it set.
type set struct {
	paths []path
	exprs []*expression
}

func (s *set) run(x *Runner, st *compiled) (bool, error) {
	for i := range s.paths {
		p := &s.paths[i]
		start := len(x.buf)
		v, err := x.eval.run(s.exprs[i], x.row.Fields)
		var value []byte
		if err == nil {
			if value = v.raw; value == nil {
				if x.buf, err = v.appendJSON(x.buf); err == nil {
					value = x.buf[start:len(x.buf):len(x.buf)]
				}
			}
		}
		if err != nil {
			err = &pathError{p.text, err}
			switch st.onError {
			case Fail:
				return false, err
			case Keep:
				continue
			}
			value = null
		}
		if err := x.putAll(p, value); err != nil && st.onError == Fail {
			return false, err
		}
	}
	return true, nil
}

// filter leaves out the rows for which its expression is not true.
type filter struct{ expr *expression }

func (s *filter) run(x *Runner, st *compiled) (bool, error) {
	v, err := x.eval.run(s.expr, x.row.Fields)
	if err == nil && v.kind != kindBool {
		err = fmt.Errorf("the condition is %s, neither true nor false", v.name())
	}
	if err != nil {
		return st.onError == Keep, errUnless(st.onError == Keep, err)
	}
	return v.n != 0, nil
}

func errUnless(not bool, err error) error {
	if not {
		return nil
	}
	return err
}
