// Package delivery decides when records are loaded, and what that means for their shards. It is a state machine: no
// goroutine, no clock, no I/O. Its driver tells it what happened and when, and does what it answers; so a whole fleet
// can be simulated in one thread.
//
// # Model
//
// A shard is read by one reader. An answer of the service enters the open batch ([Machine.Enter]), its rows are
// appended by the driver, and it leaves ([Machine.Leave]) with its counts. What a batch holds of one shard is a part:
// exactly the records after the shard's previous part up to and including the part's To.
//
// At most two batches exist. The open one is sealed at the interval, the bytes or the rows that the configuration names,
// when a shard's end or a drain waits for it, or when that is asked for; a new one is opened in its place. The sealed one
// is loaded, in steps of which one is under way at a time ([Op]): the leases of shards without a claim are confirmed,
// their offsets acquired, their leases marked, and the parts loaded. Only parts with rows take these steps: a batch
// without rows wakes no warehouse. What is committed is handed to the leases as checkpoints, after the commit.
//
// # What goes wrong
//
// A part of a lost lease is dropped. A part is dropped and its shard read again, from where it is known to stand, if the
// batch's own files are of no use or if the sink's offset is behind what was believed: the parts of the reading until
// then are dead. Since rows of a dead part lie in the open batch, its shard enters no batch before that one is sealed.
// A claim that the sink refuses is given up and acquired anew, after the lease is confirmed. Errors that pass are tried
// again after pauses that double; others end the machine.
//
// # Leaving
//
// A shard that another worker asked for is drained: its reader has stopped, and what it read is to be committed soon.
// The first drain has the open batch sealed at once; those that follow within Gather share one batch. A part without
// rows is settled by itself, as soon as no earlier part is being loaded.
package delivery
