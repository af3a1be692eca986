package kinesistest

import (
	"errors"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
)

// refused demands an error with one of the exceptions' names.
func refused(t T, err error, codes ...string) {
	t.Helper()
	var api smithy.APIError
	switch {
	case err == nil:
		t.Fatalf("accepted what the service refuses with %s", strings.Join(codes, " or "))
	case !errors.As(err, &api):
		t.Fatalf("error %v is not an exception of the service", err)
	case !slices.Contains(codes, api.ErrorCode()):
		t.Fatalf("refused with %s, want %s", api.ErrorCode(), strings.Join(codes, " or "))
	}
}

const (
	invalidArgument = "InvalidArgumentException"
	validation      = "ValidationException"
	notFound        = "ResourceNotFoundException"
	inUse           = "ResourceInUseException"
	limitExceeded   = "LimitExceededException"
	throughput      = "ProvisionedThroughputExceededException"
	expiredIterator = "ExpiredIteratorException"
	expiredToken    = "ExpiredNextTokenException"
)
