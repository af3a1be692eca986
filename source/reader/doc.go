// Package reader reads one shard of a stream: by polling, or by enhanced fan-out.
//
// [Read] polls. It is one loop on its caller's goroutine: get an iterator, call GetRecords, hand the answer to the handler,
// wait, call again. The answer's bytes are lent to the handler for the time of the call, and so is the room that the
// answer takes in the memory budget; a shard that waits holds neither. [FanOut] is the same loop over events that the
// service sends; what is different stands there.
//
// # Pace
//
// The service allows 5 calls a second and shard, and 2 MiB a second and shard, shared by all polling consumers. The
// next call starts no sooner than 200 ms after the last answer's headers came, nor before the answer's bytes are paid
// for at 2 MiB/s, so the reader is never the one to be throttled. At the tip of the shard it waits a poll interval.
// An empty answer from behind the tip is not at the tip: the service moves the iterator over a stretch without
// records, and says so by MillisBehindLatest, so the reader goes on at 5 calls a second.
//
// # Aggregates
//
// A record of the service may be an aggregate of the Kinesis Producer Library; the expander puts its user records in its place
// before the handler sees it. What is handed over at once has all of an aggregate that is not done. A position that was not
// delivered here may lie inside one, so reading begins at its record, not after it, and what is done is left out. An answer
// that holds very many user records is handed over in parts, so that its table stays small.
//
// # What goes wrong
//
// [Classify] sorts the service's errors. A reader never gives a shard up for one that may pass: the lease is not at
// stake, since its renewal is another goroutine's work. It says what is wrong in one line, at most once a minute for
// all shards together, and says when it is over.
//
// # End of a shard
//
// A closed shard ends with an answer without a next iterator. Its children are reported first, then the answer with
// End set. From then on the handler is called with empty answers, because it may still ask to read again what it
// could not commit, until the reader's context ends.
package reader
