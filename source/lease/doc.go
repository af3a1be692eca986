// Package lease decides who owns which shard and how far it has come. It keeps the lease table of the Kinesis Client
// Library (KCL) in DynamoDB, attribute for attribute, so that a stopped KCL application is taken over where it stood,
// and can be started again.
//
// # Model
//
// A lease is one row of the table: a shard, its owner, a counter, a checkpoint. Every write is conditional on the
// counter and raises it, so the counter is both lock and heartbeat: of two writers one loses, and a row whose counter
// stands still for a whole lease duration has no living owner. That is judged by watching the counter on one's own
// monotonic clock; no clock of another machine is ever compared.
//
// The owner renews every third of the duration. A checkpoint, the mark that Snowflake offsets exist, the end of the
// shard and the release all ride on that same write, so a lease has one writer and one write in flight. An owner whose
// last successful renewal began nearly a duration ago fences itself: it stops before anyone else may start.
//
// A write whose answer is lost is written again, word for word. Its nonce in the row tells whether it was the first
// one that took effect, so a lost answer is never mistaken for a lost lease.
//
// A shard is read only after its parents are finished. At a shard's end its children's leases are created first, and
// only then does the shard's checkpoint become SHARD_END, so a crash between the two loses nothing.
//
// # Sharing
//
// Every worker looks at the table by itself and comes to the same answer: equal shares, what is left over stays with
// those who have most. Looks are 1.25 s apart at the default duration of 10 s, 5 s for a worker that is alone, and rarer
// above eight workers. Leases that are free or whose counter stood still are taken at once up to one's share, and above
// it after a moment in which the others could have taken theirs. A worker for which nothing is left stands by.
//
// A lease of a living worker is asked for, by KCL 3's request: the asker becomes owner, the holder checkpoint owner, and
// the counter stays. The holder sees it in its next look or renewal, ends its reading, has everything committed, and
// transfers the lease with its last checkpoint; only then does the asker take it. After [HandOverTimeout] the holder
// transfers what it has. An asker that stops takes its requests back; one that dies leaves a lease that expires. A stop
// releases what nobody asked for, and hands over what somebody did.
//
// # Beside KCL
//
// A row's mark ksfWorker tells this program's workers from others: KCL keeps it, so it is stale as soon as a worker of
// KCL owns the row. Workers of KCL 3, which leave their throughput in the row, are asked too, three leases at a time. What
// is free is left to their leader for two of its rounds. Workers of KCL 2, and those that leave a request unanswered for
// 30 s and a duration, hand nothing over: leases are taken from them one at a time, as they take them from each other.
// All owners count, whatever they are.
//
// # Parts
//
// [Store] is the seam to the table, [DynamoDB] its implementation. [Machine] makes every decision; it has no
// goroutine, no clock and no I/O, so a whole fleet can be simulated in one thread. [Coordinator] drives a Machine
// against a Store and hands out a [Held] for each lease that may be read.
//
// # Finished leases
//
// The write of SHARD_END also gives the lease up. KCL keeps renewing such rows until it deletes them; it takes unowned
// ones like any other and then only cleans them up, so leaving them unowned costs no writes here and confuses nobody
// there. Workers of this package never take a finished lease. They delete it once no parent of it has a row and its
// children are finished too, or have begun while the stream no longer lists the shard.
package lease
