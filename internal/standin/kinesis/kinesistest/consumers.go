package kinesistest

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func consumerRules() []Rule {
	return []Rule{
		// AWS API reference, RegisterStreamConsumer, DescribeStreamConsumer and Consumer: a consumer's ARN holds its
		// creation timestamp; it is named by that ARN, or by the stream's and its name.
		{"a consumer is what was registered", FanOut, func(t T, e *Env) {
			name := e.stream(t, 1)
			stream := e.summary(t, name).StreamARN
			c := e.register(t, name)
			equal(t, "ConsumerStatus", c.ConsumerStatus, types.ConsumerStatusCreating)
			want := fmt.Sprintf("%s/consumer/%s:%d", *stream, *c.ConsumerName, c.ConsumerCreationTimestamp.Unix())
			equal(t, "ConsumerARN", *c.ConsumerARN, want)
			if !regexp.MustCompile(`:stream/[a-zA-Z0-9_.-]+/consumer/[a-zA-Z0-9_.-]+:[0-9]+$`).MatchString(*c.ConsumerARN) {
				t.Fatalf("ARN is %s", *c.ConsumerARN)
			}
			e.ready(t, *c.ConsumerARN)
			for _, in := range []*kinesis.DescribeStreamConsumerInput{
				{ConsumerARN: c.ConsumerARN}, {StreamARN: stream, ConsumerName: c.ConsumerName},
				{ConsumerARN: c.ConsumerARN, StreamARN: stream, ConsumerName: c.ConsumerName},
			} {
				out, err := e.DescribeStreamConsumer(t.Context(), in)
				must(t, err)
				d := out.ConsumerDescription
				equal(t, "ConsumerARN", *d.ConsumerARN, want)
				equal(t, "ConsumerName", *d.ConsumerName, *c.ConsumerName)
				equal(t, "ConsumerStatus", d.ConsumerStatus, types.ConsumerStatusActive)
				equal(t, "StreamARN", *d.StreamARN, *stream)
			}
		}},
		// AWS API reference, StreamDescriptionSummary: ConsumerCount.
		{"the summary counts consumers", FanOut, func(t T, e *Env) {
			name := e.stream(t, 1)
			equal(t, "ConsumerCount", aws.ToInt32(e.summary(t, name).ConsumerCount), 0)
			c := e.consumer(t, name)
			e.consumer(t, name)
			equal(t, "ConsumerCount", aws.ToInt32(e.summary(t, name).ConsumerCount), 2)
			e.deregister(t, c)
			equal(t, "ConsumerCount", aws.ToInt32(e.summary(t, name).ConsumerCount), 1)
		}},
		// AWS API reference, RegisterStreamConsumer: each consumer of a stream has a name of its own; names of another
		// stream's consumers do not count.
		{"a consumer's name is taken once", FanOut, func(t T, e *Env) {
			name, other := e.stream(t, 1), e.stream(t, 1)
			c := e.consumer(t, name)
			_, err := e.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{StreamARN: e.summary(t, name).StreamARN, ConsumerName: c.ConsumerName})
			refused(t, err, inUse)
			_, err = e.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{StreamARN: e.summary(t, other).StreamARN, ConsumerName: c.ConsumerName})
			must(t, err)
		}},
		// AWS API reference, RegisterStreamConsumer: 20 consumers a stream, LimitExceededException.
		{"20 consumers a stream", FanOut, func(t T, e *Env) {
			name := e.stream(t, 1)
			for range 20 {
				e.consumer(t, name)
				e.pause()
			}
			_, err := e.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{StreamARN: e.summary(t, name).StreamARN, ConsumerName: aws.String("more")})
			refused(t, err, limitExceeded)
		}},
		// AWS API reference, RegisterStreamConsumer: a sixth consumer while five are CREATING is LimitExceededException.
		{"five consumers CREATING", FanOut | SlowConsumers | Clock, func(t T, e *Env) {
			name := e.stream(t, 1)
			var last *types.Consumer
			for range 5 {
				last = e.register(t, name)
				e.Advance(250 * time.Millisecond) // the rate of calls is another rule's
			}
			equal(t, "ConsumerStatus", e.describeConsumer(t, *last.ConsumerARN).ConsumerStatus, types.ConsumerStatusCreating)
			register := func() error {
				_, err := e.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{StreamARN: e.summary(t, name).StreamARN, ConsumerName: aws.String("more")})
				return err
			}
			refused(t, register(), limitExceeded)
			e.ready(t, *last.ConsumerARN)
			must(t, register())
		}},
		// AWS API reference, RegisterStreamConsumer: five calls a second and account.
		{"five RegisterStreamConsumer a second", FanOut | ControlLimits | Clock, func(t T, e *Env) {
			a, b := e.stream(t, 1), e.stream(t, 1)
			e.Advance(time.Second)
			for i := range 5 {
				e.register(t, []string{a, b}[i%2])
			}
			register := func() error {
				_, err := e.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{StreamARN: e.summary(t, a).StreamARN, ConsumerName: aws.String("more")})
				return err
			}
			refused(t, register(), limitExceeded)
			e.Advance(time.Second)
			must(t, register())
		}},
		// AWS API reference, DescribeStreamConsumer and DeregisterStreamConsumer: all three parameters "as long as they
		// don't conflict".
		{"consumer parameters agree", FanOut, func(t T, e *Env) {
			name := e.stream(t, 1)
			stream := e.summary(t, name).StreamARN
			c := e.consumer(t, name)
			describe := func(in kinesis.DescribeStreamConsumerInput) error {
				_, err := e.DescribeStreamConsumer(t.Context(), &in)
				return err
			}
			refused(t, describe(kinesis.DescribeStreamConsumerInput{}), invalidArgument, validation)
			refused(t, describe(kinesis.DescribeStreamConsumerInput{ConsumerName: c.ConsumerName}), invalidArgument, validation)
			refused(t, describe(kinesis.DescribeStreamConsumerInput{StreamARN: stream}), invalidArgument, validation)
			refused(t, describe(kinesis.DescribeStreamConsumerInput{ConsumerARN: c.ConsumerARN, ConsumerName: aws.String("another"), StreamARN: stream}), invalidArgument, validation)
			refused(t, describe(kinesis.DescribeStreamConsumerInput{ConsumerARN: aws.String("arn:of:nothing")}), validation, invalidArgument)
			refused(t, describe(kinesis.DescribeStreamConsumerInput{ConsumerName: aws.String("nobody"), StreamARN: stream}), notFound)
			refused(t, describe(kinesis.DescribeStreamConsumerInput{ConsumerARN: aws.String(*c.ConsumerARN + "0")}), notFound)
			_, err := e.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{StreamARN: aws.String(*stream + "-not"), ConsumerName: aws.String("c")})
			refused(t, err, notFound)
			_, err = e.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{StreamARN: stream, ConsumerName: aws.String("a/b")})
			refused(t, err, validation, invalidArgument)
		}},
		// AWS API reference, ListStreamConsumers: MaxResults and NextToken.
		{"consumers are listed in pages", FanOut, func(t T, e *Env) {
			name := e.stream(t, 1)
			stream := e.summary(t, name).StreamARN
			for range 3 {
				e.consumer(t, name)
			}
			in := &kinesis.ListStreamConsumersInput{StreamARN: stream, MaxResults: aws.Int32(2)}
			var pages []string
			for {
				out, err := e.ListStreamConsumers(t.Context(), in)
				must(t, err)
				var names []string
				for _, c := range out.Consumers {
					names = append(names, *c.ConsumerName)
				}
				pages = append(pages, strings.Join(names, " "))
				if out.NextToken == nil {
					break
				}
				in = &kinesis.ListStreamConsumersInput{StreamARN: stream, NextToken: out.NextToken, MaxResults: aws.Int32(2)}
			}
			equal(t, "pages", strings.Join(pages, " | "), "consumer-1 consumer-2 | consumer-3")
			_, err := e.ListStreamConsumers(t.Context(), &kinesis.ListStreamConsumersInput{StreamARN: stream, NextToken: aws.String("AAAA")})
			refused(t, err, invalidArgument, expiredToken, validation)
		}},
		// AWS API reference, ListStreamConsumers: "Tokens expire after 300 seconds".
		{"consumer list tokens expire", FanOut | Clock, func(t T, e *Env) {
			name := e.stream(t, 1)
			stream := e.summary(t, name).StreamARN
			e.consumer(t, name)
			e.consumer(t, name)
			out, err := e.ListStreamConsumers(t.Context(), &kinesis.ListStreamConsumersInput{StreamARN: stream, MaxResults: aws.Int32(1)})
			must(t, err)
			e.Advance(299 * time.Second)
			in := &kinesis.ListStreamConsumersInput{StreamARN: stream, NextToken: out.NextToken}
			_, err = e.ListStreamConsumers(t.Context(), in)
			must(t, err)
			e.Advance(2 * time.Second)
			_, err = e.ListStreamConsumers(t.Context(), in)
			refused(t, err, expiredToken)
		}},
		// AWS API reference, DeregisterStreamConsumer and Consumer: one registered anew under the old name has another ARN.
		{"a deregistered consumer is gone", FanOut, func(t T, e *Env) {
			name := e.stream(t, 1)
			c := e.consumer(t, name)
			e.deregister(t, c)
			_, err := e.try(t, *c.ConsumerARN, firstShard, types.ShardIteratorTypeLatest, nil)
			refused(t, err, notFound)
			_, err = e.DeregisterStreamConsumer(t.Context(), &kinesis.DeregisterStreamConsumerInput{ConsumerARN: c.ConsumerARN})
			refused(t, err, notFound)
			if e.Advance == nil {
				<-time.After(time.Second) // an ARN's timestamp has whole seconds
			}
			out, err := e.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{StreamARN: e.summary(t, name).StreamARN, ConsumerName: c.ConsumerName})
			must(t, err)
			if *out.Consumer.ConsumerARN == *c.ConsumerARN {
				t.Fatalf("two consumers have the ARN %s", *c.ConsumerARN)
			}
		}},
		// AWS API reference, DeleteStream, EnforceConsumerDeletion: without it a stream with consumers is
		// ResourceInUseException.
		{"a stream with consumers stays", FanOut, func(t T, e *Env) {
			name := e.stream(t, 1)
			e.consumer(t, name)
			_, err := e.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: &name})
			refused(t, err, inUse)
			_, err = e.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: &name, EnforceConsumerDeletion: aws.Bool(true)})
			must(t, err)
		}},
	}
}

// deregister deregisters a consumer and waits for it to be gone.
func (e *Env) deregister(t T, c *types.Consumer) {
	t.Helper()
	_, err := e.DeregisterStreamConsumer(t.Context(), &kinesis.DeregisterStreamConsumerInput{ConsumerARN: c.ConsumerARN})
	must(t, err)
	for range e.looks {
		out, err := e.DescribeStreamConsumer(t.Context(), &kinesis.DescribeStreamConsumerInput{ConsumerARN: c.ConsumerARN})
		if err != nil {
			refused(t, err, notFound)
			return
		}
		equal(t, "ConsumerStatus", out.ConsumerDescription.ConsumerStatus, types.ConsumerStatusDeleting)
	}
	t.Fatalf("consumer %s does not go", *c.ConsumerARN)
}
