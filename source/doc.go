// Package source reads a Kinesis data stream, shard by shard, together with other workers.
//
// # Model
//
// A [Source] is one worker of an application. Which shards it reads is decided by leases (package lease): rows of a
// DynamoDB table in the format of the Kinesis Client Library. For each lease that it holds, and whose parent shards
// are finished, one goroutine opens a [ShardConsumer] and feeds it the shard's answers (package reader), one at a
// time. A consumer that is not ready to take an answer simply does not return: that is the back-pressure.
//
// What was handed over is not done. The consumer commits rows on its own time, on any goroutine, and tells the
// [Shard] which position is committed; only that is written to the lease. A shard's end is told the same way, by
// [Shard.Finish], after which the shard's children may be read, by this worker or another.
//
// # Hand-over
//
// Workers share the shards evenly. When another worker asks for one, its reading is stopped, [ShardConsumer.Drain] has
// everything committed that was handled, the consumer is closed, and only then does the lease go over with the last
// checkpoint: nothing is read twice. A consumer has 30 s for that.
//
// # Order of the end
//
// [Source.Drain] ends the reading: no Handle runs after it. The leases stay held, so that what is in flight can still
// be committed and checkpointed. Then the context of [Source.Run] is cancelled: pending checkpoints are written, the
// leases are given up for others to take at once, or to those who asked for them, and Run returns.
package source
