// Package admin does what an operator does to a pipeline's leases from outside: look at them, put them back to a start, free
// those of dead workers, and make them out of another program's checkpoints.
//
// # Who is alive
//
// As for a worker, the only proof of life is a row that changes while one looks: leases are watched by this machine's own
// monotonic clock, and no time that another machine wrote is believed. A worker seen to write once is alive; one that
// wrote nothing for a lease duration and a margin is dead; in between it is silent, and nothing is said of it.
// The one exception is the import from a program whose leases are made of clock times; see [Admin.Import].
//
// # What writes
//
// [Admin.List] writes nothing. The others plan first ([Admin.PlanReset] and so on), so that the plan can be shown, and then
// do what the plan says, each lease by a conditional write that fails if anybody has written to it since.
//
// # Reset
//
// Where a shard is read from is the later of its lease's checkpoint and its offset in Snowflake, so both must go back. The
// offsets go first, all in one transaction, with a new epoch, so that a worker thought dead can commit no batch of before;
// then the leases, one by one, parents first. Whatever is cut short between any two of these writes leaves each shard either
// where it was or at the new start, for a shard whose offset alone went back still has its checkpoint. So running the same
// command again makes good what is missing.
package admin
