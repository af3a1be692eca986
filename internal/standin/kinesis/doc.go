// Package kinesis is a local Amazon Kinesis Data Streams: the JSON 1.1 protocol over in-memory streams.
//
// A Server is an http.Handler for use over a socket and, by RoundTripper, an http.RoundTripper that starts no
// goroutine, so a client can use it inside a testing/synctest bubble. All time comes from Options.Clock; nothing
// happens in the background. What the service does later (a stream becoming ACTIVE, a reshard, trimming) is worked
// out when the stream is next touched.
//
// A subscription (SubscribeToShard) makes its frames when the connection, or in process the reader of the body, asks
// for the next one; meanwhile it waits for a record or for Options.Alarm. The Go SDK takes it over HTTP/2, with TLS
// and without, and over HTTP/1.1, where a broken connection looks like a subscription's regular end to it.
//
// A stream is a set of shards whose hash ranges tile [0, 2^128-1] while open. A shard is an append-only log of
// records in chunks of bytes with a pointer-free index, so a million records cost their bytes and 32 more each, and
// nothing to the garbage collector. Sequence numbers are not stored but computed from a record's index and arrival;
// they have the service's 56-digit form.
//
// Limits of the service are enforced by default over the wire; SetLimits turns them off. The in-process methods (Put,
// PutMany, Split, Merge...) are for arranging a test: they are bound by no rate, no delay and no hook.
//
// Known to be other than the service: signatures are required but not verified, shards of on-demand
// streams split by themselves only under Options.AutoSplit, and never merge, arrival times never run backwards, and a record reaches subscribers at once where the service takes
// some 70 ms. What the service does with an iterator of a stream that was deleted and created again is not documented;
// here the shard is not found. Nor is it how a subscription ends when its consumer is deregistered; here by
// ResourceNotFoundException, the exception that a careless client takes for the end of the shard.
package kinesis
