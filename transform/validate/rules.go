package validate

import (
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

func newTextRules(s *jsonschema.Schema) *textRules {
	r := &textRules{min: s.MinLength, max: s.MaxLength, format: newFormat(s.Format)}
	if s.Pattern != nil {
		r.pattern = newMatcher(s.Pattern)
	}
	if r.min < 0 && r.max < 0 && r.pattern == nil && r.format == nil {
		return nil
	}
	return r
}

func newNumberRules(n *node, s *jsonschema.Schema) *numberRules {
	r := &numberRules{}
	any, all := false, true
	set := func(dst **number, bound *number, present bool) {
		any = any || present
		all = all && (!present || bound != nil)
		*dst = bound
	}
	set(&r.min, numberOf(s.Minimum), s.Minimum != nil)
	set(&r.max, numberOf(s.Maximum), s.Maximum != nil)
	set(&r.minOpen, numberOf(s.ExclusiveMinimum), s.ExclusiveMinimum != nil)
	set(&r.maxOpen, numberOf(s.ExclusiveMaximum), s.ExclusiveMaximum != nil)
	set(&r.multipleOf, numberOf(s.MultipleOf), s.MultipleOf != nil)
	if !all {
		n.opaque |= integerType | fractionType
	}
	if !any {
		return nil
	}
	return r
}

func newValues(list []any) *values {
	v := &values{texts: map[string]struct{}{}}
	for _, item := range list {
		switch item := item.(type) {
		case nil:
			v.null = true
		case bool:
			v.yes, v.no = v.yes || item, v.no || !item
		case string:
			v.texts[item] = struct{}{}
		case map[string]any:
			v.opaque |= objectType
		case []any:
			v.opaque |= arrayType
		case interface{ String() string }:
			if num, ok := parseNumber([]byte(item.String())); ok {
				v.numbers = append(v.numbers, num)
			} else {
				v.opaque |= integerType | fractionType
			}
		}
	}
	v.numbers = slices.Clip(v.numbers)
	return v
}
