// Package wire makes GetRecords and SubscribeToShard cheap. It replaces one thing of the AWS SDK: how the body of a
// successful answer to those two is decoded. Signing, endpoints, retries, errors and all other operations stay the SDK's.
//
// The SDK copies a body of up to 13.6 MB three times and allocates about eleven objects a record. Here the body is
// read once into a buffer that is lent, and decoded in place: base64 over itself, escapes over themselves, and the
// fields of a [row.Record] are slices of the buffer. Nothing is allocated per record.
//
// A [Subscription] does the same with the frames of an event stream, and with no goroutine of its own.
//
// An [Answer] owns that memory. Its bytes are valid until [Answer.Release], after which they belong to the next
// caller, so whoever keeps a byte copies it.
//
// The decoder is stricter than the SDK's: an empty body, a body without Records and a record without a sequence
// number are errors. The SDK takes the first two for "no records and no next iterator", which is how the service says
// that a shard has ended, so a cut or foreign answer would end a shard.
package wire
