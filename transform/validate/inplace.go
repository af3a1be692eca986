package validate

// inPlace judges the value at i by the schemas that apply to the same value. end is the index after the value, or -1.
func (e *evaluator) inPlace(n *node, i, end int) (int, verdict) {
	v := good
	apply := func(n *node) verdict {
		after, w := e.value(n, i)
		if w != bad && after >= 0 {
			end = after
		}
		return w
	}
	for _, part := range n.all {
		if v = v.and(apply(part)); v == bad {
			return end, bad
		}
	}
	if n.anyOf != nil {
		any := bad
		for _, part := range n.anyOf {
			if w := apply(part); w == good {
				any = good
				break
			} else if w == unknown {
				any = unknown
			}
		}
		v = v.and(any)
	}
	if n.oneOf != nil {
		goods, unknowns := 0, 0
		for _, part := range n.oneOf {
			switch apply(part) {
			case good:
				goods++
			case unknown:
				unknowns++
			}
		}
		switch {
		case goods > 1 || goods+unknowns == 0:
			return end, bad
		case unknowns > 0:
			v = unknown
		}
	}
	if n.not != nil {
		switch apply(n.not) {
		case good:
			return end, bad
		case unknown:
			v = unknown
		}
	}
	if n.cond != nil {
		then, other := good, good
		cond := apply(n.cond)
		if n.then != nil && cond != bad {
			then = apply(n.then)
		}
		if n.other != nil && cond != good {
			other = apply(n.other)
		}
		switch {
		case cond == unknown && then != other:
			v = unknown
		default:
			v = v.and(then).and(other)
		}
	}
	return end, v
}
