package produce

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/source/reader/wire"
)

// Remote puts through the AWS SDK.
type Remote struct{ Client *sdk.Client }

// Dial makes a Remote for an address, host:port or a URL.
func Dial(address, region, accessKey, secretKey string) Remote {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	return Remote{sdk.New(sdk.Options{
		Region: region, BaseEndpoint: &address,
		// Without it an answer is now and then lost, and PutRecords, which the SDK repeats, puts its records twice.
		HTTPClient:  wire.SafeBody(awshttp.NewBuildableClient()),
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
	})}
}

// Ensure makes the stream with so many shards unless it exists, and waits until it is ACTIVE.
func (r Remote) Ensure(ctx context.Context, stream string, shards int32) error {
	_, err := r.Client.CreateStream(ctx, &sdk.CreateStreamInput{StreamName: &stream, ShardCount: &shards})
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("create stream %s: %w", stream, err)
	}
	return r.WaitActive(ctx, stream)
}

// WaitActive waits until nothing is being done to the stream, at most 30 s.
func (r Remote) WaitActive(ctx context.Context, stream string) error {
	waiter := sdk.NewStreamExistsWaiter(r.Client, func(o *sdk.StreamExistsWaiterOptions) { o.MinDelay, o.MaxDelay = 100*time.Millisecond, time.Second })
	if err := waiter.Wait(ctx, &sdk.DescribeStreamInput{StreamName: &stream}, 30*time.Second); err != nil {
		return fmt.Errorf("wait for stream %s: %w", stream, err)
	}
	return nil
}

// retries bounds how often a refused record is put again: with pauses of up to a second, about a minute.
const retries = 60

// Put implements [Putter].
func (r Remote) Put(ctx context.Context, stream string, records []Record) error {
	entries := make([]types.PutRecordsRequestEntry, len(records))
	for i, rec := range records {
		entries[i] = types.PutRecordsRequestEntry{PartitionKey: aws.String(rec.PartitionKey), Data: rec.Data}
		if rec.ExplicitHashKey != "" {
			entries[i].ExplicitHashKey = aws.String(rec.ExplicitHashKey)
		}
	}
	for attempt := 0; ; attempt++ {
		out, err := r.Client.PutRecords(ctx, &sdk.PutRecordsInput{StreamName: &stream, Records: entries})
		if err != nil {
			return fmt.Errorf("put records: %w", err)
		}
		var refused []types.PutRecordsRequestEntry
		why := ""
		for i, res := range out.Records {
			if res.ErrorCode != nil {
				refused = append(refused, entries[i])
				why = aws.ToString(res.ErrorMessage)
			}
		}
		if len(refused) == 0 {
			return nil
		}
		if attempt == retries {
			return fmt.Errorf("put records: %d of %d are still refused: %s", len(refused), len(records), why)
		}
		entries = refused
		select {
		case <-time.After(min(time.Second, time.Duration(attempt+1)*100*time.Millisecond)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
