package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"kinesis-snowflake/source/reader/wire"
)

const (
	// A connection that sends nothing for so long is given up. Answers come within a second or two.
	readTimeout = 20 * time.Second
	// One connection a call that is under way. The SDK's default of 10 idle ones a host would have a worker of 100
	// shards shake hands anew for most of its calls.
	idleConnections = 256
)

// awsConfig loads region and credentials. It reads files and the environment, and makes no call; credentials that take one are
// fetched with the first request, and again before they expire.
func awsConfig(ctx context.Context, o *Options) (aws.Config, error) {
	// A BuildableClient, and no other, takes the certificates of AWS_CA_BUNDLE.
	client := awshttp.NewBuildableClient().WithReadTimeout(readTimeout).WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 2*idleConnections, idleConnections
		// HTTP/2 would put all shards on one connection: one TLS stream's throughput, and one stall stops them all.
		httpVersions(t, false)
	})
	options := []func(*config.LoadOptions) error{config.WithHTTPClient(client), config.WithLogger(sdkLog(o.Logger))}
	if o.Region != "" {
		options = append(options, config.WithRegion(o.Region))
	}
	if o.AccessKeyID != "" {
		options = append(options, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(o.AccessKeyID, o.SecretAccessKey, o.SessionToken)))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("load AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return aws.Config{}, errors.New("no AWS region: set source.region, or AWS_REGION")
	}
	if o.RoleARN != "" {
		cfg.Credentials = assumeRole(cfg, o)
	}
	return cfg, nil
}

// httpVersions has a transport speak HTTP/1.1, and HTTP/2 where the server does and http2 is set.
//
// The SDK's client clones its transport, and a clone of one that may speak HTTP/2 offers it to the server from then on, also
// when it is told not to speak it. Kinesis takes the offer, so the offer must go too.
func httpVersions(t *http.Transport, http2 bool) {
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.Protocols.SetHTTP2(http2)
	t.ForceAttemptHTTP2 = http2
	t.TLSNextProto = nil
	if t.TLSClientConfig != nil {
		t.TLSClientConfig.NextProtos = nil
	}
}

func doer(cfg aws.Config, transport http.RoundTripper) wire.Doer {
	if transport != nil {
		return wire.SafeBody(&http.Client{Transport: transport})
	}
	return wire.SafeBody(cfg.HTTPClient)
}

func kinesisClient(cfg aws.Config, o *Options, more ...func(*kinesis.Options)) *kinesis.Client {
	return kinesis.NewFromConfig(cfg, append([]func(*kinesis.Options){wire.Use, func(k *kinesis.Options) {
		k.HTTPClient = doer(cfg, o.KinesisTransport)
		// The readers pace and repeat their calls themselves; a retry of the SDK's would be one of the 5 calls a second.
		k.Retryer = aws.NopRetryer{}
		if o.KinesisEndpoint != "" {
			k.BaseEndpoint = aws.String(o.KinesisEndpoint)
		}
	}}, more...)...)
}

func dynamoClient(cfg aws.Config, o *Options) *dynamodb.Client {
	return dynamodb.NewFromConfig(cfg, func(d *dynamodb.Options) {
		d.HTTPClient = doer(cfg, o.DynamoDBTransport)
		// The region's host, whatever account the credentials are of: allow-lists and network rules know that one.
		d.AccountIDEndpointMode = aws.AccountIDEndpointModeDisabled
		if o.DynamoDBEndpoint != "" {
			d.BaseEndpoint = aws.String(o.DynamoDBEndpoint)
		}
	})
}
