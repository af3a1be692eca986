package source

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"kinesis-snowflake/internal/standin/dynamodb"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/sts"
)

const role, externalID = "arn:aws:iam::123456789012:role/reader", "partner-7"

// signature is who signed a request.
type signature struct{ key, token, region, service string }

var signed = regexp.MustCompile(`Credential=([^/]+)/[0-9]{8}/([a-z0-9-]+)/([a-z0-9]+)/aws4_request`)

// witness passes requests on, and keeps who signed them.
type witness struct {
	to   http.RoundTripper
	mu   sync.Mutex
	seen []signature
}

func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	s := signature{token: r.Header.Get("X-Amz-Security-Token")}
	if m := signed.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		s.key, s.region, s.service = m[1], m[2], m[3]
	}
	w.mu.Lock()
	w.seen = append(w.seen, s)
	w.mu.Unlock()
	return w.to.RoundTrip(r)
}

// last is who signed the latest request.
func (w *witness) last() signature {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.seen) == 0 {
		return signature{}
	}
	return w.seen[len(w.seen)-1]
}

// bare takes every credential that this machine may have out of the environment.
func bare(t *testing.T) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// authority starts an STS that the SDK is told of, with one role.
func authority(t *testing.T, r sts.Role) *sts.Server {
	t.Helper()
	s := sts.New(nil)
	s.AddRole(r)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_STS", server.URL)
	return s
}

// prepared asks Kinesis and DynamoDB for something, and returns who signed the requests.
func prepared(t *testing.T, change func(*Options)) (signature, error) {
	t.Helper()
	server := kinesis.New(kinesis.Options{})
	if err := server.CreateStream(stream, 1); err != nil {
		t.Fatal(err)
	}
	k, d := &witness{to: server.RoundTripper()}, &witness{to: dynamodb.New(dynamodb.Options{}).RoundTripper()}
	o := Options{Stream: stream, Region: "eu-west-3", Application: application, WorkerID: "host-1/a", KinesisTransport: k, DynamoDBTransport: d}
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Prepare(t.Context()); err != nil {
		return k.last(), err
	}
	if err := s.store.Ensure(t.Context()); err != nil {
		return d.last(), err
	}
	got, other := k.last(), d.last()
	if got.service != "kinesis" || other.service != "dynamodb" || got.region != "eu-west-3" || other.region != "eu-west-3" ||
		got.key != other.key || got.token != other.token {
		t.Errorf("kinesis was asked by %+v, dynamodb by %+v", got, other)
	}
	return got, nil
}

func TestCredentialsOfTheDefaultChain(t *testing.T) {
	for name, c := range map[string]struct {
		setUp      func(t *testing.T)
		key, token string
	}{
		"environment": {func(t *testing.T) {
			t.Setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
			t.Setenv("AWS_SESSION_TOKEN", "env-token")
		}, "AKIAENV", "env-token"},
		"shared file, a profile of it": {func(t *testing.T) {
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", write(t, "[default]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = s\n"+
				"[loader]\naws_access_key_id = AKIAFILE\naws_secret_access_key = s\naws_session_token = file-token\n"))
			t.Setenv("AWS_PROFILE", "loader")
		}, "AKIAFILE", "file-token"},
		"profile that assumes a role": {func(t *testing.T) {
			authority(t, sts.Role{ARN: role, Trusted: []string{"AKIABASE"}, ExternalID: externalID})
			t.Setenv("AWS_CONFIG_FILE", write(t, "[profile loader]\nrole_arn = "+role+"\nexternal_id = "+externalID+"\nsource_profile = base\n"+
				"[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n"))
			t.Setenv("AWS_PROFILE", "loader")
		}, "ASIA0000000000000001", "token-1"},
		"web identity (IRSA)": {func(t *testing.T) {
			authority(t, sts.Role{ARN: role, WebIdentity: "id-token"})
			t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", write(t, "id-token\n"))
			t.Setenv("AWS_ROLE_ARN", role)
		}, "ASIA0000000000000001", "token-1"},
		"container (ECS, EKS Pod Identity)": {func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v2/credentials/1" || r.Header.Get("Authorization") != "pod-token" {
					http.Error(w, "who are you", http.StatusForbidden)
					return
				}
				fmt.Fprintf(w, `{"AccessKeyId": "ASIATASK", "SecretAccessKey": "s", "Token": "task-token", "Expiration": %q}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
			}))
			t.Cleanup(server.Close)
			t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.URL+"/v2/credentials/1")
			t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", write(t, "pod-token"))
		}, "ASIATASK", "task-token"},
		"instance (EC2, IMDSv2)": {func(t *testing.T) {
			server := httptest.NewServer(metadata())
			t.Cleanup(server.Close)
			t.Setenv("AWS_EC2_METADATA_DISABLED", "")
			t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.URL)
		}, "ASIAINSTANCE", "instance-token"},
	} {
		t.Run(name, func(t *testing.T) {
			bare(t)
			c.setUp(t)
			got, err := prepared(t, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got.key != c.key || got.token != c.token {
				t.Errorf("signed by %+v, want %s with %s", got, c.key, c.token)
			}
		})
	}
}

// metadata is an instance's metadata service, which wants a session's token of its callers.
func metadata() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /latest/api/token", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
		fmt.Fprint(w, "imds-token")
	})
	answer := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Aws-Ec2-Metadata-Token") != "imds-token" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			fmt.Fprint(w, text)
		}
	}
	mux.HandleFunc("GET /latest/meta-data/iam/security-credentials/", answer("loader"))
	mux.HandleFunc("GET /latest/meta-data/iam/security-credentials/loader", answer(fmt.Sprintf(
		`{"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIAINSTANCE", "SecretAccessKey": "s", "Token": "instance-token", "Expiration": %q, "LastUpdated": "2026-01-01T00:00:00Z"}`,
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339))))
	return mux
}

func TestStaticKeysComeBeforeTheChain(t *testing.T) {
	bare(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	got, err := prepared(t, func(o *Options) { o.AccessKeyID, o.SecretAccessKey, o.SessionToken = "AKIASTATIC", "s", "static-token" })
	if err != nil || got.key != "AKIASTATIC" || got.token != "static-token" {
		t.Errorf("signed by %+v, %v", got, err)
	}
}
