// Package dynamodb is an Amazon DynamoDB that runs inside the process: an
// http.Handler that speaks the AWS JSON 1.0 protocol, for tests and for the
// sandbox. It keeps everything in memory and uses the standard library only.
//
// The model. A Server holds tables; a table holds rows in the order of a hash
// of their partition key and then of their sort key, as the service's
// partitions do, so that nobody leans on the order of insertion. Every
// operation decodes its request, validates it, and then reads or changes rows
// under one lock: a conditional write is atomic, and a transaction is too.
// Stored values are never changed in place; a write replaces the whole item,
// which is why a snapshot is a shallow copy.
//
// Expressions go through a lexer, a parser and an evaluator (lex.go,
// parsecondition.go, condition.go, parseupdate.go, update.go). The older
// parameters (Expected, AttributeUpdates, KeyConditions, ScanFilter) are
// translated into the same trees (legacy.go).
//
// It refuses what the service refuses: reserved words, unused placeholders,
// empty sets, items over 400 KB, numbers over 38 digits, overlapping paths. A
// message text is the service's where it is publicly known.
//
// Time stands still unless the clock moves: states such as CREATING and ACTIVE
// are computed from the clock when they are asked for, so there is no timer and
// no goroutine, and the whole works inside a testing/synctest bubble.
//
// Faults come from hooks that the caller installs (hooks.go): they may delay an
// operation, answer with an error, or cut the connection before or after the
// operation has been applied.
//
// Known gaps: no streams, no local secondary indexes, no PartiQL, no
// TransactGetItems; provisioned throughput is described but never exhausted
// (use a hook); a time to live is remembered but nothing expires; request
// signatures must be present but are not verified.
package dynamodb
