// Package validate says whether JSON documents keep a JSON Schema, of the drafts 4, 6, 7, 2019-09 and 2020-12. A schema
// that does not name its draft by $schema is of 2020-12.
//
// The verdict is that of github.com/santhosh-tekuri/jsonschema: a document is made into Go values, with exact numbers, and
// given to it. That costs over a hundred allocations a document, so most documents never come that far: what the schema says
// is also compiled into a form that is checked on the document's bytes, in one pass and without allocating. This form knows
// the common keywords, and only ever says "good" or "I cannot tell"; whatever it cannot tell the library decides, which also
// words the failure.
//
// # What is asserted
//
// Formats are, in every draft: the ones that the library knows, an unknown one being no constraint. contentEncoding and
// contentMediaType are not. Patterns are Go's regular expressions, which lack look-around and backreferences; a schema with
// such a pattern is refused. Of duplicate keys the last counts, as it does for the row.
//
// # References
//
// A $ref may lead to a file in the schema file's folder, or below it. Where the schema has an absolute $id, references relative
// to it name files as if the schema file stood there. Nothing is fetched: any other reference is refused, as Compile fails.
//
// # Hostile documents
//
// Numbers with huge exponents or very many digits take the library seconds, or make it panic. It never sees them: in their
// place it gets a number that stands to every number of the schema as they do, and is an integer if they are. Only multipleOf and
// uniqueItems could tell the difference, so under a schema that has one of them such a number is a violation. Numbers of the
// schema itself are bounded to [MaxExponent] and [MaxDigits].
//
// The compiled form bounds its steps by the document's length, and the library's are counted by an extension that stands in every
// schema: a schema that contains itself in alternatives doubles its work on each level of a document. What takes too
// many is a failed message.
//
// The library collects every violation of a document, each with its path. A document with more values, times levels of
// nesting, than [MaxWork] is not given to it: if the compiled form does not find it good, it is a failed message.
package validate
