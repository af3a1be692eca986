package kinesistest

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// Needs is a set of things that a rule needs of its target.
type Needs uint

const (
	Clock         Needs = 1 << iota // Target.Advance moves the target's clock, which otherwise stands still
	ReadLimits                      // read rates are enforced; goes with Clock
	WriteLimits                     // write rates are enforced; goes with Clock
	ControlLimits                   // call rates of control operations are enforced; goes with Clock
	ARN                             // streams may be named by ARN
	OnDemand                        // streams in on-demand mode
	Encryption                      // StartStreamEncryption
	LargeRecords                    // UpdateMaxRecordSize
	ShardFilters                    // ListShards with filters and pages
	Scaling                         // UpdateShardCount
	FanOut                          // consumers and SubscribeToShard
	SlowConsumers                   // a consumer is CREATING until the clock moves; goes with Clock
	Distribution                    // RecordDistributionStrategy of on-demand streams
	All           = Clock | ReadLimits | WriteLimits | ControlLimits | ARN | OnDemand | Encryption | LargeRecords | ShardFilters | Scaling | FanOut | SlowConsumers | Distribution
)

// Target is a Kinesis to be judged.
type Target struct {
	Endpoint string            // default http://kinesis.test, for targets with a transport of their own
	HTTP     http.RoundTripper // default http.DefaultTransport
	Offers   Needs
	Advance  func(time.Duration) // with Clock
	Now      func() time.Time    // the target's clock; default time.Now
	Poll     func()              // called between looks at a stream or consumer that is not yet ACTIVE; may be nil
	Patience time.Duration       // how long to wait, in real time, for an event that is due; default 10 s
}

// Client makes a client that tries each call once, so that a rule sees every refusal.
func (t Target) Client() *kinesis.Client {
	endpoint, transport := t.Endpoint, t.HTTP
	if endpoint == "" {
		endpoint = "http://kinesis.test"
	}
	if transport == nil {
		transport = http.DefaultTransport
	}
	return kinesis.New(kinesis.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		HTTPClient:   &http.Client{Transport: ownBody{transport}},
		Retryer:      aws.NopRetryer{},
	})
}

// T is what a rule reports to; *testing.T is one. Fatalf does not return.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
	Context() context.Context
}

// Rule is one promise of the service.
type Rule struct {
	Name  string
	Needs Needs
	Check func(T, *Env)
}

// Rules are all rules, in the order of the operations.
func Rules() []Rule {
	var all []Rule
	for _, group := range [][]Rule{streamRules(), putRules(), iteratorRules(), readRules(), reshardRules(), listRules(), limitRules(),
		onDemandRules(), consumerRules(), subscribeRules(), eventRules()} {
		all = append(all, group...)
	}
	return all
}

// Run judges a target by every rule that it offers the needs of, each on a server of its own.
func Run(t *testing.T, newServer func(t *testing.T) Target) {
	for _, rule := range Rules() {
		target := newServer(t)
		if rule.Needs&^target.Offers != 0 {
			continue
		}
		t.Run(rule.Name, func(t *testing.T) { rule.Check(t, NewEnv(target)) })
	}
}

// Env is a target with the short words that rules are written in.
type Env struct {
	Target
	*kinesis.Client
	streams   int
	consumers int
}

// NewEnv prepares a target for one rule.
func NewEnv(t Target) *Env {
	if t.Now == nil {
		t.Now = time.Now
	}
	if t.Patience == 0 {
		t.Patience = 10 * time.Second
	}
	return &Env{Target: t, Client: t.Client()}
}

// stream creates a stream of its own for the rule and waits for it to be ACTIVE.
func (e *Env) stream(t T, shards int32) string {
	t.Helper()
	e.streams++
	name := fmt.Sprintf("suite-%d-%d", e.Now().UnixNano(), e.streams)
	_, err := e.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: &name, ShardCount: &shards})
	must(t, err)
	e.active(t, name)
	return name
}

// active waits for a stream's change to be over.
func (e *Env) active(t T, name string) {
	t.Helper()
	for range 1000 {
		if e.summary(t, name).StreamStatus == types.StreamStatusActive {
			return
		}
		if e.Poll != nil {
			e.Poll()
		} else {
			<-time.After(20 * time.Millisecond)
		}
	}
	t.Fatalf("stream %s does not become ACTIVE", name)
}

func (e *Env) summary(t T, name string) *types.StreamDescriptionSummary {
	t.Helper()
	out, err := e.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: &name})
	must(t, err)
	return out.StreamDescriptionSummary
}

func (e *Env) put(t T, stream, key, data string) *kinesis.PutRecordOutput {
	t.Helper()
	out, err := e.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: &stream, PartitionKey: &key, Data: []byte(data)})
	must(t, err)
	return out
}

func (e *Env) shards(t T, stream string) []types.Shard {
	t.Helper()
	out, err := e.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: &stream})
	must(t, err)
	return out.Shards
}

// iterator asks for an iterator; at is a sequence number, a time.Time or nil.
func (e *Env) iterator(t T, stream, shard string, kind types.ShardIteratorType, at any) (string, error) {
	in := &kinesis.GetShardIteratorInput{StreamName: &stream, ShardId: &shard, ShardIteratorType: kind}
	switch at := at.(type) {
	case string:
		in.StartingSequenceNumber = &at
	case time.Time:
		in.Timestamp = &at
	}
	out, err := e.GetShardIterator(t.Context(), in)
	if err != nil {
		return "", err
	}
	return *out.ShardIterator, nil
}

func (e *Env) from(t T, stream, shard string, kind types.ShardIteratorType, at any) string {
	t.Helper()
	it, err := e.iterator(t, stream, shard, kind, at)
	must(t, err)
	return it
}

// read makes one GetRecords call, a second after the one before it where the clock can be moved.
func (e *Env) read(t T, iterator string, limit int32) *kinesis.GetRecordsOutput {
	t.Helper()
	if e.Advance != nil {
		e.Advance(time.Second)
	}
	in := &kinesis.GetRecordsInput{ShardIterator: &iterator}
	if limit > 0 {
		in.Limit = &limit
	}
	out, err := e.GetRecords(t.Context(), in)
	must(t, err)
	return out
}

// drain reads from an iterator to the tip or to the end of the shard.
func (e *Env) drain(t T, iterator string) (data []string, last *kinesis.GetRecordsOutput) {
	t.Helper()
	for range 1000 {
		last = e.read(t, iterator, 0)
		for _, r := range last.Records {
			data = append(data, string(r.Data))
		}
		if last.NextShardIterator == nil || len(last.Records) == 0 && *last.MillisBehindLatest == 0 {
			return data, last
		}
		iterator = *last.NextShardIterator
	}
	t.Fatalf("no end to the shard after 1000 calls")
	return nil, nil
}

func must(t T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("refused what the service accepts: %v", err)
	}
}

func equal[V comparable](t T, what string, got, want V) {
	t.Helper()
	if got != want {
		t.Fatalf("%s is %v, want %v", what, got, want)
	}
}
