// Package sts is a stand-in for AWS STS: the two calls that give credentials of a role, in its query protocol. It refuses what
// the service refuses of them (AWS STS API reference, AssumeRole and AssumeRoleWithWebIdentity): a caller or a token that the
// trust policy does not name, an external ID that is missing or another, names and durations out of bounds. It reads who
// signed a request, and does not check the signature.
package sts
