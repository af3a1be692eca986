package lease

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"
)

// failed turns an error of the DynamoDB client into an [*Error]; nil stays nil. The action is the IAM action that the
// call needs.
func (d *DynamoDB) failed(op, action string, err error) error {
	if err == nil {
		return nil
	}
	class, hint := classify(action, d.table, err)
	return &Error{Op: op, Class: class, Hint: hint, Err: err}
}

// Unanswered says what to do about a call that DynamoDB did not answer; "" for an answer, and where the caller gave up.
func Unanswered(err error) string {
	_, answered := errors.AsType[smithy.APIError](err)
	switch {
	case answered, errors.Is(err, context.Canceled):
		return ""
	case strings.Contains(err.Error(), "get credentials: "): // the SDK has no type for it
		return "no AWS credentials were found: set source.access_key_id and source.secret_access_key, or give this process a role, a profile or the environment's"
	default:
		return "see that this machine reaches DynamoDB: source.region, source.dynamodb_endpoint, network, proxy"
	}
}

// classify sorts the errors of DynamoDB. A failed condition is not among them: its caller looks at the row first.
func classify(action, table string, err error) (Class, string) {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		// No answer, or not in time; a cut connection, a name that does not resolve, credentials that cannot be fetched just
		// now. A write may have taken effect.
		return ClassRetry, Unanswered(err)
	}
	switch api.ErrorCode() {
	case "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "LimitExceededException":
		// Refused at the door; DynamoDB writes nothing then. On-demand tables answer so while they scale.
		return ClassThrottled, ""
	case "InternalServerError", "InternalServerErrorException", "ServiceUnavailable", "ServiceUnavailableException", "RequestTimeout":
		// AWS documents that the outcome of a write is unknown.
		return ClassRetry, ""
	case "TransactionConflictException", "ReplicatedWriteConflictException", "ResourceInUseException":
		// Somebody else's write or a change of the table is under way; this one was refused.
		return ClassThrottled, ""
	case "AccessDeniedException", "AccessDenied", "UnauthorizedOperation":
		return ClassPermanent, fmt.Sprintf("grant %s on table/%s", action, table)
	case "KMSAccessDeniedException":
		return ClassPermanent, fmt.Sprintf("grant kms:Decrypt on the key of table/%s", table)
	case "ResourceNotFoundException", "TableNotFoundException":
		// Deleted while in use. To create it anew here would start the stream from the beginning.
		return ClassPermanent, fmt.Sprintf("table %s is gone; restore it from a backup, or start again with source.start: TRIM_HORIZON, which makes it anew", table)
	case "ExpiredTokenException", "ExpiredToken", "RequestExpired", "RequestTimeTooSkewed":
		// Short-lived credentials are being renewed. Refused before anything was written.
		return ClassThrottled, ""
	case "UnrecognizedClientException", "InvalidSignatureException", "InvalidClientTokenId", "MissingAuthenticationTokenException", "IncompleteSignature":
		return ClassPermanent, "check the AWS access key and secret, and the clock of this machine"
	case "ValidationException", "SerializationException", "UnknownOperationException", "ItemCollectionSizeLimitExceededException":
		// The request itself is refused, and it will be the same the next time: an endpoint that is not DynamoDB, or a
		// row that another program grew beyond 400 KB.
		return ClassPermanent, fmt.Sprintf("check that the endpoint is DynamoDB and that table %s is a lease table", table)
	}
	if api.ErrorFault() == smithy.FaultClient {
		// An error of this request that is not known here. Retrying is the cautious answer: leases end by themselves
		// when no renewal succeeds.
		return ClassThrottled, ""
	}
	return ClassRetry, ""
}
