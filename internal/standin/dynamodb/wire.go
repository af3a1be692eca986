package dynamodb

import (
	"encoding/base64"
	"slices"
	"strings"
)

// maxDepth is the deepest nesting of lists and maps (developer guide,
// "Constraints": 32 levels).
const maxDepth = 32

// wireValue is an attribute value as it arrives, before it is known to be valid.
type wireValue struct {
	S    *string
	N    *string
	B    *string
	BOOL *bool
	NULL *bool
	SS   *[]string
	NS   *[]string
	BS   *[]string
	L    *[]wireValue
	M    *wireItem
}

type wireItem map[string]wireValue

// item validates and converts; the first bad attribute decides the error.
func (w wireItem) item() (Item, *Error) {
	it := make(Item, len(w))
	for k, wv := range w {
		v, err := wv.value()
		if err != nil {
			return nil, err
		}
		if v.depth() > maxDepth {
			return nil, invalid("Nesting Levels have exceeded supported limits")
		}
		it[k] = v
	}
	return it, nil
}

func (w *wireValue) kinds() (kinds []Kind) {
	add := func(set bool, k Kind) {
		if set {
			kinds = append(kinds, k)
		}
	}
	add(w.S != nil, KindS)
	add(w.N != nil, KindN)
	add(w.B != nil, KindB)
	add(w.BOOL != nil, KindBool)
	add(w.NULL != nil, KindNull)
	add(w.SS != nil, KindSS)
	add(w.NS != nil, KindNS)
	add(w.BS != nil, KindBS)
	add(w.L != nil, KindL)
	add(w.M != nil, KindM)
	return kinds
}

func (w *wireValue) value() (Value, *Error) {
	kinds := w.kinds()
	switch {
	case len(kinds) == 0:
		return Value{}, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	case len(kinds) > 1:
		return Value{}, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	v := Value{Kind: kinds[0]}
	switch v.Kind {
	case KindS:
		v.Text = *w.S
	case KindN:
		n, err := parseNumber(*w.N)
		if err != nil {
			return Value{}, err
		}
		v.Text = n.String()
	case KindB:
		b, err := decodeBlob(*w.B)
		if err != nil {
			return Value{}, err
		}
		v.Text = b
	case KindBool:
		v.Bool = *w.BOOL
	case KindNull:
		if !*w.NULL {
			return Value{}, invalidParameter("Null attribute value types must have the value of true")
		}
	case KindSS, KindNS, KindBS:
		set, err := w.set(v.Kind)
		if err != nil {
			return Value{}, err
		}
		v.Set = set
	case KindL:
		v.List = make([]Value, len(*w.L))
		for i := range *w.L {
			e, err := (*w.L)[i].value()
			if err != nil {
				return Value{}, err
			}
			v.List[i] = e
		}
	case KindM:
		m := make(Item, len(*w.M))
		for k, wv := range *w.M {
			e, err := wv.value()
			if err != nil {
				return Value{}, err
			}
			m[k] = e
		}
		v.Map = m
	}
	return v, nil
}

func (w *wireValue) set(kind Kind) ([]string, *Error) {
	switch kind {
	case KindSS:
		if len(*w.SS) == 0 {
			return nil, invalidParameter("An string set  may not be empty")
		}
		if hasDuplicates(*w.SS) {
			return nil, invalidParameter("Input collection [%s] contains duplicates.", strings.Join(*w.SS, ", "))
		}
		return slices.Clone(*w.SS), nil
	case KindNS:
		if len(*w.NS) == 0 {
			return nil, invalidParameter("An number set  may not be empty")
		}
		set := make([]string, len(*w.NS))
		for i, s := range *w.NS {
			n, err := parseNumber(s)
			if err != nil {
				return nil, err
			}
			set[i] = n.String()
		}
		if hasDuplicates(set) {
			return nil, invalid("Input collection contains duplicates")
		}
		return set, nil
	}
	if len(*w.BS) == 0 {
		return nil, invalidParameter("Binary sets should not be empty")
	}
	set := make([]string, len(*w.BS))
	for i, s := range *w.BS {
		b, err := decodeBlob(s)
		if err != nil {
			return nil, err
		}
		set[i] = b
	}
	if hasDuplicates(set) {
		return nil, invalidParameter("Input collection [%s]of type BS contains duplicates.", strings.Join(*w.BS, ", "))
	}
	return set, nil
}

func hasDuplicates(s []string) bool {
	seen := make(map[string]bool, len(s))
	for _, m := range s {
		if seen[m] {
			return true
		}
		seen[m] = true
	}
	return false
}

func decodeBlob(s string) (string, *Error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", failure("SerializationException", "only base-64-encoded strings are convertible to bytes")
	}
	return string(b), nil
}
