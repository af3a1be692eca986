package kinesis

import "time"

// Consumer is a snapshot of a registered consumer.
type Consumer struct {
	Name, ARN, Status string
	Subscriptions     []Subscription // by shard number; those whose client is still there
}

// Subscription is a snapshot of a subscription.
type Subscription struct {
	Number  int // running number of the server's subscriptions, from 1
	Shard   string
	Began   time.Time
	Events  int // sent, or taken to be sent
	Records int // in them
}

// RegisterConsumer registers a consumer that is ACTIVE at once, without the service's limit on their number.
func (s *Server) RegisterConsumer(name, consumer string) (arn string, err error) {
	err = s.with(name, func(st *stream, now time.Time) *Error {
		if st.consumers[consumer] != nil {
			return clientError("ResourceInUseException", "Consumer %s under stream %s already exists for account %s.", consumer, st.name, st.account)
		}
		arn = st.register(consumer, now, 0).arn
		return nil
	})
	return arn, err
}

// DeregisterConsumer ends a consumer and its subscriptions at once.
func (s *Server) DeregisterConsumer(name, consumer string) error {
	return s.with(name, func(st *stream, now time.Time) *Error {
		c := st.consumers[consumer]
		if c == nil {
			return st.noConsumer(consumer, 0)
		}
		st.deregister(c, now, 0)
		return nil
	})
}

// Consumers is a snapshot of a stream's consumers, by name; none if there is no such stream.
func (s *Server) Consumers(name string) []Consumer {
	var out []Consumer
	_ = s.with(name, func(st *stream, now time.Time) *Error { // no such stream: no consumers
		for _, c := range st.sortedConsumers() {
			d := Consumer{Name: c.name, ARN: c.arn, Status: c.status(now.UnixMilli())}
			for _, h := range st.shards {
				if seat := c.seats[h.number]; seat != nil && seat.sub != nil {
					u := seat.sub
					d.Subscriptions = append(d.Subscriptions, Subscription{Number: u.number, Shard: h.id, Began: u.began, Events: u.events, Records: u.sent})
				}
			}
			out = append(out, d)
		}
		return nil
	})
	return out
}
