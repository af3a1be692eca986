// Package syntax reads the part of Snowflake's SQL that the stand-in runs by itself: a lexer, an abstract syntax tree and a
// recursive-descent parser.
//
// Identifiers are folded as the service folds them: without quotes to upper case, with quotes kept. What the parser does
// not know it refuses with an [Error]; it never guesses and never panics, whatever it is given.
package syntax
