package snowflake

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	sf "github.com/snowflakedb/gosnowflake/v2"

	service "kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/internal/standin/sts"
)

// jwt is an ID token of a subject, which nobody here verifies.
func jwt(subject string) string {
	e := base64.RawURLEncoding
	return e.EncodeToString([]byte(`{"alg":"RS256"}`)) + "." + e.EncodeToString(fmt.Appendf(nil, `{"iss":"https://issuer","sub":%q}`, subject)) + ".c2ln"
}

// clock is a time that a test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// loaderKey is made once: a key costs more than all the logins.
var loaderKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// loginWorld is an account, and the clouds around it.
type loginWorld struct {
	*service.Server
	clock *clock
	key   *rsa.PrivateKey
	dir   string
	// metadata answers for the metadata services of GCP and Azure.
	metadata http.Handler
}

func newLoginWorld(t *testing.T) *loginWorld {
	t.Helper()
	// The driver asks cloud metadata addresses at its first login otherwise.
	t.Setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	key, err := loaderKey()
	if err != nil {
		t.Fatal(err)
	}
	w := &loginWorld{clock: &clock{now: time.Now()}, key: key, dir: t.TempDir()}
	w.Server = service.New(service.Options{Now: w.clock.Now})
	t.Cleanup(w.Close)
	w.AddUser("LOADER", "password", &key.PublicKey)
	w.AddUser("OTHER", "", nil)
	w.CreateSchema("RAW", "KINESIS")
	return w
}

func (w *loginWorld) RoundTrip(r *http.Request) (*http.Response, error) {
	switch r.URL.Host {
	case "metadata.google.internal", "169.254.169.254":
		if w.metadata == nil {
			return nil, errors.New("no route to host")
		}
		answer := httptest.NewRecorder()
		w.metadata.ServeHTTP(answer, r)
		return answer.Result(), nil
	}
	return w.Server.RoundTripper().RoundTrip(r)
}

// dialer is one that logs in with what change sets.
func (w *loginWorld) dialer(change func(*Login)) Dialer {
	l := Login{Account: "testaccount", URL: "http://snowflake.test", Warehouse: "WH", Database: "RAW", Schema: "KINESIS", Transport: w}
	change(&l)
	return NewDialer(l)
}

func (w *loginWorld) file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(w.dir, "token")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// user asks who is logged in, in a new session.
func user(t *testing.T, d Dialer) (string, error) {
	t.Helper()
	s, err := d.Dial(t.Context())
	if err != nil {
		return "", err
	}
	defer s.Close()
	res, err := s.Query(t.Context(), Text("SELECT CURRENT_USER() AS U"))
	if err != nil {
		return "", err
	}
	return res.Get(0, "U"), nil
}

func TestEachWayToLogIn(t *testing.T) {
	for name, set := range map[string]func(t *testing.T, w *loginWorld, l *Login){
		"key pair": func(_ *testing.T, w *loginWorld, l *Login) { l.User, l.PrivateKey = "loader", w.key },
		"password": func(_ *testing.T, _ *loginWorld, l *Login) { l.User, l.Password = "loader", "password" },
		"OAuth token from a file with a newline": func(t *testing.T, w *loginWorld, l *Login) {
			w.AddOAuthToken("access-token", "LOADER", w.clock.Now().Add(time.Minute))
			l.OAuth = TokenFile(w.file(t, "access-token\n"))
		},
		"OAuth token and its user": func(t *testing.T, w *loginWorld, l *Login) {
			w.AddOAuthToken("access-token", "LOADER", time.Time{})
			l.User, l.OAuth = "loader", Token("access-token")
		},
		"the token of a service in SPCS": func(t *testing.T, w *loginWorld, l *Login) {
			w.AddOAuthToken("service-token", "LOADER", time.Time{})
			l.OAuth, l.NoRevocationCheck = TokenFile(w.file(t, "service-token")), true
		},
		"PAT": func(t *testing.T, w *loginWorld, l *Login) {
			w.AddAccessToken("pat-secret", "LOADER", time.Time{})
			l.User, l.PAT = "loader", Token("pat-secret")
		},
		"PAT from a file, without a user": func(t *testing.T, w *loginWorld, l *Login) {
			w.AddAccessToken("pat-secret", "LOADER", time.Time{})
			l.PAT = TokenFile(w.file(t, "pat-secret\r\n"))
		},
		"workload of AWS": func(t *testing.T, w *loginWorld, l *Login) {
			t.Setenv("AWS_REGION", "eu-central-1")
			t.Setenv("AWS_ACCESS_KEY_ID", "AKIALOADER")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
			w.AddWorkload("AWS", "AKIALOADER", "LOADER")
			l.Workload = &Workload{Provider: "AWS"}
		},
		"workload of AWS through two roles": func(t *testing.T, w *loginWorld, l *Login) {
			authority := sts.New(nil)
			authority.AddRole(sts.Role{ARN: "arn:aws:iam::1:role/a", Trusted: []string{"AKIABASE"}})
			authority.AddRole(sts.Role{ARN: "arn:aws:iam::2:role/b", Trusted: []string{"ASIA0000000000000001"}})
			server := httptest.NewServer(authority)
			t.Cleanup(server.Close)
			t.Setenv("AWS_ENDPOINT_URL_STS", server.URL)
			t.Setenv("AWS_REGION", "eu-central-1")
			t.Setenv("AWS_ACCESS_KEY_ID", "AKIABASE")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
			w.AddWorkload("AWS", "ASIA0000000000000002", "LOADER")
			l.Workload = &Workload{Provider: "AWS", Path: []string{"arn:aws:iam::1:role/a", "arn:aws:iam::2:role/b"}}
		},
		"workload of GCP": func(t *testing.T, w *loginWorld, l *Login) {
			w.AddWorkload("GCP", jwt("gcp"), "LOADER")
			mux := http.NewServeMux()
			mux.HandleFunc("GET /computeMetadata/v1/instance/service-accounts/default/identity", func(rw http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Metadata-Flavor") == "Google" && r.URL.Query().Get("audience") == "snowflakecomputing.com" {
					_, _ = io.WriteString(rw, jwt("gcp"))
				}
			})
			w.metadata = mux
			l.Workload = &Workload{Provider: "GCP"}
		},
		"workload of Azure, for an application of one's own": func(t *testing.T, w *loginWorld, l *Login) {
			w.AddWorkload("AZURE", jwt("azure"), "LOADER")
			mux := http.NewServeMux()
			mux.HandleFunc("GET /metadata/identity/oauth2/token", func(rw http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Metadata") == "true" && r.URL.Query().Get("resource") == "api://own" {
					fmt.Fprintf(rw, `{"access_token":%q}`, jwt("azure"))
				}
			})
			w.metadata = mux
			t.Setenv("IDENTITY_ENDPOINT", "")
			l.Workload = &Workload{Provider: "AZURE", Resource: "api://own"}
		},
		"workload of an OIDC provider": func(t *testing.T, w *loginWorld, l *Login) {
			w.AddWorkload("OIDC", jwt("system:serviceaccount:a:b"), "LOADER")
			l.Workload = &Workload{Provider: "OIDC", Token: TokenFile(w.file(t, jwt("system:serviceaccount:a:b")+"\n"))}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newLoginWorld(t)
			d := w.dialer(func(l *Login) { set(t, w, l) })
			if got, err := user(t, d); err != nil || got != "LOADER" {
				t.Errorf("logged in as %q, %v", got, err)
			}
		})
	}
}

func TestRefusedLoginsSayWhatToDo(t *testing.T) {
	for name, tt := range map[string]struct {
		set   func(t *testing.T, w *loginWorld, l *Login)
		class Class
		code  int
		hint  string
	}{
		"wrong password":      {func(_ *testing.T, _ *loginWorld, l *Login) { l.User, l.Password = "loader", "hunter2" }, Permanent, 390100, "check sink.user and the password"},
		"another's key":       {func(_ *testing.T, w *loginWorld, l *Login) { l.User, l.PrivateKey = "other", w.key }, Permanent, 390144, "RSA_PUBLIC_KEY"},
		"unknown OAuth token": {func(_ *testing.T, _ *loginWorld, l *Login) { l.OAuth = Token("hunter2") }, Permanent, 390303, "check the access token"},
		"OAuth token of another": {func(_ *testing.T, w *loginWorld, l *Login) {
			w.AddOAuthToken("hunter2", "OTHER", time.Time{})
			l.User, l.OAuth = "loader", Token("hunter2")
		}, Permanent, 390309, "correct sink.user"},
		"expired OAuth token": {func(_ *testing.T, w *loginWorld, l *Login) {
			w.AddOAuthToken("hunter2", "LOADER", w.clock.Now())
			l.OAuth = Token("hunter2")
		}, Gone, 390318, "read again at the next login"},
		"unknown PAT": {func(_ *testing.T, _ *loginWorld, l *Login) { l.PAT = Token("hunter2") }, Permanent, 394400, "ROTATE PROGRAMMATIC ACCESS TOKEN"},
		"expired PAT": {func(_ *testing.T, w *loginWorld, l *Login) {
			w.AddAccessToken("hunter2", "LOADER", w.clock.Now())
			l.PAT = Token("hunter2")
		}, Permanent, 394400, "ROTATE PROGRAMMATIC ACCESS TOKEN"},
		"PAT as an OAuth token": {func(_ *testing.T, w *loginWorld, l *Login) {
			w.AddAccessToken("hunter2", "LOADER", time.Time{})
			l.OAuth = Token("hunter2")
		}, Permanent, 390303, ""},
		"workload of nobody": {func(_ *testing.T, _ *loginWorld, l *Login) {
			l.Workload = &Workload{Provider: "OIDC", Token: Token(jwt("hunter2"))}
		}, Permanent, 390100, "WORKLOAD_IDENTITY = (TYPE = OIDC"},
		"ID token that is none": {func(_ *testing.T, _ *loginWorld, l *Login) {
			l.Workload = &Workload{Provider: "OIDC", Token: Token("hunter2")}
		}, Permanent, 0, "the token is no ID token"},
		"AWS without a region": {func(t *testing.T, _ *loginWorld, l *Login) {
			t.Setenv("AWS_ACCESS_KEY_ID", "AKIALOADER")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
			l.Workload = &Workload{Provider: "AWS"}
		}, Permanent, 0, "set AWS_REGION"},
		"AWS without credentials": {func(t *testing.T, _ *loginWorld, l *Login) {
			t.Setenv("AWS_REGION", "eu-central-1")
			l.Workload = &Workload{Provider: "AWS"}
		}, Gone, 0, "workload_identity AWS uses the AWS default chain"},
		"GCP from elsewhere": {func(_ *testing.T, _ *loginWorld, l *Login) { l.Workload = &Workload{Provider: "GCP"} }, Gone, 0, "metadata service gave no token"},
		"a way that is not allowed": {func(_ *testing.T, w *loginWorld, l *Login) {
			w.SetHooks(service.Hooks{Before: func(service.Event) *service.Fault {
				return &service.Fault{Err: &service.Error{Code: "390139", Message: "not accepted"}}
			}})
			l.PAT = Token("hunter2")
		}, Permanent, 390139, "authentication policy"},
		"a refusal that nobody knows": {func(_ *testing.T, w *loginWorld, l *Login) {
			w.SetHooks(service.Hooks{Before: func(service.Event) *service.Fault {
				return &service.Fault{Err: &service.Error{Code: "394999", Message: "no"}}
			}})
			l.PAT = Token("hunter2")
		}, Permanent, 394999, ""},
		"a token's file that is gone":  {func(_ *testing.T, w *loginWorld, l *Login) { l.OAuth = TokenFile(w.dir + "/none") }, Gone, 0, ""},
		"a token's file that is empty": {func(t *testing.T, w *loginWorld, l *Login) { l.PAT = TokenFile(w.file(t, "\n")) }, Gone, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newLoginWorld(t)
			d := w.dialer(func(l *Login) { tt.set(t, w, l) })
			_, err := user(t, d)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Class != tt.class || e.Code != tt.code || !strings.Contains(e.Hint, tt.hint) {
				t.Fatalf("got %+v (%v)", e, err)
			}
			if text := err.Error(); strings.Contains(text, "hunter2") || !strings.HasPrefix(text, "log in to snowflake: ") {
				t.Errorf("the error says %q", text)
			}
		})
	}
}

func TestAReplacedTokenIsUsedAtTheNextLogin(t *testing.T) {
	w := newLoginWorld(t)
	path := w.file(t, "first\n")
	w.AddOAuthToken("first", "LOADER", w.clock.Now().Add(10*time.Minute))
	w.AddOAuthToken("second", "LOADER", w.clock.Now().Add(10*time.Hour))
	d := w.dialer(func(l *Login) { l.OAuth = TokenFile(path) })
	c := NewClient(d, slog.New(slog.DiscardHandler))
	defer c.Discard()
	ask := func() error { _, err := c.Query(t.Context(), Text("SELECT CURRENT_USER() AS U")); return err }
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	// A session outlives its token.
	w.clock.advance(time.Hour - time.Minute)
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	// Once session and master token have ended, the old token does not do any more, and the new one does as soon as it is there.
	w.clock.advance(4 * time.Hour)
	if err := ask(); ClassOf(err) != Gone {
		t.Fatalf("the ended session answers %v", err)
	}
	if err := ask(); ClassOf(err) != Gone || !strings.Contains(err.Error(), "390318") {
		t.Fatalf("the old token answers %v", err)
	}
	w.file(t, "second\n")
	if err := ask(); err != nil {
		t.Fatalf("the new token answers %v", err)
	}
}

func TestADeadSessionLogsInAgain(t *testing.T) {
	w := newLoginWorld(t)
	w.AddAccessToken("pat-secret", "LOADER", time.Time{})
	c := NewClient(w.dialer(func(l *Login) { l.PAT = Token("pat-secret") }), slog.New(slog.DiscardHandler))
	defer c.Discard()
	ask := func() (string, error) {
		res, err := c.Query(t.Context(), Text("SELECT CURRENT_SESSION() AS S"))
		if err != nil {
			return "", err
		}
		return res.Get(0, "S"), nil
	}
	first, err := ask()
	if err != nil {
		t.Fatal(err)
	}
	// The session's token alone is renewed by the driver, under the same session.
	w.clock.advance(2 * time.Hour)
	if same, err := ask(); err != nil || same != first {
		t.Fatalf("session %s after %s, %v", same, first, err)
	}
	w.clock.advance(5 * time.Hour)
	_, err = ask()
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != 390114 || e.Class != Gone {
		t.Fatalf("the ended session answers %v", err)
	}
	again, err := ask()
	if err != nil || again == first || w.Stats().Statements["LOGIN"] != 2 {
		t.Errorf("session %s after %s, %v, %d logins", again, first, err, w.Stats().Statements["LOGIN"])
	}
}

func TestTheDriverLogsToTheProgramsLog(t *testing.T) {
	w := newLoginWorld(t)
	w.AddAccessToken("hunter2hunter2", "LOADER", time.Time{})
	d := w.dialer(func(l *Login) { l.PAT = Token("hunter2hunter2") })
	for _, level := range []slog.Level{slog.LevelInfo, slog.LevelDebug} {
		var log lockedBuffer // the driver may still write to it when its connection is done
		if err := LogDriver(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: level}))); err != nil {
			t.Fatal(err)
		}
		if got, want := sf.GetLogger().GetLogLevel(), map[slog.Level]string{slog.LevelInfo: "OFF", slog.LevelDebug: "INFO"}[level]; got != want {
			t.Errorf("the driver makes lines of level %s, want %s", got, want)
		}
		if _, err := user(t, d); err != nil {
			t.Fatal(err)
		}
		lines := log.String()
		if level == slog.LevelInfo && lines != "" {
			t.Errorf("at info: %s", lines)
		}
		if level == slog.LevelDebug && !strings.Contains(lines, `"level":"DEBUG","msg":"Connected successfully`) || strings.Contains(lines, "hunter2") || strings.Contains(lines, "SELECT CURRENT_USER") {
			t.Errorf("at debug: %s", lines)
		}
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
