// Package kcl is the Kinesis Client Library beside the connector: what an application of it leaves in DynamoDB, for tests of
// taking it over, and, under the build tag interop, tests with the library for Java itself: its workers run as processes,
// against the stand-ins served on sockets, on the same stream and the same lease table as the connector.
package kcl
