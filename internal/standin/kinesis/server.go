package kinesis

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Options of a server. The zero value is a service with every limit on and no delays.
type Options struct {
	Clock       func() time.Time // default time.Now
	Account     string           // 12 digits, default 000000000000
	Region      string           // default us-east-1
	CreateDelay time.Duration    // CREATING for so long, and DELETING
	UpdateDelay time.Duration    // UPDATING for so long before a reshard is seen
	// ConsumerDelay is how long a consumer is CREATING, and DELETING.
	ConsumerDelay time.Duration
	// Propagation is how long after its arrival a record is pushed to subscribers, some 70 ms in the service. It is not
	// for GetRecords. Without it a subscription has an event for each request that puts.
	Propagation time.Duration
	// OnDemandAdvantage is the account's setting by which an on-demand stream may have 50 consumers instead of 20.
	OnDemandAdvantage bool
	// AutoSplit has the shards of on-demand streams split by themselves. The zero value has none do; [Server.Split],
	// [Server.Merge] and [Server.UpdateShardCount] change the shards of a stream in either mode.
	AutoSplit AutoSplit
	// Alarm gives a channel that something is sent on, or that closes, when Clock comes to a time, and a function that
	// gives the wait up. Only subscriptions wait. The default is a timer of package time, which is right for a Clock that
	// runs as fast as that package's.
	Alarm  func(at time.Time) (rung <-chan time.Time, stop func() bool)
	Limits *Limits // default AllLimits
	Hooks  Hooks
	// LateEnd has the end of a closed shard come in an empty answer of its own. By default it comes with the last
	// records, so that a client that drops those is found out. The service does either.
	LateEnd bool
}

// Server is a Kinesis of one account and region. Its methods may be called from any goroutine.
type Server struct {
	opt    Options
	sealer *sealer
	faults faults
	// Both are used with a stream locked, and mu is locked before a stream is, so they have no lock of their own.
	limits        atomic.Pointer[Limits]
	subscriptions atomic.Int64

	mu           sync.Mutex
	streams      map[string]*stream
	incarnations map[uint64]*stream // including deleted ones, whose iterators are still about
	lastCreated  map[string]int64
	made         uint64
	requests     uint64
	rates        map[string]*callWindow
}

// New makes a server without streams.
func New(opt Options) *Server {
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	if opt.AutoSplit.Shards == 0 {
		opt.AutoSplit.Shards = 200
	}
	if opt.Alarm == nil {
		opt.Alarm = func(at time.Time) (<-chan time.Time, func() bool) {
			t := time.NewTimer(at.Sub(opt.Clock()))
			return t.C, t.Stop
		}
	}
	if opt.Account == "" {
		opt.Account = "000000000000"
	}
	if opt.Region == "" {
		opt.Region = "us-east-1"
	}
	s := &Server{
		opt: opt, sealer: newSealer(),
		streams: map[string]*stream{}, incarnations: map[uint64]*stream{}, lastCreated: map[string]int64{},
		rates: map[string]*callWindow{},
	}
	s.SetLimits(AllLimits())
	if opt.Limits != nil {
		s.SetLimits(*opt.Limits)
	}
	s.faults.hooks = opt.Hooks
	return s
}

// SetLimits switches rate limits from now on.
func (s *Server) SetLimits(l Limits) { s.limits.Store(&l) }

func (s *Server) enforced() Limits { return *s.limits.Load() }

// SetHooks replaces the hooks from now on; the running numbers of operations go on.
func (s *Server) SetHooks(h Hooks) { s.faults.set(h) }

// arn is the stream ARN of this account and region.
func (s *Server) arn(name string) string {
	return fmt.Sprintf("arn:aws:kinesis:%s:%s:stream/%s", s.opt.Region, s.opt.Account, name)
}

type settings struct {
	shards    int
	onDemand  bool
	auto      bool
	maxRecord int // KiB
}

func (s *Server) create(name string, set settings, delay time.Duration) *Error {
	now := s.opt.Clock().UnixMilli()
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.streams[name]; ok && !s.gone(old, now) {
		return clientError("ResourceInUseException", "Stream %s under account %s already exists.", name, s.opt.Account)
	}
	// Creation times have whole seconds; two incarnations of a name never share one.
	second := max(now/1000, s.lastCreated[name]+1)
	s.lastCreated[name] = second
	s.made++
	st := &stream{
		name: name, arn: s.arn(name), account: s.opt.Account, incarnation: s.made, created: second * 1000,
		autoSplit: s.opt.AutoSplit, onDemand: set.onDemand, auto: set.auto, retention: 24 * time.Hour, maxRecord: set.maxRecord << 10,
	}
	if delay > 0 {
		st.creating = now + delay.Milliseconds()
	}
	for i := range set.shards {
		end := maxHashKey
		if i+1 < set.shards {
			end = boundary(i+1, set.shards).prev()
		}
		st.addShard(boundary(i, set.shards), end, st.created, second)
	}
	s.streams[name] = st
	s.incarnations[st.incarnation] = st
	return nil
}

// gone reports, and makes true of the map, that a deleted stream's time is up. The caller holds s.mu.
func (s *Server) gone(st *stream, now int64) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.deleting == 0 || now < st.deleting {
		return false
	}
	if s.streams[st.name] == st {
		delete(s.streams, st.name)
	}
	st.shards, st.ring = nil, nil
	return true
}

// lock returns the named stream, settled and locked.
func (s *Server) lock(name string, now time.Time) (*stream, *Error) {
	s.mu.Lock()
	st, ok := s.streams[name]
	ok = ok && !s.gone(st, now.UnixMilli())
	s.mu.Unlock()
	if !ok {
		return nil, notFound("Stream %s under account %s not found.", name, s.opt.Account)
	}
	st.mu.Lock()
	st.settle(now.UnixMilli())
	return st, nil
}

// lockIncarnation returns the stream that a token was made for, settled and locked, and its name in any case.
func (s *Server) lockIncarnation(id uint64, now time.Time) (st *stream, name string) {
	s.mu.Lock()
	st = s.incarnations[id]
	if st == nil {
		s.mu.Unlock()
		return nil, ""
	}
	name = st.name
	dead := s.gone(st, now.UnixMilli()) || s.streams[name] != st
	s.mu.Unlock()
	if dead {
		return nil, name
	}
	st.mu.Lock()
	st.settle(now.UnixMilli())
	return st, name
}

// nameOf is the name of the stream that a token was made for, "" when there is none.
func (s *Server) nameOf(id uint64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.incarnations[id]; st != nil {
		return st.name
	}
	return ""
}
