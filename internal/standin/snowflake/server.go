package snowflake

import (
	"cmp"
	"context"
	"crypto/rsa"
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

type user struct {
	name, password string
	key            *rsa.PublicKey
	fingerprint    string
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

// AddUser registers a user, who may log in with a password (if it is not empty) and with a JWT signed by the private half of key (if it is not nil).
func (s *Server) AddUser(name, password string, key *rsa.PublicKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := &user{name: strings.ToUpper(name), password: password, key: key}
	if key != nil {
		u.fingerprint = fingerprint(key)
	}
	s.users[u.name] = u
}

// CreateDatabase makes a database with a schema PUBLIC, unless it exists.
func (s *Server) CreateDatabase(name string) {
	s.cat.mu.Lock()
	defer s.cat.mu.Unlock()
	s.cat.addDatabase(name, s.now())
}

// CreateSchema makes a schema, and its database, unless they exist.
func (s *Server) CreateSchema(database, schema string) {
	s.cat.mu.Lock()
	defer s.cat.mu.Unlock()
	s.cat.addDatabase(database, s.now())
	if n := (schemaName{database, schema}); s.cat.schemas[n].IsZero() {
		s.cat.schemas[n] = s.now()
	}
}

// CreateWarehouse makes a warehouse. Before the first call, any warehouse name is taken for one that exists.
func (s *Server) CreateWarehouse(name string) {
	s.cat.mu.Lock()
	defer s.cat.mu.Unlock()
	s.cat.warehouses[name] = true
}

// CreateRole makes a role. Before the first call, any role name is taken for one that exists and is granted.
func (s *Server) CreateRole(name string) {
	s.cat.mu.Lock()
	defer s.cat.mu.Unlock()
	s.cat.roles[name] = true
}

func (c *catalogue) addDatabase(name string, now time.Time) {
	if _, ok := c.databases[name]; !ok {
		c.databases[name] = now
		c.schemas[schemaName{name, "PUBLIC"}] = now
		c.schemas[schemaName{name, "INFORMATION_SCHEMA"}] = now
	}
}

// Handler serves the protocol. Where it is reached under an address that uploads shall use, call [Server.SetURL].
func (s *Server) Handler() http.Handler { return s.handler }

// SetURL sets the address ("http://127.0.0.1:8080") that presigned upload URLs begin with. Without it they begin with
// what the client called the server.
func (s *Server) SetURL(url string) { s.baseURL.Store(&url) }

// Deny refuses a privilege from now on: INSERT, SELECT, UPDATE, DELETE, TRUNCATE and OWNERSHIP on a table ("DB.SCHEMA.TABLE"), CREATE TABLE and CREATE
// STAGE on a schema ("DB.SCHEMA"), READ and WRITE on a stage, USAGE on a warehouse.
func (s *Server) Deny(privilege, object string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied[privilege+" "+object] = true
}

// Allow takes a [Server.Deny] back.
func (s *Server) Allow(privilege, object string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.denied, privilege+" "+object)
}

func (s *Server) allowed(privilege, kind string, object fmt.Stringer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.denied[privilege+" "+object.String()] {
		return notAuthorized(kind, object)
	}
	return nil
}

// SuspendByMonitor lets a resource monitor suspend all warehouses (090073), or ends that.
func (s *Server) SuspendByMonitor(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.monitor = on
}

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

// useWarehouse counts one use of a session's warehouse, or refuses.
func (s *Server) useWarehouse(se *session) error {
	if se.admin {
		return nil
	}
	if se.warehouse == "" {
		return failf("000606", "57P03", "No active warehouse selected in the current session.  Select an active warehouse with the 'use warehouse' command.")
	}
	if err := s.allowed("USAGE", "warehouse", plainName(se.warehouse)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.monitor {
		return failf("090073", "22000", "Warehouse '%s' cannot be resumed because resource monitor 'MONITOR' has exceeded its quota.", se.warehouse)
	}
	now := s.now()
	s.stats.Warehouse++
	if last, ok := s.running[se.warehouse]; !ok || now.Sub(last) > s.options.WarehouseSuspend {
		s.stats.Wakes++
	}
	s.running[se.warehouse] = now
	return nil
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
