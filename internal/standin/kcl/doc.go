// Package kcl holds the connector's leases against the Kinesis Client Library for Java itself: its workers run as
// processes, against the stand-ins served on sockets, on the same stream and the same lease table as the connector. It has
// nothing but tests, which the build tag interop brings in.
package kcl
