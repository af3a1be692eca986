// Package transform makes a record's bytes into rows.
//
// A [Transformer] takes one record at a time: its payload is decoded, must be one JSON object, and becomes a row whose
// fields are slices of the payload. A record that cannot become a row is not an error of the connector: it yields a
// [row.Failure], which a [FailureLog] writes down and counts, and the stream goes on. Errors are only those of the
// function that takes the rows.
//
// The path of a good record allocates nothing: the row, its fields and the memory of decoded keys are reused, and keys
// are interned by guessing that a key follows the one that it followed before.
package transform
