package kinesis

import "time"

const (
	subscriptionLife = 5 * time.Minute
	takeoverAfter    = 5 * time.Second // of a successful call, before another may replace its subscription
	idleEvent        = 5 * time.Second // the longest that a subscription is silent
	subscribeRate    = 1               // calls a second, consumer and shard
	eventBytes       = readRate        // an event has as much, or one record
)

// seat is the place of a consumer at a shard: at most one subscription has it.
type seat struct {
	calls   callWindow
	granted time.Time // of the last successful call
	meter   bucket
	sub     *subscription // nil when nobody is subscribed
}

func (c *consumer) seat(shard int) *seat {
	if c.seats[shard] == nil {
		c.seats[shard] = new(seat)
	}
	return c.seats[shard]
}

// subscribeToShard answers with a subscription, whose events are made when they are asked for.
func (s *Server) subscribeToShard(in *input, now time.Time) (any, *Error) {
	switch {
	case in.ConsumerARN == nil:
		return nil, missing("consumerARN")
	case in.ShardId == nil:
		return nil, missing("shardId")
	case in.StartingPosition == nil:
		return nil, missing("startingPosition")
	case in.StartingPosition.Type == nil:
		return nil, missing("startingPosition.type")
	}
	st, c, err := s.consumer(&input{ConsumerARN: in.ConsumerARN}, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	if status := st.status(now.UnixMilli()); status == "CREATING" || status == "DELETING" {
		return nil, clientError("ResourceInUseException", "Stream %s under account %s not ACTIVE, instead in state %s", st.name, st.account, status)
	}
	if c.status(now.UnixMilli()) != "ACTIVE" {
		return nil, clientError("ResourceInUseException", "Consumer %s with creation timestamp %d under stream: %s , account %s is not in ACTIVE status.",
			c.name, c.created, st.name, st.account)
	}
	h, err := st.find(*in.ShardId)
	if err != nil {
		return nil, err
	}
	index, err := st.start(h, "SubscribeToShard", *in.StartingPosition, now)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		return nil, dryRun("SubscribeToShard")
	}
	seat := c.seat(h.number)
	if s.enforced().Control && !seat.calls.allow(now, subscribeRate) {
		return nil, limitExceeded("Rate exceeded for consumer %s and shard %s in stream %s under account %s.", c.name, h.id, st.name, st.account)
	}
	taken := clientError("ResourceInUseException", "Another active subscription exists for this consumer: %s:%s:%s:%s", st.account, st.name, h.id, c.name)
	if !seat.granted.IsZero() && now.Sub(seat.granted) < takeoverAfter {
		return nil, taken
	}
	if seat.sub != nil {
		seat.sub.end(taken)
	}
	seat.granted = now
	seat.sub = &subscription{server: s, incarnation: st.incarnation, shard: h, consumer: c, seat: seat, number: int(s.subscriptions.Add(1)), index: index, began: now, due: now.Add(idleEvent)}
	return &answer{events: seat.sub}, nil
}
