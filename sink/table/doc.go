// Package table decides what a row becomes in a Snowflake table: which column a key belongs to, of which type, and by
// which text each value travels. It is pure: no files, no connection.
//
// A key's column name is a pure function of the key ([ColumnName]), so that workers and restarts agree. An
// [Observation] collects the kinds of the values seen; [Plan.Extend] turns it into columns to add; after the DDL, a
// new [Plan] is made from what DESC TABLE reports, never from what was asked for, since another worker, or a user, may
// have been first. A plan is immutable. [AppendRow] encodes a row under a plan as one line of a load file, and
// [CopyStatement] is the COPY that reads such lines: both take their order from the plan.
//
// The one promise is that a COPY cast never rounds and never fails. A value is put into a column only when it was
// proven to fit; every other value goes to the VARIANT column _RESCUED as {name: value}, and the rest of its row loads.
// Snowflake reads a JSON number with fraction or exponent as a double, and a general JSON parser may read every number
// so; therefore any number that has over 15 significant digits or an exponent travels as a string and is cast.
//
// # What fits what
//
//   - NUMBER(p,s): numbers that are exact at that precision and scale, also when written 1.0 or 1e3, and strings that
//     are plain decimals without superfluous leading zeros ("0", not "007"; at most s fraction digits).
//   - FLOAT: numbers whose double prints, at its shortest, as the same number, and strings that are such a number in
//     plain decimals.
//   - BOOLEAN: true, false, and the strings "true" and "false".
//   - VARCHAR(n): strings of at most n characters; numbers and booleans as their JSON text, digit for digit.
//   - VARIANT: everything; OBJECT and ARRAY: their own kind only.
//   - DATE, TIME, TIMESTAMP_*: strings in ISO 8601 that lose nothing. A TIMESTAMP_NTZ and a TIME take a text without zone, or
//     with Z, which is then its UTC wall clock; TIMESTAMP_LTZ and TIMESTAMP_TZ need a zone.
//   - BINARY: strings of upper-case hexadecimal pairs.
//   - any other type: nothing; its column is left out of the COPY.
//
// Minus zero is zero in NUMBER and FLOAT. A JSON null stores nothing, and never hides a value: of {"a":1,"A":null} the
// column A is 1. Names that occur twice inside one nested object are left to Snowflake, which keeps the last.
//
// # The rescue column
//
// _RESCUED is an object. A value that does not fit its column stands under the column's name; a value without a
// column, or beaten by a later one for the same column, under its key. A name that would occur twice gets the
// suffix #2, #3 and so on, in the order of writing. Text that no Snowflake string can hold (\u0000, an unpaired
// surrogate) stands as the value's raw JSON text, in a string. A number that a JSON parser might change stands as a
// string of its JSON text.
package table
