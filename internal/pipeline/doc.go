// Package pipeline moves records from the source through the transform into the sink.
//
// # Who does what
//
// Each shard is read by one goroutine of the source, which calls Handle with one answer at a time. Handle transforms
// the answer's records on that goroutine and appends their rows to the open batch; when it returns, the answer's
// buffers are the reader's again. A small number of workers bounds how many answers are in work at once, and each
// worker writes to a lane of its own in the batch, so that lanes need no lock.
//
// What is sealed, loaded, checkpointed, dropped or read again, and when, is decided by a state machine, package
// delivery. Readers and the committer tell it what happened, under one mutex, and do outside of it what takes time:
// readers transform and append, the committer confirms leases, acquires offsets and loads. Checkpoints are handed to the
// leases under the mutex, in the order in which the machine tells of them, after the commit, never before.
//
// At most two batches exist: one open, one being loaded. When the open one is full, Handle blocks, readers stop, and
// memory stays flat: that is all the back-pressure there is.
//
// # What a batch holds
//
// For each shard exactly the records after the shard's previous batch up to and including the part's To: an answer
// enters a batch whole, and a shard's answers enter in order.
//
// # Handing a shard over
//
// When another worker asks for a shard, its reader stops and the source calls Drain: it returns once all that was handled
// is committed and checkpointed, so that the next owner reads nothing twice. Shards that are asked for together share a
// batch. While nothing can be committed Drain ends with its context, and the next owner reads again what was not.
package pipeline
