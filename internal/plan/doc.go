// Package plan says what a pipeline would do with a sample of its records, and does nothing of it.
//
// The sample comes from every shard of the stream, some of it from the start and some from near the tip, or from a file. It
// goes through the pipeline's own transform, and the rows are fitted to a table as the sink would fit them, DDL and all, as if
// they were one batch. What that shows is put into a [Report]: columns, rows, failed messages, values without a place.
//
// A type conflict is a column whose type hangs on which records come first, or that leaves values without a place. For each
// one a change of the pipeline file is looked for, tried on the sample, and shown if it helps.
//
// Nothing is written: there is no lease and no checkpoint, GetRecords leaves no trace, and of Snowflake a DESC TABLE is all
// that is asked, which wakes no warehouse.
package plan
