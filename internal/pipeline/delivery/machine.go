package delivery

import "time"

// Machine makes the decisions of one pipeline. Its methods tell it what happened, at which monotonic time; after any of
// them, [Machine.Advance] says what to do. It must not be used by two goroutines at once.
type Machine struct {
	cfg      Config
	shards   map[Ref]*shard
	lastRef  Ref
	waiting  []*shard // that were told Full
	open     *batch
	loading  *batch // nil when none is sealed
	lastID   BatchID
	flush    bool // seal the open batch now
	stopping bool
	gathered time.Duration // no batch is sealed for drains before it

	op     *Op // under way
	lastOp uint64
	parts  []*part // of the Load under way, with those that have no rows

	pause  time.Duration // after the next error; zero while there is no trouble
	ill    time.Duration // when the trouble began
	resume time.Duration // nothing is tried before it
	fatal  error

	tally Tally
	out   Output
}

// New returns a machine without shards.
func New(cfg Config) *Machine {
	m := &Machine{cfg: cfg, shards: map[Ref]*shard{}}
	m.open = m.newBatch()
	return m
}

// Flush has the open batch loaded now, if it holds anything.
func (m *Machine) Flush(time.Duration) {
	m.flush = !m.open.empty()
}

// Stop has everything loaded that is in a batch; then the machine is Done.
func (m *Machine) Stop(time.Duration) { m.stopping = true }

// Advance decides everything that is due at now.
func (m *Machine) Advance(now time.Duration) Output {
	for m.fatal == nil && m.op == nil {
		if m.loading == nil {
			if !m.due(now) {
				break
			}
			m.seal(now)
		}
		if m.loading.active > 0 || now < m.resume {
			break
		}
		m.step(now)
	}
	out := m.out
	m.out = Output{}
	out.Wake = m.wake()
	out.Done = m.stopping && m.open.empty() && m.loading == nil
	out.Fatal = m.fatal
	return out
}

// Loading returns the batch that is sealed, unless answers are still being appended to it.
func (m *Machine) Loading() (BatchID, bool) {
	if m.loading == nil || m.loading.active > 0 {
		return 0, false
	}
	return m.loading.id, true
}

// due reports whether the open batch is to be sealed.
func (m *Machine) due(now time.Duration) bool {
	b := m.open
	if b.empty() || now < m.resume {
		return false
	}
	return m.stopping || m.flush || b.urgent || b.full(m.cfg) || b.leaving && now >= m.gathered || now-b.first >= m.cfg.Interval
}

func (m *Machine) wake() time.Duration {
	b := m.open
	switch {
	case m.fatal != nil || m.op != nil:
		return Never
	case m.loading != nil && m.loading.active > 0:
		return Never
	case m.loading != nil:
		return m.resume
	case b.empty():
		return Never
	case m.stopping || m.flush || b.urgent || b.full(m.cfg):
		return m.resume
	}
	due := b.first + m.cfg.Interval
	if b.leaving {
		due = min(due, m.gathered)
	}
	return max(due, m.resume)
}

func (m *Machine) event(e Event) { m.out.Events = append(m.out.Events, e) }

// begin makes an op the one that is under way.
func (m *Machine) begin(op Op) {
	m.lastOp++
	op.ID = m.lastOp
	m.op, m.out.Op = &op, &op
}

// answered ends the op that is under way. It returns nil for an answer to any other.
func (m *Machine) answered(id uint64, kind OpKind) *Op {
	op := m.op
	if op == nil || op.ID != id || op.Kind != kind {
		return nil
	}
	m.op = nil
	return op
}
