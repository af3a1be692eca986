package validate

import (
	"kinesis-snowflake/transform/jsonscan"
)

// object judges the object at i by its rules. The index that it returns is that after the object.
func (e *evaluator) object(o *objectRules, i int) (int, verdict) {
	var (
		b     = e.b
		v     = good
		seen  uint64
		count int
		slot  = o.slot
	)
	for i = space(b, i+1); b[i] != '}'; count++ {
		keyAt := i
		end, escaped := stringEnd(b, i+1)
		key := b[i+1 : end]
		if escaped {
			e.keys = jsonscan.AppendText(e.keys[:0], key)
			key = e.keys
		}
		i = end + 1
		if b[i] != ':' {
			i = space(b, i)
		}
		if i++; b[i] <= ' ' {
			i = space(b, i)
		}
		which, known := int(e.next[slot]), false
		if which < len(o.properties) && o.properties[which].name == string(key) {
			known = true
		} else if which, known = o.index[string(key)]; known {
			e.next[slot] = int32(which)
		}
		after, w := e.member(o, keyAt, key, which, known, i)
		if known {
			slot = o.slot + 1 + which
			if which < maxRequired {
				seen |= 1 << which
			}
		}
		if after < 0 {
			after = e.skip(i)
		}
		if w == bad {
			// Of duplicate keys the last counts.
			switch later, sure := e.later(b[keyAt+1:end], after); {
			case !sure:
				w = unknown
			case later:
				w = good
			default:
				return 0, bad
			}
		}
		v = v.and(w)
		if i = after; b[i] <= ' ' {
			i = space(b, i)
		}
		if b[i] == ',' {
			if i++; b[i] <= ' ' {
				i = space(b, i)
			}
		}
	}
	if seen&o.required != o.required {
		return 0, bad
	}
	// Duplicate keys are counted as often as they stand there.
	if o.min > 0 && count < o.min {
		return 0, bad
	}
	if o.min > 1 && v == good || o.max >= 0 && count > o.max {
		v = unknown
	}
	return i + 1, v
}

// member judges the member whose key is at keyAt and whose value is at i. If known, which is its property. It returns the index after the
// value, or -1.
func (e *evaluator) member(o *objectRules, keyAt int, key []byte, which int, known bool, i int) (int, verdict) {
	after, v, matched := -1, good, false
	judge := func(n *node) {
		end, w := e.value(n, i)
		if w != bad && end >= 0 {
			after = end
		}
		v = v.and(w)
	}
	// The patterns come first: judging the value may overwrite the key.
	var fits uint64
	for p := range o.patterns {
		if o.patterns[p].pattern.Match(key) {
			if p >= 64 {
				return -1, unknown
			}
			fits |= 1 << p
		}
	}
	if o.names != nil {
		_, v = e.value(o.names, keyAt)
	}
	if known && o.properties[which].declared {
		matched = true
		judge(o.properties[which].node)
	}
	for p := 0; fits != 0; p, fits = p+1, fits>>1 {
		if fits&1 != 0 {
			matched = true
			judge(o.patterns[p].node)
		}
	}
	if !matched && o.additional != nil {
		judge(o.additional)
	}
	return after, v
}

// later reports whether a key, given as it is written, stands again among the members after the one that ends at i. It is not sure if
// looking took too long.
func (e *evaluator) later(raw []byte, i int) (found, sure bool) {
	key := string(jsonscan.AppendText(nil, raw))
	for {
		if i = space(e.b, i); e.b[i] != ',' {
			return false, true
		}
		if e.steps -= 4; e.steps < 0 {
			return false, false
		}
		i = space(e.b, i+1)
		end, escaped := stringEnd(e.b, i+1)
		if !escaped && string(e.b[i+1:end]) == key || escaped && string(jsonscan.AppendText(nil, e.b[i+1:end])) == key {
			return true, true
		}
		i = space(e.b, end+1)
		start := space(e.b, i+1)
		i = valueEnd(e.b, start)
		e.steps -= (i - start) / 64
	}
}

// array judges the array at i by its rules. The index that it returns is that after the array.
func (e *evaluator) array(a *arrayRules, i int) (int, verdict) {
	var (
		b               = e.b
		v               = good
		start           = i
		count           int
		matched, unsure int
	)
	for i = space(b, i+1); b[i] != ']'; count++ {
		after := -1
		n := a.rest
		if count < len(a.prefix) {
			n = a.prefix[count]
		} else if a.closed {
			return 0, bad
		}
		if n != nil {
			end, w := e.value(n, i)
			if w == bad {
				return 0, bad
			}
			after, v = end, v.and(w)
		}
		if a.contains != nil {
			switch end, w := e.value(a.contains, i); w {
			case good:
				after = max(after, end)
				matched++
			case unknown:
				unsure++
			}
		}
		if after < 0 {
			after = e.skip(i)
		}
		if i = after; b[i] <= ' ' {
			i = space(b, i)
		}
		if b[i] == ',' {
			if i++; b[i] <= ' ' {
				i = space(b, i)
			}
		}
	}
	if a.min >= 0 && count < a.min || a.max >= 0 && count > a.max {
		return 0, bad
	}
	if a.contains != nil {
		switch {
		case a.minContains >= 0 && matched+unsure < a.minContains, a.maxContains >= 0 && matched > a.maxContains:
			return 0, bad
		case a.minContains >= 0 && matched < a.minContains, a.maxContains >= 0 && matched+unsure > a.maxContains:
			v = unknown
		}
	}
	if a.unique && count > 1 {
		v = v.and(e.unique(start, count))
	}
	return i + 1, v
}
