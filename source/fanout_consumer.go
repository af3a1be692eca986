package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/source/reader"
)

const (
	// pollFor is how long shards are polled after fan-out was refused. Whoever is to allow it needs about as long.
	pollFor = time.Hour
	// pollBriefly is the same where the service only failed to answer.
	pollBriefly = time.Minute
	// consumerPatience bounds the wait for a consumer to become active, or to be deleted; either takes under a minute.
	consumerPatience = 5 * time.Minute
	// failurePatience bounds the wait for a service that does not answer; records may be had by polling meanwhile.
	failurePatience = 30 * time.Second
	// registerTries is how often LimitExceeded is met before it is taken for the limit of consumers. It also stands for
	// over 5 calls a second of an account, and for 5 consumers being made at once, which pass.
	registerTries = 6
)

// consumer is the registered consumer of the application, which all of its workers share. It is looked for when a shard
// first needs it, registered if it is not there, and never deregistered: other workers may use it.
type consumer struct {
	control *control
	stream  func() string // its ARN
	name    string
	log     *slog.Logger

	seeking chan struct{} // holds a token while somebody asks the service; the others wait for the outcome

	mu      sync.Mutex
	arn     string
	doubted bool
	polling time.Time // until then
}

func newConsumer(s *Source) *consumer {
	return &consumer{control: s.control, name: s.opt.ConsumerName, log: s.log, seeking: make(chan struct{}, 1), stream: func() string {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.info.ARN
	}}
}

// ARN implements [reader.Consumer].
func (c *consumer) ARN(ctx context.Context) (string, error) {
	if arn, ok := c.known(); ok {
		return arn, nil
	}
	select {
	case c.seeking <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { <-c.seeking }()
	if arn, ok := c.known(); ok {
		return arn, nil
	}
	arn, err := c.seek(ctx)
	if no, ok := errors.AsType[*noConsumer](err); ok {
		c.refuse(no.err, no.forTime)
		return "", nil
	}
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.arn != arn {
		c.log.Info("reading by enhanced fan-out", "consumer", arn)
	}
	c.arn, c.doubted = arn, false
	return arn, nil
}

// known returns the ARN, or "" for polling, if it need not be asked for.
func (c *consumer) known() (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().Before(c.polling) {
		return "", true
	}
	return c.arn, c.arn != "" && !c.doubted
}

// Doubt implements [reader.Consumer].
func (c *consumer) Doubt(arn string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.arn == arn {
		c.doubted = true
	}
}

// Refuse implements [reader.Consumer].
func (c *consumer) Refuse(err error) { c.refuse(err, pollFor) }

func (c *consumer) refuse(err error, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().Before(c.polling) {
		return // another shard said so
	}
	c.polling, c.arn = time.Now().Add(d), ""
	c.log.Warn("fan-out is not to be had; reading by polling", "error", err, "consumer", c.name, "again_in", d)
}

// noConsumer says that shards are to be polled for a while.
type noConsumer struct {
	err     error
	forTime time.Duration
}

func (e *noConsumer) Error() string { return e.err.Error() }
func (e *noConsumer) Unwrap() error { return e.err }

// seek finds the consumer, registers it where there is none, and waits until it is active.
func (c *consumer) seek(ctx context.Context) (string, error) {
	var (
		began   = time.Now()
		failing time.Time // since then
		limited int
	)
	for {
		d, err := c.describe(ctx)
		if err == nil && d.ConsumerStatus == types.ConsumerStatusActive {
			return aws.ToString(d.ConsumerARN), nil
		}
		state := "not to be found"
		if err == nil {
			state = string(d.ConsumerStatus) // CREATING, or DELETING and then registered anew
		} else if reader.Classify(err) == reader.ClassNotFound {
			err = c.register(ctx)
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		switch class := reader.Classify(err); {
		case err == nil:
			failing = time.Time{}
		case errors.As(err, new(*types.LimitExceededException)):
			if limited++; limited >= registerTries {
				return "", &noConsumer{&reader.Error{Op: "register consumer " + c.name, Err: err, Hint: "a stream has at most 20 consumers (50 with On-demand Advantage): delete one that nobody uses with aws kinesis deregister-stream-consumer"}, pollFor}
			}
		case class == reader.ClassInUse:
			// Another worker registered it between our two calls, or the stream is being updated.
		case class == reader.ClassRetry || class == reader.ClassThrottled || class == reader.ClassKey:
			if failing.IsZero() {
				failing = time.Now()
			}
			if time.Since(failing) > failurePatience {
				return "", &noConsumer{err, pollBriefly}
			}
		case class == reader.ClassNotFound:
			// The stream itself is gone, or is another one: polling finds out which, and says so.
			return "", &noConsumer{err, pollBriefly}
		case class == reader.ClassInvalid || reader.NoFanOut(err):
			return "", &noConsumer{err, pollFor}
		default:
			return "", err
		}
		if time.Since(began) > consumerPatience {
			return "", &noConsumer{&reader.Error{Op: "wait for consumer " + c.name, Err: fmt.Errorf("it is %s after %v", state, consumerPatience)}, pollFor}
		}
		// Workers that start together would use up the 5 calls a second, or the 20, that all of them share.
		if err := reader.Pause(ctx, time.Second+rand.N(2*time.Second)); err != nil {
			return "", err
		}
	}
}

func (c *consumer) describe(ctx context.Context) (*types.ConsumerDescription, error) {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	out, err := c.control.client.DescribeStreamConsumer(ctx, &kinesis.DescribeStreamConsumerInput{StreamARN: aws.String(c.stream()), ConsumerName: &c.name})
	if err != nil {
		return nil, reader.Explain("look for consumer "+c.name, "DescribeStreamConsumer", c.stream(), err)
	}
	if out.ConsumerDescription == nil || aws.ToString(out.ConsumerDescription.ConsumerARN) == "" {
		return nil, fmt.Errorf("look for consumer %s: the answer has no ARN", c.name)
	}
	return out.ConsumerDescription, nil
}

func (c *consumer) register(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	_, err := c.control.client.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: aws.String(c.stream()), ConsumerName: &c.name})
	if err != nil {
		return reader.Explain("register consumer "+c.name, "RegisterStreamConsumer", c.stream(), err)
	}
	c.log.Info("registered a consumer with the stream; it is billed until it is deregistered", "consumer", c.name, "stream", c.stream())
	return nil
}
