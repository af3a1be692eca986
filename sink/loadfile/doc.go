// Package loadfile keeps a batch on disk until it is committed, in two forms.
//
// A [Spool] holds the batch's rows as they came, in a compact form of its own, so that they can be encoded again:
// under another plan, or without the shards that were lost. A [File] is the compressed file of encoded lines that is
// put on the stage and read by COPY. A [Store] makes both in one folder.
//
// Neither survives its process: a batch that was not committed is read again from the stream. A spool's file has no
// name from its creation on, so that a killed process leaves nothing behind; load files need their name, and
// [Store.Sweep] removes those of a process that died.
package loadfile
