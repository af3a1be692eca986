// Package jsonscan checks that a record is one JSON object and finds its top-level members, in one pass and without
// allocating.
//
// The check is complete and strict: RFC 8259, valid UTF-8 throughout, no byte order mark, nothing after the object,
// at most [MaxDepth] levels of nesting. What passes here may be copied byte by byte into a file that another JSON
// parser reads. Each member comes as a [row.Field]: the key with its escapes decoded, the kind, the raw text of the
// value, and flags that say what the text holds, so that no later stage has to look again.
//
// Values are not decoded and duplicate keys are not resolved: both are the business of whoever knows the columns.
//
// A text is read eight bytes at a time within strings, where most bytes of a record are. The scanner keeps no stack but
// one bit a level, and does not recurse, so that no record can exhaust memory by its shape.
package jsonscan
