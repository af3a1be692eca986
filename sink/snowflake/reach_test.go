package snowflake

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	sf "github.com/snowflakedb/gosnowflake/v2"
)

// The driver tries a log-in again for longer than a start waits; why it is in vain is told before that.
func TestUnreachableHostIsToldWithItsCause(t *testing.T) {
	t.Setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := "http://" + closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ url, want string }{
		"refused":     {refusing, "connect: connection refused: see that this machine reaches " + refusing},
		"not a name":  {"http://none.invalid", "lookup none.invalid"},
		"refused tls": {"https" + strings.TrimPrefix(refusing, "http"), "connect: connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
			defer cancel()
			_, err := NewDialer(Login{Account: "testaccount", URL: tt.url, User: "LOADER", Password: "password"}).Dial(ctx)
			if err == nil || !strings.Contains(err.Error(), tt.want) || ClassOf(err) != Gone || errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
				t.Errorf("got  %v, of class %s, context %v\nwant %s", err, ClassOf(err), ctx.Err(), tt.want)
			}
		})
	}
}

func TestWhereToLookForAnAccount(t *testing.T) {
	for account, want := range map[string]string{
		"org-name":             "https://org-name.snowflakecomputing.com:443",
		"xy12345.eu-central-1": "https://xy12345.eu-central-1.snowflakecomputing.com:443",
		"xy12345.cn-north-1":   "https://xy12345.cn-north-1.snowflakecomputing.cn:443",
	} {
		cfg, err := Login{Account: account, User: "LOADER", Password: "password"}.config()
		if err != nil {
			t.Fatal(err)
		}
		cfg.Authenticator, cfg.Password = sf.AuthTypeSnowflake, "password"
		before := cfg.Host
		if got, err := origin(*cfg); got != want || err != nil || cfg.Host != before {
			t.Errorf("%s: %s, %v, want %s; host %q became %q", account, got, err, want, before, cfg.Host)
		}
	}
}
