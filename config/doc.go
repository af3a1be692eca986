// Package config reads the pipeline file: one stream into one table.
//
// A file is read in four passes, each over positions that the one before kept:
//
//  1. YAML to a syntax tree. Anchors, aliases, merge keys and tags are refused: a pipeline file has no use for them.
//  2. The tree is held against one table of keys (schema.go), which binds each key to a field of [Pipeline]. An unknown key,
//     a key given twice or a section where a value belongs is an error with line and column.
//  3. ${NAME} in a value becomes the variable's value. It happens after parsing, so what a variable holds can never change the
//     shape of the file; the result is then read as the key's type, so numbers and durations work from the environment too.
//  4. Rules that span keys: credentials, region and ARN, the table's default name.
//
// Every error of a file is reported at once, sorted by position, as [Errors]. Error texts quote what the file says, never
// what the environment or a secret's file holds. The same table of keys writes docs/configuration.md, so that the page and
// the program cannot disagree.
package config
