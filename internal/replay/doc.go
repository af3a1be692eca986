// Package replay loads failed messages again: those that the connector wrote to its log because they could not become rows,
// and that can now, since the transform was mended.
//
// A line of the log names its record by shard, sequence and subsequence, so the record is read from the stream once more
// and taken through today's transform. Each row of it that the table does not hold is loaded, exactly once, for these reasons:
//
// No worker loads what a replay loads. A replay takes only what lies at or before its shard's offset. A worker loads what
// comes after the offset only, and the offset fences it. Where the last messages of a shard all failed, no row moved
// the offset, and only the lease says that they are done; there the replay first moves the offset to the lease's checkpoint.
// Of a closed shard whose lease was cleaned up, the finished leases of its children say so.
//
// No other replay does. A replay has offsets of its own (snowflake.ReplayStream) and moves them in the transaction that loads
// its rows. It acquires them before it looks which rows the table holds, so whoever loads between that look and its
// COMMIT has acquired them later, and its COMMIT fails.
//
// No replay before did. Rows that the table holds, by stream, shard, sequence, subsequence and row, are left out. A replay
// that was killed anywhere is run again. Where the numbers of rows may mean others today than when some were loaded, nothing of
// the message is loaded.
package replay
