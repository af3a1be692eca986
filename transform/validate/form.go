package validate

import (
	"regexp"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// verdict is what the compiled form says of a value.
type verdict uint8

const (
	unknown verdict = iota // the library has to decide
	good
	bad
)

// and is the verdict where both must hold.
func (v verdict) and(w verdict) verdict {
	switch {
	case v == bad || w == bad:
		return bad
	case v == good && w == good:
		return good
	}
	return unknown
}

// form is a schema compiled for [evaluator]. It is made of the library's schema, in which references are resolved and the
// differences between the drafts are settled. What it has no words for makes its verdict unknown, but never wrong.
type form struct {
	root  *node
	slots int // of all rules for objects: one for the start of each, and one for each property
}

// node is one schema.
type node struct {
	always verdict // of a schema that is true or false; else unknown
	opaque typeSet // values of these types cannot be judged
	types  typeSet
	values []*values

	all   []*node // $ref and allOf
	anyOf []*node
	oneOf []*node
	not   *node
	cond  *node // if; then and otherwise are nil for anything
	then  *node
	other *node

	object *objectRules // nil: no rules
	array  *arrayRules
	text   *textRules
	number *numberRules
}

type objectRules struct {
	properties []property
	index      map[string]int
	slot       int
	required   uint64 // bits by property
	patterns   []patternRule
	additional *node // nil: anything
	names      *node
	min, max   int // -1: none
}

type property struct {
	name     string
	node     *node
	declared bool // by properties; else only required
}

type patternRule struct {
	pattern *regexp.Regexp
	node    *node
}

type arrayRules struct {
	prefix                   []*node
	rest                     *node // nil: anything
	closed                   bool  // nothing may stand after the prefix
	unique                   bool
	min, max                 int // -1: none
	contains                 *node
	minContains, maxContains int // -1: none
}

type textRules struct {
	min, max int // characters; -1: none
	pattern  *matcher
	format   func(text []byte) verdict
}

type numberRules struct {
	min, max         *number // nil: none
	minOpen, maxOpen *number // exclusive
	multipleOf       *number
}

// values is an enum or a const.
type values struct {
	null, yes, no bool
	texts         map[string]struct{}
	numbers       []number
	opaque        typeSet // of types with values that are not compared here
}

type compiler struct {
	nodes map[*jsonschema.Schema]*node
	slots int
}

func compileForm(s *jsonschema.Schema) *form {
	c := &compiler{nodes: map[*jsonschema.Schema]*node{}}
	root := c.node(s)
	return &form{root: root, slots: c.slots}
}

// node compiles a schema, nil for nil.
func (c *compiler) node(s *jsonschema.Schema) *node {
	if s == nil {
		return nil
	}
	if n, ok := c.nodes[s]; ok {
		return n
	}
	n := &node{types: allTypes}
	c.nodes[s] = n
	if s.Always != nil {
		n.always = bad
		if *s.Always {
			n.always = good
		}
		return n
	}
	if s.RecursiveRef != nil || s.DynamicRef != nil {
		n.opaque = allTypes
	}
	if len(s.Types) > 0 {
		n.types = 0
		for _, name := range s.Types {
			n.types |= typesByName[name]
		}
	}
	for _, list := range [][]any{s.Enum, s.Constant} {
		if len(list) > 0 {
			n.values = append(n.values, newValues(list))
		}
	}
	n.all = c.list(s.AllOf)
	if ref := c.node(s.Ref); ref != nil {
		n.all = append(n.all, ref)
	}
	n.anyOf, n.oneOf = c.list(s.AnyOf), c.list(s.OneOf)
	n.not, n.cond, n.then, n.other = c.node(s.Not), c.node(s.If), c.node(s.Then), c.node(s.Else)
	c.object(n, s)
	c.array(n, s)
	n.text = newTextRules(s)
	n.number = newNumberRules(n, s)
	return n
}

func (c *compiler) list(list []*jsonschema.Schema) (nodes []*node) {
	for _, s := range list {
		nodes = append(nodes, c.node(s))
	}
	return nodes
}

// maxRequired is the number of required properties that the bits of a word can keep.
const maxRequired = 64

func (c *compiler) object(n *node, s *jsonschema.Schema) {
	if s.UnevaluatedProperties != nil || len(s.Dependencies)+len(s.DependentRequired)+len(s.DependentSchemas) > 0 || s.RegexProperties {
		n.opaque |= objectType
		return
	}
	if s.Properties == nil && s.Required == nil && s.PatternProperties == nil && s.AdditionalProperties == nil && s.PropertyNames == nil &&
		s.MinProperties < 0 && s.MaxProperties < 0 {
		return
	}
	required := s.Required
	for len(required) > maxRequired { // the rest is another schema for the same object
		rest := len(required) - maxRequired
		more := newObjectRules(required[rest:])
		c.place(more)
		n.all = append(n.all, &node{types: allTypes, object: more})
		required = required[:rest]
	}
	// Required ones come first, so that their places are below maxRequired.
	o := newObjectRules(required)
	o.min, o.max = s.MinProperties, s.MaxProperties
	n.object = o
	for name := range s.Properties {
		if _, ok := o.index[name]; !ok {
			o.index[name] = len(o.properties)
			o.properties = append(o.properties, property{name: name})
		}
	}
	c.place(o)
	for name, p := range s.Properties {
		i := o.index[name]
		o.properties[i].declared = true
		o.properties[i].node = c.node(p)
	}
	for pattern, p := range s.PatternProperties {
		o.patterns = append(o.patterns, patternRule{pattern, c.node(p)})
	}
	switch a := s.AdditionalProperties.(type) {
	case bool:
		if !a {
			o.additional = &node{always: bad}
		}
	case *jsonschema.Schema:
		o.additional = c.node(a)
	}
	o.names = c.node(s.PropertyNames)
}

// newObjectRules returns rules by which up to maxRequired properties are required.
func newObjectRules(required []string) *objectRules {
	o := &objectRules{index: map[string]int{}, min: -1, max: -1}
	for _, name := range required {
		if _, ok := o.index[name]; !ok {
			o.required |= 1 << len(o.properties)
			o.index[name] = len(o.properties)
			o.properties = append(o.properties, property{name: name})
		}
	}
	return o
}

// place gives rules, whose properties are all there, their slots.
func (c *compiler) place(o *objectRules) {
	o.slot = c.slots
	c.slots += 1 + len(o.properties)
}

func (c *compiler) array(n *node, s *jsonschema.Schema) {
	if s.UnevaluatedItems != nil {
		n.opaque |= arrayType
		return
	}
	a := &arrayRules{unique: s.UniqueItems, min: s.MinItems, max: s.MaxItems, contains: c.node(s.Contains), minContains: s.MinContains, maxContains: s.MaxContains}
	switch items := s.Items.(type) {
	case *jsonschema.Schema:
		a.rest = c.node(items)
	case []*jsonschema.Schema:
		a.prefix = c.list(items)
		switch more := s.AdditionalItems.(type) {
		case bool:
			a.closed = !more
		case *jsonschema.Schema:
			a.rest = c.node(more)
		}
	}
	if s.PrefixItems != nil || s.Items2020 != nil {
		if s.Items != nil { // no draft has both
			n.opaque |= arrayType
			return
		}
		a.prefix, a.rest = c.list(s.PrefixItems), c.node(s.Items2020)
	}
	if a.rest != nil || a.prefix != nil || a.unique || a.min >= 0 || a.max >= 0 || a.contains != nil {
		n.array = a
	}
}
