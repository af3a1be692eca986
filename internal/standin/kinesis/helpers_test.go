package kinesis_test

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"kinesis-snowflake/internal/standin/kinesis"
)

var credentialsForTest = credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")

func clientOf(s *kinesis.Server) *http.Client { return &http.Client{Transport: s.RoundTripper()} }
