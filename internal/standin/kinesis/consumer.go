package kinesis

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	mostConsumers         = 20 // of a stream
	mostConsumersOnDemand = 50 // of an on-demand stream of an account with On-demand Advantage
	mostCreating          = 5  // at one time
)

// consumer is a registered consumer of enhanced fan-out, guarded by its stream's lock.
type consumer struct {
	name, arn string
	created   int64 // seconds since the Unix epoch, as in its ARN; two of a name never share one
	active    int64 // milliseconds: ACTIVE from then on
	deleting  int64 // milliseconds: gone from then on, 0 when not being deleted
	seats     map[int]*seat
}

func (c *consumer) status(now int64) string {
	switch {
	case c.deleting != 0:
		return "DELETING"
	case now < c.active:
		return "CREATING"
	default:
		return "ACTIVE"
	}
}

type consumerDescription struct {
	ConsumerARN               string
	ConsumerCreationTimestamp stamp
	ConsumerName              string
	ConsumerStatus            string
	StreamARN                 string `json:",omitempty"`
}

func (c *consumer) describe(now int64) consumerDescription {
	return consumerDescription{ConsumerARN: c.arn, ConsumerCreationTimestamp: stamp(c.created * 1000), ConsumerName: c.name, ConsumerStatus: c.status(now)}
}

// settleConsumers forgets the consumers whose deletion is over.
func (st *stream) settleConsumers(now int64) {
	for name, c := range st.consumers {
		if c.deleting != 0 && now >= c.deleting {
			delete(st.consumers, name)
		}
	}
}

// sortedConsumers are a stream's consumers by name.
func (st *stream) sortedConsumers() []*consumer {
	all := make([]*consumer, 0, len(st.consumers))
	for _, c := range st.consumers {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *consumer) int { return strings.Compare(a.name, b.name) })
	return all
}

// register adds a consumer, which is ACTIVE after the delay.
func (st *stream) register(name string, now time.Time, delay time.Duration) *consumer {
	second := max(now.Unix(), st.lastConsumer[name]+1)
	c := &consumer{
		name: name, arn: fmt.Sprintf("%s/consumer/%s:%d", st.arn, name, second), created: second,
		active: now.Add(delay).UnixMilli(), seats: map[int]*seat{},
	}
	if st.consumers == nil {
		st.consumers, st.lastConsumer = map[string]*consumer{}, map[string]int64{}
	}
	st.consumers[name], st.lastConsumer[name] = c, second
	return c
}

// deregister ends a consumer's subscriptions at once, and the consumer after the delay.
func (st *stream) deregister(c *consumer, now time.Time, delay time.Duration) {
	if c.deleting != 0 {
		return
	}
	c.deleting = now.Add(delay).UnixMilli()
	for _, seat := range c.seats {
		if seat.sub != nil {
			seat.sub.end(st.noConsumer(c.name, c.created))
		}
	}
	st.settleConsumers(now.UnixMilli())
}

func (st *stream) noConsumer(name string, created int64) *Error {
	return notFound("Consumer %s with creation timestamp %d under stream %s not found for account %s.", name, created, st.name, st.account)
}

func (s *Server) registerStreamConsumer(in *input, now time.Time) (any, *Error) {
	switch {
	case in.StreamARN == nil:
		return nil, missing("streamARN")
	case in.ConsumerName == nil:
		return nil, missing("consumerName")
	}
	name := *in.ConsumerName
	if !namePattern.MatchString(name) {
		return nil, invalid(name, "consumerName", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	st, err := s.active(&input{StreamARN: in.StreamARN}, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	if st.consumers[name] != nil {
		return nil, clientError("ResourceInUseException", "Consumer %s under stream %s already exists for account %s.", name, st.name, st.account)
	}
	most, creating := mostConsumers, 0
	if st.onDemand && s.opt.OnDemandAdvantage {
		most = mostConsumersOnDemand
	}
	for _, c := range st.consumers {
		if c.status(now.UnixMilli()) == "CREATING" {
			creating++
		}
	}
	switch {
	case len(st.consumers) >= most:
		return nil, limitExceeded("Consumer limit exceeded for stream %s under account %s. Limit: %d.", st.name, st.account, most)
	case creating >= mostCreating:
		return nil, limitExceeded("Limit of %d consumers in CREATING status exceeded for stream %s under account %s.", mostCreating, st.name, st.account)
	}
	d := st.register(name, now, s.opt.ConsumerDelay).describe(now.UnixMilli())
	d.ConsumerStatus = "CREATING" // whatever the delay, the answer is from before the consumer is made
	return struct{ Consumer consumerDescription }{d}, nil
}

func (s *Server) describeStreamConsumer(in *input, now time.Time) (any, *Error) {
	st, c, err := s.consumer(in, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	d := c.describe(now.UnixMilli())
	d.StreamARN = st.arn
	return struct{ ConsumerDescription consumerDescription }{d}, nil
}

func (s *Server) deregisterStreamConsumer(in *input, now time.Time) (any, *Error) {
	st, c, err := s.consumer(in, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	st.deregister(c, now, s.opt.ConsumerDelay)
	return nil, nil
}

func (s *Server) listStreamConsumers(in *input, now time.Time) (any, *Error) {
	if in.StreamARN == nil {
		return nil, missing("streamARN")
	}
	if err := check(in.MaxResults, "maxResults", 1, 10_000); err != nil {
		return nil, err
	}
	st, err := s.target(&input{StreamARN: in.StreamARN}, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	most, skip := 100, 0
	if in.MaxResults != nil {
		most = min(*in.MaxResults, most)
	}
	if in.NextToken != nil {
		t, ok := s.sealer.open(consumerToken, *in.NextToken)
		switch {
		case in.StreamCreationTimestamp != nil:
			return nil, invalidArgument("NextToken and StreamCreationTimestamp cannot be provided together.")
		case !ok || t.stream != st.incarnation:
			return nil, invalidArgument("NextToken is invalid.")
		case t.expired(now):
			return nil, clientError("ExpiredNextTokenException", "The NextToken has expired: tokens are good for %d seconds.", int(tokenLife.Seconds()))
		}
		skip = int(t.a)
	}
	if in.StreamCreationTimestamp != nil && millis(math.Trunc(*in.StreamCreationTimestamp)) != st.created {
		return nil, notFound("Stream %s under account %s with that creation time not found.", st.name, st.account)
	}
	out := struct {
		Consumers []consumerDescription
		NextToken string `json:",omitempty"`
	}{Consumers: []consumerDescription{}}
	all := st.sortedConsumers()
	for i, c := range all[min(skip, len(all)):] {
		if i == most {
			out.NextToken = s.sealer.seal(consumerToken, token{issued: now.UnixMilli(), stream: st.incarnation, a: uint64(skip + most)})
			break
		}
		out.Consumers = append(out.Consumers, c.describe(now.UnixMilli()))
	}
	return out, nil
}

var consumerPattern = regexp.MustCompile(`^(arn:aws[a-z-]*:kinesis:[a-z0-9-]+:\d{12}:stream/[a-zA-Z0-9_.-]{1,128})/consumer/([a-zA-Z0-9_.-]{1,128}):([0-9]+)$`)

// consumer resolves ConsumerARN, or StreamARN and ConsumerName, or all three, and locks the stream.
func (s *Server) consumer(in *input, now time.Time) (*stream, *consumer, *Error) {
	streamARN, name, created := in.StreamARN, in.ConsumerName, int64(-1)
	if in.ConsumerARN != nil {
		m := consumerPattern.FindStringSubmatch(*in.ConsumerARN)
		if m == nil {
			return nil, nil, invalid(*in.ConsumerARN, "consumerARN", "Member must satisfy regular expression pattern: ^(arn):aws.*:kinesis:.*:\\d{12}:.*stream\\/[a-zA-Z0-9_.-]+\\/consumer\\/[a-zA-Z0-9_.-]+:[0-9]+")
		}
		if streamARN != nil && *streamARN != m[1] || name != nil && *name != m[2] {
			return nil, nil, invalidArgument("ConsumerARN %s does not match the StreamARN or the ConsumerName.", *in.ConsumerARN)
		}
		streamARN, name = &m[1], &m[2]
		second, err := strconv.ParseInt(m[3], 10, 64)
		if err != nil {
			second = -2 // more digits than any time has: no consumer's
		}
		created = second
	}
	if streamARN == nil || name == nil {
		return nil, nil, invalidArgument("Either ConsumerARN, or both StreamARN and ConsumerName must be provided.")
	}
	st, err := s.target(&input{StreamARN: streamARN}, now)
	if err != nil {
		return nil, nil, err
	}
	c := st.consumers[*name]
	if c == nil || created != -1 && created != c.created {
		st.mu.Unlock()
		return nil, nil, st.noConsumer(*name, max(created, 0))
	}
	return st, c, nil
}
