// Package snowflake is a stand-in for the Snowflake service, for tests and for the sandbox: it speaks the protocol that the Go
// driver (gosnowflake v2) sends, and it refuses what the service refuses.
//
// A [Server] holds users, a catalogue (databases, schemas, tables, stages), sessions and transactions. Table rows live in an
// [Engine]: [NewMemory] keeps them in Go, another engine may keep them in a database. The server never writes to its engine
// before COMMIT: a transaction is a list of rows to add, replace and remove, seen by its own session only, and handed to
// [Engine.Apply] as a whole. So READ COMMITTED, invisible COPYs and ROLLBACK hold with any engine.
//
// It is reached over a socket ([Server.Handler]) or without one ([Server.RoundTripper]), which makes it usable inside a
// testing/synctest bubble.
//
// What was never seen against a real account is said beside the code that models it.
package snowflake
