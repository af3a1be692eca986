package lease

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// Fractions of the lease duration. A renewal has three tries in it, as in KCL.
const (
	renewals   = 3  // a lease is renewed every duration/3
	fenceParts = 10 // a holder stops at 9/10, so that it has stopped before another worker may start
	// A stop waits duration/4, the time of one attempt, for takes and requests in doubt. Longer is in vain where the table
	// cannot be reached; what such a take has got after all expires.
	stopParts = 4
)

const (
	// checkpointDelay is how long a checkpoint may wait for a renewal to ride on.
	checkpointDelay = time.Second
	// auditEvery is KCL's interval of the hash-range audit.
	auditEvery = 2 * time.Minute
	// maxTakes and maxCreates bound the writes in flight that are not urgent, so that renewals find room.
	maxTakes   = 16
	maxCreates = 16
	// minRetry is the first back-off after a failed call; it doubles up to a twelfth of the duration.
	minRetry = 50 * time.Millisecond
)

// HandOverTimeout is how long a holder may take to hand over a lease that it is asked for, as with KCL. After that the
// lease is handed over as it stands.
const HandOverTimeout = 30 * time.Second

const never = time.Duration(1<<63 - 1)

// Machine makes the decisions of one worker. It has no goroutine, no clock and no I/O: methods tell it what happened
// and when, and [Machine.Advance] answers with what to do. It must not be used by two goroutines at once.
type Machine struct {
	cfg     Config
	rng     *rand.Rand
	entries map[string]*entry
	broken  map[string]bool
	rows    []*entry // of entries; see ordered
	untidy  bool     // rows must be sorted, or rid of the forgotten
	dirty   []*entry
	wakes   wakeHeap
	waiting []*entry // those that wait for another row, and some that no longer do
	held    int
	out     Output

	ops    map[uint64]*op
	lastID uint64 // of ops, nonces and holdings
	takes  int    // in flight
	queue  []*entry
	takeAt time.Duration // when the first of the queue may be taken; never when nothing holds it up
	eager  float64       // this look's factor of the grace before this worker takes more than its share
	drains bool          // no more takes and opens
	stops  bool          // release everything
	stopBy time.Duration // what was begun before, and is no lease yet, is waited for until then; never until stops was seen

	self       *peer
	peers      []*peer // by name
	byName     map[string]*peer
	owners     int // peers for whom leases count
	unfinished int // leases
	client     string
	looks      uint64 // of the table

	asks      []*entry // to be asked for
	requests  int      // in flight
	awaited   int      // asked for and not handed over yet
	stealAt   time.Duration
	standings []standing // scratch
	found     []*entry   // scratch
	shown     []*entry   // in the order of the last scan

	scan  look
	list  look
	sync  syncState
	clock struct {
		base    time.Duration // wall minus monotonic, at the last comparison
		started bool
	}
	serverAhead time.Duration // 0 or negative: how far the service's clock lies before ours
}

// look is a repeated reading: of the table or of the stream's shards.
type look struct {
	running bool
	begun   time.Duration // when the running one, or the last one, began
	done    bool          // one has succeeded
	doneAt  time.Duration // when the last one that succeeded began
	next    time.Duration
	tries   int
}

// NewMachine returns the machine of one worker. Config's Clock and Logger are not used; Seed and Instance must be set.
func NewMachine(cfg Config) *Machine {
	m := &Machine{
		cfg:     cfg,
		rng:     rand.New(rand.NewPCG(cfg.Seed, 0)),
		entries: map[string]*entry{},
		broken:  map[string]bool{},
		byName:  map[string]*peer{},
		ops:     map[uint64]*op{},
		takeAt:  never,
		stopBy:  never,
		sync:    syncState{missing: map[string]time.Duration{}},
	}
	m.self = m.peer(cfg.Worker)
	return m
}

// Advance decides everything that is due at now.
func (m *Machine) Advance(now Instant) Output {
	m.compareClocks(now)
	for len(m.wakes) > 0 && m.wakes[0].wake <= now.Mono {
		m.touch(heap.Pop(&m.wakes).(*entry))
	}
	for i := 0; i < len(m.dirty); i++ { // it grows meanwhile
		if e := m.dirty[i]; !e.forgotten {
			e.dirty = false
			m.schedule(e, m.step(now, e))
		}
	}
	m.dirty = m.dirty[:0]
	m.startTakes(now)
	m.startAsks(now)
	m.startCreates(now)
	m.look(now)

	out := m.out
	m.out = Output{}
	out.Wake = m.nextWake(now)
	if m.stops && m.stopBy == never {
		m.stopBy = now.Mono + m.cfg.Duration/stopParts
		out.Wake = min(out.Wake, m.stopBy)
	}
	out.Stopped = m.stops && m.held == 0 && (m.takes == 0 && m.requests == 0 || now.Mono >= m.stopBy)
	return out
}

func (m *Machine) id() uint64 {
	m.lastID++
	return m.lastID
}

func (m *Machine) nonce() string {
	return m.cfg.Instance + "-" + strconv.FormatUint(m.id(), 36)
}

// jitter returns d times a random factor between 1-part and 1.
func (m *Machine) jitter(d time.Duration, part float64) time.Duration {
	return time.Duration(float64(d) * (1 - part*m.rng.Float64()))
}

// backoff returns the pause after the tries-th failure in a row.
func (m *Machine) backoff(tries int) time.Duration {
	return m.jitter(min(minRetry<<min(tries, 16), max(m.cfg.Duration/12, minRetry)), 0.5)
}

// fatal keeps the first error that ends the worker.
func (m *Machine) fatal(err error) {
	if m.out.Fatal == nil {
		m.out.Fatal = err
	}
}

func (m *Machine) event(e Event) { m.out.Events = append(m.out.Events, e) }

func sortedKeys[V any](s map[string]V) []string {
	keys := make([]string, 0, len(s))
	for k := range s {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
