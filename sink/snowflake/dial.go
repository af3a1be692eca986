package snowflake

import (
	"context"
	"crypto/rsa"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	sf "github.com/snowflakedb/gosnowflake/v2"

	"kinesis-snowflake/sink/table"
)

// Login says where Snowflake is and who logs in.
type Login struct {
	Account string
	URL     string // private link or a local stand-in; "" is the account's own host
	User    string // may be empty but with PrivateKey and Password

	// The first of these that is set is how to log in.
	PrivateKey *rsa.PrivateKey // key-pair authentication
	OAuth      TokenSource     // an access token, also the one that Snowpark Container Services gives a service
	PAT        TokenSource     // a programmatic access token
	Workload   *Workload       // workload identity federation
	Password   string

	Role      string
	Warehouse string
	Database  string
	Schema    string
	// Application names the pipeline in the query tag, so that its cost can be found in QUERY_HISTORY.
	Application string
	// LockTimeout is how long a statement waits for a lock, in whole seconds; at least one.
	LockTimeout time.Duration
	// NoRevocationCheck leaves out asking whether the server's certificate was revoked, where a network lets nothing through but
	// Snowflake itself: the check goes to port 80 of the certificate authority, and costs every login its time limit.
	NoRevocationCheck bool
	// Transport replaces the driver's own in tests.
	Transport http.RoundTripper
}

// statementTimeout is the server's own limit for a statement: a COPY of a large batch on a small warehouse fits well.
const statementTimeout = 15 * time.Minute

// requestTimeout bounds the driver's repeats of one request while Snowflake cannot be reached.
const requestTimeout = time.Minute

type dialer struct{ login Login }

// NewDialer returns a [Dialer] for gosnowflake.
func NewDialer(l Login) Dialer { return &dialer{login: l} }

func (d *dialer) Dial(ctx context.Context) (Session, error) {
	cfg, err := d.login.config()
	if err != nil {
		return nil, &Error{Class: Permanent, Statement: "log in to snowflake", Err: err}
	}
	if err := d.login.authenticate(cfg); err != nil {
		// The token's file is being replaced, perhaps.
		return nil, &Error{Class: Gone, Statement: "log in to snowflake", Err: err}
	}
	db := sql.OpenDB(sf.NewConnector(sf.SnowflakeDriver{}, *cfg))
	db.SetMaxOpenConns(1)
	conn, err := d.login.connect(ctx, db, *cfg)
	if err != nil {
		_ = db.Close()
		return nil, d.login.classify(err)
	}
	return &connSession{db: db, conn: conn}, nil
}

func (l Login) config() (*sf.Config, error) {
	cfg := &sf.Config{
		Account: l.Account, User: l.User, Role: l.Role, Warehouse: l.Warehouse, Database: l.Database, Schema: l.Schema,
		Application:               "kinesis-snowflake",
		RequestTimeout:            requestTimeout, //nolint:staticcheck // said to move in a later release; there is no other way yet
		LoginTimeout:              requestTimeout, //nolint:staticcheck // as above
		ValidateDefaultParameters: sf.ConfigBoolTrue,
		DisableConsoleLogin:       sf.ConfigBoolTrue,
		Params:                    l.parameters(),
	}
	if l.URL != "" {
		u, err := url.Parse(l.URL)
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			return nil, fmt.Errorf("read sink.url %q: want https://HOST[:PORT]", l.URL)
		}
		cfg.Protocol, cfg.Host = u.Scheme, u.Host
		cfg.Port = map[string]int{"https": 443, "http": 80}[u.Scheme]
		if host, port, err := net.SplitHostPort(u.Host); err == nil {
			cfg.Host = host
			if cfg.Port, err = strconv.Atoi(port); err != nil {
				return nil, fmt.Errorf("read the port of sink.url %q: %w", l.URL, err)
			}
		}
		// A stand-in over plain http has no certificate whose revocation could be looked up.
		cfg.DisableOCSPChecks = u.Scheme == "http"
	}
	cfg.DisableOCSPChecks = cfg.DisableOCSPChecks || l.NoRevocationCheck
	if l.Transport != nil {
		// The driver honours a transport only with the revocation check off.
		cfg.DisableOCSPChecks, cfg.Transporter = true, l.Transport
	}
	return cfg, nil
}

// parameters are the session's: each one that the connector's correctness leans on is set, whatever the account's
// default.
func (l Login) parameters() map[string]*string {
	lock := max(1, int(l.LockTimeout/time.Second))
	values := map[string]string{
		"TIMEZONE":                            "UTC",
		"TIMESTAMP_TYPE_MAPPING":              "TIMESTAMP_NTZ",
		"TIMESTAMP_INPUT_FORMAT":              table.TimestampFormat,
		"DATE_INPUT_FORMAT":                   table.DateFormat,
		"TIME_INPUT_FORMAT":                   table.TimeFormat,
		"BINARY_INPUT_FORMAT":                 "HEX",
		"QUOTED_IDENTIFIERS_IGNORE_CASE":      "false",
		"AUTOCOMMIT":                          "false", // a statement after a transaction that was ended from outside does not commit by itself
		"USE_CACHED_RESULT":                   "false", // what the offsets say is asked of them
		"TRANSACTION_ABORT_ON_ERROR":          "false",
		"LOCK_TIMEOUT":                        strconv.Itoa(lock),
		"STATEMENT_TIMEOUT_IN_SECONDS":        strconv.Itoa(int(statementTimeout / time.Second)),
		"STATEMENT_QUEUED_TIMEOUT_IN_SECONDS": "300",
		"ABORT_DETACHED_QUERY":                "false",
		"CLIENT_SESSION_KEEP_ALIVE":           "true",
		"CLIENT_TELEMETRY_ENABLED":            "false",
		"QUERY_TAG":                           `{"app":"kinesis-snowflake","pipeline":"` + strings.Map(tagChar, l.Application) + `"}`,
	}
	params := make(map[string]*string, len(values))
	for k, v := range values {
		params[strings.ToLower(k)] = &v
	}
	return params
}

func tagChar(r rune) rune {
	if r == '"' || r == '\\' || r < ' ' {
		return '_'
	}
	return r
}
