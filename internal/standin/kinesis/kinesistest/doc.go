// Package kinesistest is a conformance suite for anything that claims to be Amazon Kinesis Data Streams.
//
// A Rule is one promise of the service, with its source named in a comment, checked through the real AWS client. Rules
// that need a clock they can move, or limits switched on, say so; a target that cannot offer these is not asked. A
// stand-in that is kinder than the service fails the suite: that is what the suite is for, and its own test shows it
// with the kindnesses that local emulators have been seen to have.
package kinesistest
