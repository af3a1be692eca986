package source

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source/lease"
)

// Options configure a [Source].
type Options struct {
	// Stream is the stream's name or its ARN. Required. A stream given by name is called by name, which keeps to the
	// region's hosts; with an ARN the SDK calls hosts of the stream's account, so allow-lists must name those.
	Stream string
	// Region of stream and lease table; the AWS default chain's when empty, or the ARN's.
	Region string
	// Application is the name of the lease table, KCL's application name. Required.
	Application string
	// Start is where a stream without leases is begun: row.TrimHorizon (default), row.Latest or row.AtTimestamp.
	// Children of a shard are always read from their beginning.
	Start string
	// StartTime goes with row.AtTimestamp.
	StartTime time.Time
	// PollInterval is how often an idle shard is asked for records: 1s when zero, 200ms at least.
	PollInterval time.Duration
	// FanOut has shards read by enhanced fan-out, each at its own 2 MiB/s, as the registered consumer ConsumerName. Where
	// the service does not let it, they are read by polling, and that is said.
	FanOut bool
	// ConsumerName is what the workers of an application share; Application when empty, as KCL names it.
	ConsumerName string
	// HashRangeFilter says what becomes of the user records of a KPL aggregate that lie outside of their shard's hash range:
	// "none" or "" hands them over, "record" leaves them out, "kcl" leaves their whole aggregate out, as KCL does. It has no
	// effect on a stream whose records the service distributes.
	HashRangeFilter string
	// LeaseDuration is the time after which a silent worker's leases are taken: 10s when zero. All workers of an
	// application, KCL's included (failoverTimeMillis), must have the same.
	LeaseDuration time.Duration
	// WorkerID is unique among the application's workers; the host's name and a random part when empty.
	WorkerID string

	// AccessKeyID and SecretAccessKey, with a SessionToken where they are temporary, are used when set; otherwise the
	// AWS default chain is: environment, profiles, web identity, container and instance roles.
	AccessKeyID, SecretAccessKey, SessionToken string
	// RoleARN is a role that those credentials assume for every call to Kinesis and DynamoDB; ExternalID is what its trust
	// policy asks for. The role's session is named after the worker.
	RoleARN, ExternalID string
	// KinesisEndpoint and DynamoDBEndpoint are URLs of a private link or a local stand-in; the region's when empty.
	KinesisEndpoint, DynamoDBEndpoint string
	// KinesisTransport and DynamoDBTransport send the requests when set.
	KinesisTransport, DynamoDBTransport http.RoundTripper

	// Budget bounds the memory of answers; unbounded when nil.
	Budget Budget
	// Logger receives what happens; slog.Default() when nil.
	Logger *slog.Logger
	// Trouble hears why a part of the work ("read", "lease") does not get on, again and again while that lasts, and nil
	// once it does. It is called from several goroutines and must not block. May be nil.
	Trouble func(part string, err error)
	// Clock is what leases go by; the machine's own when nil. Timers are always the machine's.
	Clock lease.Clock
}

const (
	defaultPoll = time.Second
	leastPoll   = 200 * time.Millisecond
)

func (o *Options) trouble(part string) func(error) {
	if o.Trouble == nil {
		return nil
	}
	return func(err error) { o.Trouble(part, err) }
}

// complete checks the options and fills in what was left out.
func (o *Options) complete() error {
	o.Start = cmp.Or(o.Start, row.TrimHorizon)
	o.PollInterval = cmp.Or(o.PollInterval, defaultPoll)
	o.LeaseDuration = cmp.Or(o.LeaseDuration, lease.DefaultDuration)
	o.ConsumerName = cmp.Or(o.ConsumerName, o.Application)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.WorkerID == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "worker"
		}
		o.WorkerID = host + "-" + strings.ToLower(rand.Text()[:8])
	}
	if _, err := misplaced(o.HashRangeFilter); err != nil {
		return err
	}
	switch {
	case o.Stream == "":
		return errors.New("stream is empty")
	case o.Application == "":
		return errors.New("application is empty")
	case o.PollInterval < leastPoll:
		return fmt.Errorf("poll interval %v is below %v, the service's limit for a shard", o.PollInterval, leastPoll)
	case (o.AccessKeyID == "") != (o.SecretAccessKey == ""):
		return errors.New("access key id and secret access key go together: one of them is empty")
	case o.ExternalID != "" && o.RoleARN == "":
		return errors.New("external id is given without a role")
	}
	if strings.HasPrefix(o.Stream, "arn:") {
		region, _, err := parseARN(o.Stream)
		if err != nil {
			return err
		}
		o.Region = cmp.Or(o.Region, region)
	}
	return nil
}

// parseARN takes region and name out of arn:partition:kinesis:region:account:stream/name.
func parseARN(arn string) (region, name string, err error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) == 6 && parts[2] == "kinesis" && parts[3] != "" {
		if name, ok := strings.CutPrefix(parts[5], "stream/"); ok && name != "" && !strings.Contains(name, "/") {
			return parts[3], name, nil
		}
	}
	return "", "", fmt.Errorf("stream %q is no ARN of a data stream: want arn:aws:kinesis:REGION:ACCOUNT:stream/NAME", arn)
}
