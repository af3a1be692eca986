// Package simulation runs whole fleets of the connector in one thread, on virtual time, and judges every step: is each
// record in the table exactly once, and is each shard in one worker's hands. It is test support; the program does not
// link it.
//
// # The model
//
// A [Simulation] is an event loop over a heap of (time, sequence). A seed draws everything: sizes, paces, faults. So the
// same seed is the same run, which a hash over all events holds.
//
// What decides is the program's own code:
//
//   - source/lease.Machine, which takes, renews, asks for, hands over and finishes leases;
//   - internal/pipeline/delivery.Machine, which decides what is loaded when, and what that means for the shards;
//   - sink/snowflake.Ledger, which acquires offsets, commits batches and finds out what became of them. It is not a state
//     machine but plain code that waits for its session, so it runs as a coroutine: each statement gives the thread back;
//   - the age at which the sweep takes staged files, of package sink.
//
// What these talk to is simulated:
//
//   - DynamoDB (leasetable.go): conditional writes on rows; requests and answers that are throttled, lost, late;
//   - Kinesis (stream.go): shards whose records come at even intervals, one in ten an aggregate of several user records;
//     splits and merges, of a few shards or of many at once; listings, retention; answers that leave the children out;
//   - Snowflake (cloud.go, session.go): the offsets with their lock and its waiters, transactions that outlive the client by
//     five minutes, SYSTEM$ABORT_TRANSACTION and what may follow it (a COMMIT that fails or that succeeds and does nothing,
//     statements that run by themselves), INSERT without a lock and without a unique key, reads that are a moment old,
//     COPY that goes on after its client is gone, the stage;
//   - machines (process.go, faults.go): processes that crash, stop gracefully, join, are paused (both clocks go on) or
//     suspended (the monotonic one stands still); wall clocks that jump by minutes; partitions from one service, outages of
//     one for all. Some stop at the worst moment: with the offsets' lock, or until another works on the same shards.
//
// Records are not objects: a shard's are counted through, a batch holds spans of numbers, and the table knows of each
// shard how far it is full. A span that does not begin just there is a row twice or a row lost.
//
// # The rules
//
// The oracle (oracle*.go) holds at every step: rows are loaded once and in order; no row of a child before all of its parents;
// an offset says exactly what is in the table, is one row a shard, and is moved by its latest acquirer alone; no checkpoint
// beyond the table, or back; no shard finished or its lease deleted before it is all in the table and its children have
// leases; what the ledger says of a batch is what became of it; reading begins where the lease says, at the tip no later than
// when the first lease was made; nobody hands a lease over before what it read is committed; of all workers
// that run, one at most holds a lease (one that did not run has a tenth of the duration to look at its clocks).
// In the end nothing fails any more: then everything must be in the table, every finished shard finished, every open one read,
// shares equal but for one, and it must stay so. Where workers only come, go and die (one seed in eight), a dead
// worker's shards are read again within the duration of a lease and 3 s, and no lease is handed over later than 40 s after
// the last worker or shard came or went.
//
// # What it does not show
//
// Rows have no content: transformation, load files, DDL and rows that Snowflake refuses are not here. Neither are the
// drivers of the machines (goroutines, HTTP, SDKs), KCL workers beside ours (only what a stopped KCL application leaves), fan-out
// (answers come by polling), shards whose retention overtakes the reader, two pipelines with one table, and dropped tables.
//
// # Use
//
//	go test ./internal/simulation                                   some seeds, and each rule broken on purpose
//	make sim SEEDS=10000 FIRST=1                                    many
//	go test ./internal/simulation -run '^TestSimulation$' -v -seed 42 -trace /tmp/trace.txt
//
// One seed in a hundred is a fleet of 50 workers and 1,000 shards.
package simulation
