// Package kpl reads the user records inside an aggregate of the Kinesis Producer Library.
//
// # Format
//
// The KPL packs many user records into the data of one Kinesis record, and so do the libraries that imitate it:
//
//	F3 89 9A C2 | AggregatedRecord, a protobuf message | MD5 of that message, 16 bytes
//
//	message AggregatedRecord { repeated string partition_key_table     = 1;
//	                           repeated string explicit_hash_key_table = 2;
//	                           repeated Record records                 = 3; }
//	message Record           { required uint64 partition_key_index     = 1;
//	                           optional uint64 explicit_hash_key_index = 2;
//	                           required bytes  data                    = 3;
//	                           repeated Tag    tags                    = 4; }
//	message Tag              { required string key = 1; optional string value = 2; }
//
// (awslabs/amazon-kinesis-producer, aggregation-format.md and messages.proto.)
//
// # What is an aggregate
//
// Data is an aggregate if all of it holds: the magic, at least one byte of message, the digest and the message's grammar,
// required fields included. Anything else is a plain record, delivered as it is, whatever its first bytes are. Fields that
// the format does not know are passed over and of a field that occurs twice the last one counts, as protobuf has it; a
// field of the format in another wire type than its own makes a plain record. Tags must be well formed and are left out. An
// aggregate inside an aggregate is data like any other.
//
// # What is delivered
//
// Every user record, in order. One whose index points outside of its aggregate's table is delivered with the reason why it
// cannot be read, and the others as if it were sound. So is one with a partition key beyond the service's 256 characters, once
// the keys delivered of its aggregate come to 64 MiB: what a record becomes is bounded. An aggregate of no user records
// delivers nothing. One of more than [MaxRecords] is refused as a whole, since memory is bounded.
//
// Nothing is allocated for a user record: its bytes are slices of the aggregate's own.
package kpl
