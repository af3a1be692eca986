package source

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

const (
	// A role's session of the least length that every role allows.
	roleSession = time.Hour
	// Renewed so long before its end: no request may reach AWS with credentials that ended on its way, and STS may be out of
	// reach for a while.
	roleRenewal = 5 * time.Minute
)

// assumeRole gives the credentials of o.RoleARN, which those of cfg assume, renewed before they expire. It makes no call by
// itself. STS is asked in the region of the stream; AWS_ENDPOINT_URL_STS names another place.
func assumeRole(cfg aws.Config, o *Options) aws.CredentialsProvider {
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), o.RoleARN, func(a *stscreds.AssumeRoleOptions) {
		a.RoleSessionName = sessionName(o.WorkerID)
		a.Duration = roleSession
		if o.ExternalID != "" {
			a.ExternalID = aws.String(o.ExternalID)
		}
	})
	return aws.NewCredentialsCache(roleProvider{provider, o.RoleARN}, func(c *aws.CredentialsCacheOptions) {
		c.ExpiryWindow = roleRenewal
		c.ExpiryWindowJitterFrac = 0.2 // so that the workers of a deployment do not ask all at once
	})
}

var notInSessionName = regexp.MustCompile(`[^a-zA-Z0-9_=,.@-]`)

// sessionName is how CloudTrail and the ARN of the caller name this worker: at most 64 characters of STS's own set. The end of
// a worker's name tells it from the others, so that is kept.
func sessionName(worker string) string {
	const prefix, most = "kinesis-snowflake-", 64
	name := notInSessionName.ReplaceAllString(worker, "-")
	return prefix + name[max(0, len(name)-(most-len(prefix))):]
}

// roleProvider puts the remedy beside what STS says.
type roleProvider struct {
	provider *stscreds.AssumeRoleProvider
	role     string
}

func (p roleProvider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := p.provider.Retrieve(ctx)
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return c, &roleError{APIError: api, role: p.role, err: err}
	}
	return c, err
}

// roleError is an answer of STS to AssumeRole. It stands in for the answer of Kinesis or DynamoDB wherever that is looked for,
// with codes of its own: what a denial by those two asks for is of no help here.
type roleError struct {
	smithy.APIError
	role string
	err  error
}

func (e *roleError) Error() string {
	return fmt.Sprintf("assume %s: %s: %s", e.role, e.APIError.ErrorCode(), e.ErrorMessage())
}

func (e *roleError) ErrorCode() string { return "AssumeRole" + e.APIError.ErrorCode() }

func (e *roleError) ErrorMessage() string {
	if e.APIError.ErrorCode() != "AccessDenied" {
		return e.APIError.ErrorMessage()
	}
	return e.APIError.ErrorMessage() + "; allow sts:AssumeRole on source.role_arn, and let the role's trust policy name this identity and, if any, source.external_id"
}

func (e *roleError) Unwrap() error { return e.err }
