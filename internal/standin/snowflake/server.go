package snowflake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const serverVersion = "10.30.0"

// Options set up a [Server]. The zero Options make a server with a memory engine and the service's limits.
type Options struct {
	// Account is the name in JWTs and in login requests; empty means TESTACCOUNT.
	Account string
	// Engine keeps the rows; nil means [NewMemory].
	Engine Engine
	// Now is the clock; nil means time.Now. Waits use timers of package time, so that a synctest bubble works.
	Now func() time.Time
	// Log gets a line a statement at debug level; nil means none.
	Log *slog.Logger
	// SessionToken and MasterToken are how long tokens live; zero means 1 h and 4 h.
	SessionToken, MasterToken time.Duration
	// SlowStatement is after which time a running statement is answered with 333334 and a place to poll; zero means 45 s.
	SlowStatement time.Duration
	// BlockingIdle is how long an idle transaction may block others; zero means 5 min. (Snowflake docs, "Transactions")
	BlockingIdle time.Duration
	// WarehouseSuspend is how long an idle warehouse runs on; zero means 60 s.
	WarehouseSuspend time.Duration
	// StageDir, if set, makes stages LOCAL_FS folders below it; otherwise stages are GCS-like, uploads arrive over HTTP and are
	// kept in memory.
	StageDir string
	// SilentAbortedCommit makes COMMIT after an abort from outside answer success, as it does where no transaction is open. Which of the
	// two the service does was never seen on a real account; the default answers an error.
	SilentAbortedCommit bool
}

// Server is one Snowflake account. Its methods may be called from any goroutine.
type Server struct {
	options Options
	engine  Engine
	cat     *catalogue
	locker  *locker
	handler http.Handler
	baseURL atomic.Pointer[string]
	hooks   atomic.Pointer[Hooks]
	slow    atomic.Pointer[<-chan struct{}]
	nextRow atomic.Int64

	// applying serialises commits and DDL against the engine.
	applying sync.Mutex

	ctx  context.Context
	stop context.CancelCauseFunc
	busy sync.WaitGroup

	mu           sync.Mutex
	users        map[string]*user
	bearers      map[bearerKey]bearerToken
	sessions     map[int64]*session
	tokens       map[string]*session // session tokens and master tokens
	transactions map[int64]*transaction
	lastTx       int64
	lastID       int64
	requests     map[string]*request
	queries      map[string]*request
	recent       []*request // oldest first
	denied       map[string]bool
	stats        Stats
	monitor      bool // the resource monitor has suspended the warehouses
	running      map[string]time.Time
}

// New makes a server. Close ends what it still runs.
func New(o Options) *Server {
	o.Account = strings.ToUpper(cmp.Or(o.Account, "TESTACCOUNT"))
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Engine == nil {
		o.Engine = NewMemory()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.SessionToken = cmp.Or(o.SessionToken, time.Hour)
	o.MasterToken = cmp.Or(o.MasterToken, 4*time.Hour)
	o.SlowStatement = cmp.Or(o.SlowStatement, 45*time.Second)
	o.BlockingIdle = cmp.Or(o.BlockingIdle, 5*time.Minute)
	o.WarehouseSuspend = cmp.Or(o.WarehouseSuspend, time.Minute)
	s := &Server{
		options: o, engine: o.Engine, cat: newCatalogue(),
		users: map[string]*user{}, bearers: map[bearerKey]bearerToken{}, sessions: map[int64]*session{}, tokens: map[string]*session{}, transactions: map[int64]*transaction{},
		requests: map[string]*request{}, queries: map[string]*request{}, denied: map[string]bool{}, running: map[string]time.Time{},
		stats: Stats{Statements: map[string]int{}},
	}
	s.ctx, s.stop = context.WithCancelCause(context.Background())
	s.locker = &locker{now: o.Now, idle: o.BlockingIdle, abort: s.abort}
	s.handler = s.routes()
	return s
}

// Close ends running statements with an error and waits for them.
func (s *Server) Close() {
	s.stop(errors.New("the stand-in was closed"))
	s.busy.Wait()
}

func (s *Server) now() time.Time { return s.options.Now() }

// Handler serves the protocol. Where it is reached under an address that uploads shall use, call [Server.SetURL].
func (s *Server) Handler() http.Handler { return s.handler }

// SetURL sets the address ("http://127.0.0.1:8080") that presigned upload URLs begin with. Without it they begin with
// what the client called the server.
func (s *Server) SetURL(url string) { s.baseURL.Store(&url) }

// HoldCopies makes every COPY, once it has read its files, wait until release is closed; nil ends that.
func (s *Server) HoldCopies(release <-chan struct{}) {
	if release == nil {
		s.slow.Store(nil)
		return
	}
	s.slow.Store(&release)
}

// Stats counts what the server was asked.
type Stats struct {
	// Statements counts executed statements by class: LOGIN, BEGIN, COMMIT, ROLLBACK, COPY, PUT, INSERT, UPDATE, DELETE, SELECT, DDL, DESCRIBE, SHOW, LIST, REMOVE, SESSION.
	Statements map[string]int
	// Warehouse counts statements that ran on a warehouse, Wakes those of them that found it suspended.
	Warehouse, Wakes int
}

// Stats gives the counts so far.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Statements = maps.Clone(st.Statements)
	return st
}

// TableData is a table as [Server.Table] shows it: all committed rows, in order of insertion.
type TableData struct {
	Columns []Column
	Rows    [][]Value
	Comment string
}

// Table gives a table's columns and committed rows, or false where there is none.
func (s *Server) Table(name TableName) (TableData, bool, error) {
	t, columns, err := s.cat.lookup(name)
	if err != nil {
		return TableData{}, false, nil //nolint:nilerr // the only error is that there is no such table
	}
	d := TableData{Comment: t.comment}
	for _, c := range columns {
		d.Columns = append(d.Columns, c.Column)
	}
	err = s.engine.Scan(s.ctx, t.store, nil, func(_ int64, row []Value) error {
		d.Rows = append(d.Rows, slices.Clone(row))
		return nil
	})
	return d, true, err
}

// Tables lists the names of all tables, sorted.
func (s *Server) Tables() []TableName {
	s.cat.mu.Lock()
	defer s.cat.mu.Unlock()
	names := slices.Collect(maps.Keys(s.cat.tables))
	slices.SortFunc(names, func(a, b TableName) int { return strings.Compare(a.String(), b.String()) })
	return names
}

// Exec runs one statement in a session of its own that needs no login and no warehouse, with full names or after nothing but
// the defaults given. It is for setting up and looking into tests.
func (s *Server) Exec(ctx context.Context, sql string) (*ResultSet, error) {
	se := s.newSession("ADMIN")
	se.admin = true
	defer s.endSession(se)
	st := &execution{server: s, session: se, ctx: ctx, sql: sql}
	a, err := st.execute()
	if err != nil {
		return nil, asError(err)
	}
	return &ResultSet{Columns: a.columns, Rows: a.rows}, nil
}

func (s *Server) newID() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	return s.lastID
}

// uuid makes ids that look like the service's query ids and are the same in every run.
func (s *Server) uuid() string {
	n := s.newID()
	return fmt.Sprintf("01b1%04x-%04x-%04x-0000-%012x", n>>32&0xffff, n>>16&0xffff, n&0xffff, n)
}
