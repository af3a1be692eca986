// Package pipeline moves records from the source through the transform into the sink.
//
// # Who does what
//
// Each shard is read by one goroutine of the source, which calls Handle with one answer at a time. Handle transforms
// the answer's records on that goroutine and appends their rows to the open batch; when it returns, the answer's
// buffers are the reader's again. A small number of workers bounds how many answers are in work at once, and each
// worker writes to a lane of its own in the batch, so that lanes need no lock.
//
// One goroutine, the committer, seals the open batch (at the interval, the bytes or the rows that the file names, at
// a shard's end, or when asked to flush), opens the next one, and loads the sealed one. So at most two batches exist:
// one open, one being loaded. When the open one is full, Handle blocks, readers stop, and memory stays flat: that is
// all the back-pressure there is.
//
// # What a batch holds
//
// For each shard exactly the records after the shard's previous batch up to and including the part's To: an answer
// enters a batch whole, and a shard's answers enter in order. What is committed is handed to the lease as its
// checkpoint, after the commit, never before.
//
// # When something cannot be committed
//
// A shard's part is dropped if its lease is lost. It is dropped and read again from where it is known to stand (a
// rewind) if the batch's own files failed, or if the sink's offset is behind what this worker believes. Since rows
// of a dropped part may still lie in the open batch, the shard enters no batch again until that one is sealed.
package pipeline
