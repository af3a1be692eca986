// Package row holds the words that source, transform and sink share, so that none of the three imports another.
//
// A stream is a set of shards. A shard is a log of records, ordered by sequence number. A record's payload becomes,
// in transform, zero rows (a failed message), one row, or several; each row is a list of fields: a key, a kind and
// the raw JSON text of the value. A [Position] says how far a shard has come.
//
// Nothing here allocates per record: byte slices are lent, and belong to whoever filled them. A callee that keeps
// bytes after it returns copies them.
package row
