package source

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/sts"
)

func TestARoleIsAssumed(t *testing.T) {
	for name, c := range map[string]struct {
		setUp       func(t *testing.T, o *Options)
		caller, its string // the key that assumed the role, and its session token
	}{
		"with static keys": {func(_ *testing.T, o *Options) {
			o.AccessKeyID, o.SecretAccessKey, o.SessionToken = "AKIABASE", "s", "base-token"
		}, "AKIABASE", "base-token"},
		"with the default chain": {func(t *testing.T, _ *Options) {
			t.Setenv("AWS_ACCESS_KEY_ID", "AKIABASE")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
		}, "AKIABASE", ""},
	} {
		t.Run(name, func(t *testing.T) {
			bare(t)
			service := authority(t, sts.Role{ARN: role, Trusted: []string{"AKIABASE"}, ExternalID: externalID})
			got, err := prepared(t, func(o *Options) {
				o.RoleARN, o.ExternalID = role, externalID
				c.setUp(t, o)
			})
			if err != nil {
				t.Fatal(err)
			}
			given := service.Given()
			if len(given) != 1 {
				t.Fatalf("the role was assumed %d times", len(given))
			}
			g := given[0]
			if got.key != g.AccessKeyID || got.token != g.Token {
				t.Errorf("signed by %+v, want the role's %+v", got, g)
			}
			if g.CallerKey != c.caller || g.CallersToken != c.its || g.ExternalID != externalID || g.Region != "eu-west-3" || g.Session != "kinesis-snowflake-host-1-a" {
				t.Errorf("assumed as %+v", g)
			}
		})
	}
}

func TestADeniedRoleSaysWhatToDo(t *testing.T) {
	for name, c := range map[string]struct{ id, want string }{
		"another external ID": {"partner-8", "let the role's trust policy name this identity and, if any, source.external_id"},
		"no external ID":      {"", "is not authorized to perform: sts:AssumeRole on resource: " + role},
	} {
		t.Run(name, func(t *testing.T) {
			bare(t)
			t.Setenv("AWS_ENDPOINT_URL_STS", "http://sts.test")
			synctest.Test(t, func(t *testing.T) {
				service, server := sts.New(nil), kinesis.New(kinesis.Options{})
				service.AddRole(sts.Role{ARN: role, Trusted: []string{"AKIABASE"}, ExternalID: externalID})
				o := Options{Stream: stream, Region: "us-east-1", Application: application, AccessKeyID: "AKIABASE", SecretAccessKey: "hunter2", KinesisTransport: server.RoundTripper()}
				if err := o.complete(); err != nil {
					t.Fatal(err)
				}
				cfg, err := awsConfig(t.Context(), &o)
				if err != nil {
					t.Fatal(err)
				}
				cfg.HTTPClient = inHand{service}
				o.RoleARN, o.ExternalID = role, c.id
				cfg.Credentials = assumeRole(cfg, &o)
				_, err = newSource(o, cfg).Prepare(t.Context())
				if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "kinesis:DescribeStreamSummary on") || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("got %v, want ... %s", err, c.want)
				}
			})
		})
	}
}

// inHand serves a handler without a connection, so that it works within a bubble.
type inHand struct{ http.Handler }

func (h inHand) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

func TestARoleIsAssumedAgainBeforeItsSessionEnds(t *testing.T) {
	bare(t)
	t.Setenv("AWS_ENDPOINT_URL_STS", "http://sts.test")
	synctest.Test(t, func(t *testing.T) {
		service := sts.New(nil)
		service.AddRole(sts.Role{ARN: role, Trusted: []string{"AKIABASE"}})
		o := Options{Stream: stream, Region: "us-east-1", Application: application, AccessKeyID: "AKIABASE", SecretAccessKey: "s"}
		cfg, err := awsConfig(context.Background(), &o)
		if err != nil {
			t.Fatal(err)
		}
		cfg.HTTPClient = inHand{service}
		o.RoleARN, o.WorkerID = role, "w"
		provider := assumeRole(cfg, &o)
		start, last := time.Now(), ""
		for range 300 {
			got, err := provider.Retrieve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if left := time.Until(service.Given()[len(service.Given())-1].Expires); got.AccessKeyID == last && left < 4*time.Minute {
				t.Fatalf("%v after the start the credentials are good for %v", time.Since(start), left)
			}
			last = got.AccessKeyID
			<-time.After(time.Minute)
		}
		if n := len(service.Given()); n != 6 {
			t.Errorf("assumed %d times in 5 h", n)
		}
	})
}

func TestNameOfARolesSession(t *testing.T) {
	for worker, want := range map[string]string{
		"w":                                   "kinesis-snowflake-w",
		"ip-10/1:ü b":                         "kinesis-snowflake-ip-10-1---b",
		"a_b=c,d.e@f-":                        "kinesis-snowflake-a_b=c,d.e@f-",
		strings.Repeat("x", 60) + "-abcdefgh": "kinesis-snowflake-" + strings.Repeat("x", 37) + "-abcdefgh",
	} {
		if got := sessionName(worker); got != want || len(got) > 64 {
			t.Errorf("%q gives %q", worker, got)
		}
	}
}
