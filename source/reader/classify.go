package reader

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"
)

// Class sorts the errors of Kinesis by what the caller does next.
type Class uint8

const (
	// ClassRetry: the call may succeed if made again; nothing needs doing.
	ClassRetry Class = iota
	// ClassThrottled: the same, but later.
	ClassThrottled
	// ClassKey: the stream's KMS key refuses. Somebody must act, and then reading goes on by itself.
	ClassKey
	// ClassExpired: the shard iterator is over five minutes old; get another.
	ClassExpired
	// ClassInvalid: an argument is wrong. Of GetRecords that is the iterator, so get another; of GetShardIterator it is
	// the position, which no retry cures.
	ClassInvalid
	// ClassNotFound: stream or shard do not exist.
	ClassNotFound
	// ClassInUse: somebody else has it, or it is not ready; the same call may succeed some seconds later.
	ClassInUse
	// ClassPermanent: making the call again does not help.
	ClassPermanent
)

func (c Class) String() string {
	return [...]string{"retry", "throttled", "key", "expired iterator", "invalid argument", "not found", "in use", "permanent"}[c]
}

// Classify sorts an error of a Kinesis call. nil is not an error.
func Classify(err error) Class {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		// No answer of the service: connection refused or cut, a timeout, an answer that broke off, credentials that
		// could not be fetched just now.
		return ClassRetry
	}
	switch api.ErrorCode() {
	case "ProvisionedThroughputExceededException", // 2 MiB/s or 5 calls/s are used up, perhaps by other consumers
		"LimitExceededException",    // too many calls a second of an account
		"KMSThrottlingException",    // KMS's own request rate
		"ThrottlingException",       // generic to AWS APIs
		"Throttling",                // the same, older spelling
		"RequestLimitExceeded",      // the same
		"TooManyRequestsException",  // the same
		"RequestThrottledException": // the same
		return ClassThrottled
	case "ExpiredIteratorException": // over 5 minutes between two calls: the handler was slow, or the machine asleep
		return ClassExpired
	case "InvalidArgumentException", // a sequence number that is not of this stream, an iterator of another one
		"ValidationException":
		return ClassInvalid
	case "ResourceNotFoundException": // the stream was deleted, or the shard is older than the retention period
		return ClassNotFound
	case "ResourceInUseException": // the shard's subscription is another reader's; stream or consumer are being made or deleted
		return ClassInUse
	case "KMSAccessDeniedException", // no kms:Decrypt
		"KMSDisabledException",     // the key is disabled; its owner can enable it
		"KMSInvalidStateException", // pending deletion, or import; can be undone
		"KMSNotFoundException",     // key or alias deleted; an alias can be made again
		"KMSOptInRequired":         // the account is not signed up for KMS
		return ClassKey
	case "AccessDeniedException", // the IAM policy lacks the action
		"UnrecognizedClientException",   // unknown access key
		"InvalidClientTokenId",          // the same
		"InvalidSignatureException",     // wrong secret key
		"SignatureDoesNotMatch",         // the same
		"IncompleteSignature",           // the same
		"MissingAuthenticationToken",    // no credentials
		"ExpiredTokenException",         // session token of static credentials; role credentials are renewed before they expire
		"ExpiredToken",                  // the same
		"OptInRequired",                 // the account is not signed up for Kinesis
		"UnknownOperationException",     // the endpoint is not Kinesis
		"UnsupportedOperationException": // it is, but has no such operation
		return ClassPermanent
	default:
		// InternalFailure, ServiceUnavailable, a wrong clock (the SDK corrects it by the answer's Date), and whatever
		// the service may add: going on, and saying so, is right where it passes and harmless where it does not.
		return ClassRetry
	}
}

// Error is an error of Kinesis with what to do about it.
type Error struct {
	Op   string // what was tried, verb first: "get records of shard shardId-000000000000"
	Hint string // what the operator does about it, or ""
	Err  error
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("%s: %v; %s", e.Op, e.Err, e.Hint)
}

func (e *Error) Unwrap() error { return e.Err }

// forFanOut are the actions that are needed together, or not at all.
var forFanOut = map[string]bool{"RegisterStreamConsumer": true, "DescribeStreamConsumer": true, "SubscribeToShard": true}

// Explain wraps an error of the API operation action ("GetRecords") on a stream with its remedy.
func Explain(op, action, stream string, err error) error {
	e := &Error{Op: op, Err: err}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		switch {
		case errors.Is(err, context.Canceled):
		case strings.Contains(err.Error(), "get credentials: "): // the SDK has no type for it
			e.Hint = "no AWS credentials were found: set source.access_key_id and source.secret_access_key, or give this process a role, a profile or the environment's"
		default:
			e.Hint = "see that this machine reaches Kinesis: source.region, source.kinesis_endpoint, network, proxy"
		}
		return e
	}
	// The SDK's own text repeats operation, retries and request id around the service's words.
	e.Err = &answer{api, err}
	switch code := api.ErrorCode(); {
	case code == "AccessDeniedException" && forFanOut[action]:
		e.Hint = fmt.Sprintf("allow the IAM actions kinesis:RegisterStreamConsumer, kinesis:DescribeStreamConsumer and kinesis:SubscribeToShard on stream %s and on its consumers (its ARN and /consumer/*), or set source.consumer: polling", stream)
	case code == "AccessDeniedException":
		e.Hint = fmt.Sprintf("allow the IAM action kinesis:%s on stream %s", action, stream)
	case code == "ExpiredTokenException" || code == "ExpiredToken":
		e.Hint = "give a fresh session token, or leave static credentials out to use a role"
	case code == "OptInRequired":
		e.Hint = "sign the AWS account up for Kinesis"
	case code == "UnknownOperationException" || code == "UnsupportedOperationException":
		e.Hint = "check kinesis_endpoint"
	case Classify(err) == ClassKey:
		e.Hint = "allow kms:Decrypt on the stream's KMS key and see that the key is enabled; reading goes on by itself then"
	case Classify(err) == ClassPermanent:
		e.Hint = "check access key and secret key"
	case Classify(err) == ClassNotFound:
		e.Hint = fmt.Sprintf("check the name of stream %s, region and account", stream)
	}
	return e
}

// answer shows an error of the service in its own words, and unwraps to the SDK's error.
type answer struct {
	api smithy.APIError
	err error
}

func (a *answer) Error() string {
	if m := strings.TrimSuffix(a.api.ErrorMessage(), "."); m != "" { // what to do follows
		return a.api.ErrorCode() + ": " + m
	}
	return a.api.ErrorCode()
}

func (a *answer) Unwrap() error { return a.err }
