package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"kinesis-snowflake/internal/standin/snowflake"
)

// cable is a command's way to all services, which breaks for good at one of its calls, as if its machine had died there: at
// "dynamodb UpdateItem 2 after" or "snowflake UPDATE 1 before".
type cable struct {
	at   string
	dead atomic.Bool
	seen atomic.Int64
}

var errCut = errors.New("connection reset by peer")

func (c *cable) to(service string, next http.RoundTripper) http.RoundTripper {
	if c == nil {
		return next
	}
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if c.dead.Load() {
			return nil, errCut
		}
		var at, class, moment string
		var n int64
		if _, err := fmt.Sscan(c.at, &at, &class, &n, &moment); err != nil {
			return nil, err
		}
		call, err := callOf(service, r)
		if err != nil {
			return nil, err
		}
		if at != service || call != class || c.seen.Add(1) != n {
			return next.RoundTrip(r)
		}
		if moment == "after" {
			if resp, err := next.RoundTrip(r); err == nil {
				_ = resp.Body.Close()
			}
		}
		c.dead.Store(true)
		return nil, errCut
	})
}

// callOf is the operation, or the first word of the statement.
func callOf(service string, r *http.Request) (string, error) {
	if service == "snowflake" {
		statement, err := snowflake.StatementOf(r)
		word, _, _ := strings.Cut(statement, " ")
		return word, err
	}
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return op, nil
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
