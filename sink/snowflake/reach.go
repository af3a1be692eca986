package snowflake

import (
	"context"
	"database/sql"
	"net"
	"net/http"
	"strconv"
	"time"

	sf "github.com/snowflakedb/gosnowflake/v2"
)

const (
	// loginPatience is what a log-in may take before it is looked into why; over a slow network it takes about a second.
	loginPatience = 2 * time.Second
	// reachTimeout bounds each step of a connection. The driver's own limit, 30 s, is all that a log-in at the start has.
	reachTimeout = 10 * time.Second
)

// connect logs in, and tells soon of a host that is not reached: the driver tries again for a minute and more, says nothing
// meanwhile, and of a context that ends before that it tells nothing but that it ended. A log-in that takes long is
// therefore given up as soon as a connection to the same host fails too; the caller has its own way to try again.
func (l Login) connect(ctx context.Context, db *sql.DB, cfg sf.Config) (*sql.Conn, error) {
	address, err := origin(cfg)
	if err != nil || l.Transport != nil {
		return db.Conn(ctx) //nolint:wrapcheck // classified by the caller, as below
	}
	ctx, cancel := context.WithCancel(ctx)
	var unreached error
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		select {
		case <-ctx.Done():
			return
		case <-time.After(loginPatience):
		}
		if err := reach(ctx, address); err != nil && ctx.Err() == nil {
			unreached = err
			cancel()
		}
	}()
	conn, err := db.Conn(ctx)
	cancel()
	<-looked
	if err != nil && unreached != nil {
		return nil, unreached
	}
	return conn, err //nolint:wrapcheck
}

// origin is where the driver logs in, scheme://host:port.
func origin(cfg sf.Config) (string, error) {
	if _, err := sf.DSN(&cfg); err != nil { // fills in the host that belongs to an account
		return "", err //nolint:wrapcheck // the driver tells it too, at the log-in
	}
	return cfg.Protocol + "://" + net.JoinHostPort(cfg.Host, strconv.Itoa(cfg.Port)), nil
}

// reach makes one connection, through the proxy that the driver uses too. Whatever is answered, the host is there.
func reach(ctx context.Context, address string) error {
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: reachTimeout}).DialContext,
		TLSHandshakeTimeout: reachTimeout,
		DisableKeepAlives:   true,
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, address+"/", nil)
	if err != nil {
		return err //nolint:wrapcheck // the caller's error names the host
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return err //nolint:wrapcheck // as above
	}
	return answer.Body.Close()
}
