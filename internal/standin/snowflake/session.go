package snowflake

import (
	"strconv"
	"strings"
	"time"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

// A session lives from login until it is deleted, or for good where its client vanished. Its fields but the tokens belong to the
// statement that holds turn.
type session struct {
	id    int64
	user  string
	admin bool
	turn  chan struct{} // holds a token while no statement runs

	database, schema, warehouse, role string
	parameters                        map[string]string
	tx                                *transaction
	lastQuery                         string

	// guarded by Server.mu
	token, master               string
	tokenExpires, masterExpires time.Time
	closed                      bool
}

// parameterDefaults are the parameters that the stand-in acts on, and some that clients read.
var parameterDefaults = map[string]string{
	"AUTOCOMMIT": "true", "TIMEZONE": "UTC", "LOCK_TIMEOUT": "43200", "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
	"TRANSACTION_ABORT_ON_ERROR": "false", "STATEMENT_TIMEOUT_IN_SECONDS": "172800", "QUOTED_IDENTIFIERS_IGNORE_CASE": "false",
	"DATE_INPUT_FORMAT": "AUTO", "TIME_INPUT_FORMAT": "AUTO", "TIMESTAMP_INPUT_FORMAT": "AUTO", "ABORT_DETACHED_QUERY": "false",
	"CLIENT_SESSION_KEEP_ALIVE": "false", "CLIENT_TELEMETRY_ENABLED": "false", "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD": "65280",
	"QUERY_TAG": "", "GO_QUERY_RESULT_FORMAT": "JSON", "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY": "3600",
}

// otherParameters are known to the service and change nothing here.
var otherParameters = map[string]bool{
	"STATEMENT_QUEUED_TIMEOUT_IN_SECONDS": true, "OPT_OUT_ERROR_LOGGING": true, "MULTI_STATEMENT_COUNT": true, "DATE_OUTPUT_FORMAT": true, "TIME_OUTPUT_FORMAT": true,
	"TIMESTAMP_OUTPUT_FORMAT": true, "TIMESTAMP_NTZ_OUTPUT_FORMAT": true, "TIMESTAMP_LTZ_OUTPUT_FORMAT": true, "TIMESTAMP_TZ_OUTPUT_FORMAT": true,
	"BINARY_INPUT_FORMAT": true, "BINARY_OUTPUT_FORMAT": true, "USE_CACHED_RESULT": true, "WEEK_START": true, "ROWS_PER_RESULTSET": true, "JSON_INDENT": true,
	"ERROR_ON_NONDETERMINISTIC_UPDATE": true, "ERROR_ON_NONDETERMINISTIC_MERGE": true, "CLIENT_RESULT_CHUNK_SIZE": true, "CLIENT_PREFETCH_THREADS": true,
	"STRICT_JSON_OUTPUT": true, "LOG_LEVEL": true, "TRACE_LEVEL": true, "READ_CONSISTENCY_MODE": true, "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": true,
	"CLIENT_METADATA_REQUEST_USE_CONNECTION_CTX": true, "GEOGRAPHY_OUTPUT_FORMAT": true, "GEOMETRY_OUTPUT_FORMAT": true, "TIMESTAMP_DAY_IS_ALWAYS_24H": true,
}

func (se *session) parameter(name string) string {
	if v, ok := se.parameters[name]; ok {
		return v
	}
	return parameterDefaults[name]
}

func (se *session) flag(name string) bool { return strings.EqualFold(se.parameter(name), "true") }

func (se *session) seconds(name string) time.Duration {
	n, err := strconv.Atoi(se.parameter(name))
	if err != nil {
		n, _ = strconv.Atoi(parameterDefaults[name])
	}
	return time.Duration(n) * time.Second
}

// set checks and keeps one session parameter.
func (se *session) set(name, value string) error {
	name = strings.ToUpper(name)
	def, known := parameterDefaults[name]
	if !known && !otherParameters[name] {
		return failf("001108", "42601", "SQL compilation error:\ninvalid parameter '%s'", name)
	}
	bad := failf("001007", "22023", "SQL compilation error:\ninvalid value [%s] for parameter '%s'", value, name)
	switch {
	case def == "true" || def == "false":
		if !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false") {
			return bad
		}
	case name == "LOCK_TIMEOUT" || name == "STATEMENT_TIMEOUT_IN_SECONDS":
		if n, err := strconv.Atoi(value); err != nil || n < 0 {
			return bad
		}
	case name == "TIMEZONE":
		if _, err := time.LoadLocation(value); err != nil {
			return bad
		}
	case name == "TIMESTAMP_TYPE_MAPPING":
		value = strings.ToUpper(value)
		if value != "TIMESTAMP_NTZ" && value != "TIMESTAMP_LTZ" && value != "TIMESTAMP_TZ" {
			return bad
		}
	case name == "QUERY_TAG" && len(value) > 2000:
		return bad
	}
	se.parameters[name] = value
	return nil
}

func (s *Server) newSession(user string) *session {
	se := &session{id: s.newID()<<10 | 2, user: user, turn: make(chan struct{}, 1), parameters: map[string]string{}}
	se.turn <- struct{}{}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[se.id] = se
	return se
}

// endSession closes a session for good and rolls its transaction back, after its running statement.
func (s *Server) endSession(se *session) {
	s.mu.Lock()
	se.closed = true
	delete(s.sessions, se.id)
	s.mu.Unlock()
	select {
	case <-se.turn:
	case <-s.ctx.Done():
		return
	}
	if se.tx != nil {
		s.rollback(se.tx)
		se.tx = nil
	}
	se.turn <- struct{}{}
}

// issue gives a session new tokens.
func (s *Server) issue(se *session) {
	token, master := "st-"+s.uuid(), "mt-"+s.uuid()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	se.token, se.tokenExpires = token, now.Add(s.options.SessionToken)
	se.master, se.masterExpires = master, now.Add(s.options.MasterToken)
	s.tokens[token], s.tokens[master] = se, se
}

// bySessionToken finds the session of a request: 390104 for a token that was never given, 390111 for a session that is gone,
// 390112 for a token that has expired or was replaced.
func (s *Server) bySessionToken(token string) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	se := s.tokens[token]
	switch {
	case se == nil || token == se.master:
		return nil, failf("390104", "08001", "Authentication token is invalid. The user must authenticate again.")
	case se.closed:
		return nil, failf("390111", "08001", "Session no longer exists.  New login required to access the service.")
	case token != se.token || !s.now().Before(se.tokenExpires):
		return nil, failf("390112", "08001", "Your session has expired. Please login again.")
	}
	return se, nil
}

func (s *Server) byMasterToken(token string) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	se := s.tokens[token]
	switch {
	case se == nil || token != se.master:
		return nil, failf("390104", "08001", "Authentication token is invalid. The user must authenticate again.")
	case se.closed:
		return nil, failf("390111", "08001", "Session no longer exists.  New login required to access the service.")
	case !s.now().Before(se.masterExpires):
		return nil, failf("390114", "08001", "Authentication token has expired.  The user must authenticate again.")
	}
	return se, nil
}

// ExpireTokens makes the session tokens of all sessions expire now (390112); with master also the master tokens (390114).
func (s *Server) ExpireTokens(master bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, se := range s.sessions {
		se.tokenExpires = s.now()
		if master {
			se.masterExpires = s.now()
		}
	}
}

// DropSessions ends all sessions as the service does when it forgets them: open transactions are rolled back, the next
// request gets 390111.
func (s *Server) DropSessions() {
	s.mu.Lock()
	var all []*session
	for _, se := range s.sessions {
		all = append(all, se)
	}
	s.mu.Unlock()
	for _, se := range all {
		s.endSession(se)
	}
}

func (st *execution) use(s *syntax.Use) (*answer, error) {
	se, c := st.session, st.server.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	name := ""
	if len(s.Name) > 0 {
		name = s.Name[len(s.Name)-1].Name
	}
	missing := failf("002043", "02000", "SQL compilation error:\nObject does not exist, or operation cannot be performed.")
	switch s.Kind {
	case "DATABASE":
		if _, ok := c.databases[name]; !ok {
			return nil, missing
		}
		se.database, se.schema = name, "PUBLIC"
	case "SCHEMA":
		n := schemaName{se.database, name}
		if len(s.Name) == 2 {
			n.database = s.Name[0].Name
		}
		if _, ok := c.schemas[n]; !ok {
			return nil, missing
		}
		se.database, se.schema = n.database, name
	case "WAREHOUSE":
		if len(c.warehouses) > 0 && !c.warehouses[name] {
			return nil, missing
		}
		se.warehouse = name
	case "ROLE":
		if len(c.roles) > 0 && !c.roles[name] {
			return nil, missing
		}
		se.role = name
	}
	return status(typeDDL, "Statement executed successfully."), nil
}

func (st *execution) alterSession(s *syntax.AlterSession) (*answer, error) {
	for _, o := range s.Set {
		if len(o.Values) != 1 {
			return nil, compileError("invalid value for parameter '%s'", o.Name)
		}
		if err := st.session.set(o.Name, o.Values[0]); err != nil {
			return nil, err
		}
	}
	for _, n := range s.Unset {
		delete(st.session.parameters, n)
	}
	return status(typeDDL, "Statement executed successfully."), nil
}
