// Package sink brings rows into one Snowflake table.
//
// A [Batch] collects rows in lanes, one goroutine a lane. A lane writes each row twice: to a spool file, in a form
// from which it can be encoded again, and, as long as the table's plan knows every key, as a line of the load file
// that COPY will read. From the first row on that the plan does not cover, the lane only spools and observes; at the
// end of the batch the table gets the columns that it lacks, and what was not encoded is encoded from the spool.
//
// So the load file is a function of the spool, the plan, and what is to be left out. Whatever goes wrong later is met
// by computing it again: the table changed under us (another plan), a shard was fenced (without its rows), the table
// has some rows already (without those), a row that Snowflake refuses (found by trial, logged, left out).
//
// A [Sink]'s Load uploads the files and commits them together with the shards' offsets (package snowflake).
package sink
