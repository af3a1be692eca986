// Package decode finds the JSON documents of a record: it undoes compression, takes the documents out of their frame,
// and opens the envelope around them. As a rule a record is one document as it is, and then this package costs nothing.
//
// # Compression
//
// gzip (of several members) and zstd (of several frames, skippable ones too). Auto knows both by their first bytes, with
// which no JSON begins, and takes anything else as it is. One layer is undone; with an envelope, which has a compression of
// its own, two. A byte order mark at the very beginning of the text is dropped in any case.
//
// A record of a few bytes can unpack to gigabytes. No layer may become larger than MaxDecoded, nor than [MaxRatio] times
// the record (but always [AlwaysDecoded]); a record that does is a failed message, and has cost no more memory and work
// than one that comes up to the limit.
//
// # Framing
//
// Single takes the text for one document. Lines takes each line that is not blank for one; a line of several objects with
// nothing or a single space in between is taken apart too, as some producers leave out the line's end. Array takes the elements of
// one JSON array. Auto takes a text that begins with a bracket for an array, one object, however it is laid out, for a
// single document, and several objects, one a line or laid out over many, for that many.
//
// A document is found by brackets and quotes alone, before anybody checks it: so a bad document fails alone, as long as
// it can be told where it ends. Lines always can. Where an array is broken in a way that hides the ends of its elements,
// the rest of it is one failed document. A record holds at most [MaxDocuments]; what comes after is one failed document.
//
// # Envelope
//
// CloudWatchLogs is what a subscription filter of CloudWatch Logs sends: log events in a gzip-compressed JSON object. Each log
// event is a document. A message that is itself a JSON object is that object; any other is {"message": MESSAGE}. In both
// cases the member [CloudWatchKey] is appended: an object of what else is known of the event, that is id and timestamp
// and any extracted fields, then owner, logGroup, logStream and subscriptionFilters. A message that has a member of this
// name keeps it, in front, as a duplicate key. Control messages, by which the service tests whether it can send, hold
// no log event: they are dropped and counted. As each document repeats what the envelope says, all of a record have at most
// [MaxMade] bytes together; what comes after is one failed document.
package decode
