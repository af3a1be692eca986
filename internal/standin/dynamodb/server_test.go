package dynamodb_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kinesis-snowflake/internal/standin/dynamodb"
	"kinesis-snowflake/internal/standin/dynamodb/dynamodbtest"
)

// client talks to a stand-in, in process or through the given URL.
func client(rt http.RoundTripper, url string, options ...func(*awsdynamodb.Options)) *awsdynamodb.Client {
	return awsdynamodb.New(awsdynamodb.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(url), HTTPClient: &http.Client{Transport: rt},
		Credentials: credentials.NewStaticCredentialsProvider("AKIDSTANDIN", "<secret>", ""),
	}, options...)
}

func inProcess(s *dynamodb.Server, options ...func(*awsdynamodb.Options)) *awsdynamodb.Client {
	return client(s.RoundTripper(), "http://dynamodb.invalid", options...)
}

func TestConformanceInProcess(t *testing.T) {
	t.Parallel()
	dynamodbtest.Run(t, func(testing.TB) dynamodbtest.Target {
		return dynamodbtest.Target{Client: inProcess(dynamodb.New(dynamodb.Options{})), Can: dynamodbtest.All}
	})
}

func TestConformanceOverSocket(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(dynamodb.New(dynamodb.Options{}).Handler())
	t.Cleanup(srv.Close)
	dynamodbtest.Run(t, func(testing.TB) dynamodbtest.Target {
		return dynamodbtest.Target{Client: client(http.DefaultTransport, srv.URL), Can: dynamodbtest.All}
	})
}
