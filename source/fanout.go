package source

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"kinesis-snowflake/source/reader"
	"kinesis-snowflake/source/reader/wire"
)

// read reads a shard for as long as ctx lives, in the way that the options name.
func (s *Source) read(ctx context.Context, cfg reader.Config) error {
	if s.fanOut != nil {
		return s.fanOut.Read(ctx, cfg)
	}
	return reader.Read(ctx, cfg)
}

// newFanOut returns what reads shards by enhanced fan-out, or nil where they are to be polled.
func newFanOut(s *Source, cfg aws.Config) *reader.FanOut {
	if !s.opt.FanOut {
		return nil
	}
	client := kinesisClient(cfg, &s.opt, func(k *kinesis.Options) {
		if s.opt.KinesisTransport == nil {
			k.HTTPClient = wire.SafeBody(subscribing(cfg.HTTPClient))
		}
	})
	return reader.NewFanOut(client, newConsumer(s))
}

const (
	// streamWindow is what the service may send of a subscription before it is read, so it is the memory of a shard that
	// waits. At 2 MiB/s it is a quarter of a second, more than any round trip within a continent; KCL has the same.
	streamWindow = 512 << 10
	// A connection without a sign of life for so long is asked for one, and is given up as long after it. It carries the
	// subscriptions of up to a hundred shards, which would each wait for 30 s otherwise.
	pingAfter, pongWithin = 15 * time.Second, 10 * time.Second
)

// subscribing makes an HTTP client for subscriptions of one for calls: answers of any length in time, many of them on a
// connection. The client opens another connection when the service takes no more streams on one.
func subscribing(c aws.HTTPClient) wire.Doer {
	client, ok := c.(*awshttp.BuildableClient)
	if !ok {
		return c
	}
	// A connection without data is not dead while back-pressure holds all of its subscriptions.
	return client.WithReadTimeout(0).WithTransportOptions(func(t *http.Transport) {
		httpVersions(t, true)
		t.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: streamWindow, SendPingTimeout: pingAfter, PingTimeout: pongWithin}
	})
}
