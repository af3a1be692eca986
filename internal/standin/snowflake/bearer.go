package snowflake

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// bearerToken is a token that says by itself who logs in.
type bearerToken struct {
	user    string
	expires time.Time // zero: never
}

type bearerKey struct{ authenticator, provider, token string }

// AddOAuthToken registers an access token of a user, as OAuth and the services of Snowpark Container Services have it. The zero
// time is for one that does not expire. A session that was begun with it outlives it.
func (s *Server) AddOAuthToken(token, user string, expires time.Time) {
	s.addBearer(bearerKey{"OAUTH", "", token}, user, expires)
}

// AddAccessToken registers a programmatic access token of a user.
func (s *Server) AddAccessToken(token, user string, expires time.Time) {
	s.addBearer(bearerKey{"PROGRAMMATIC_ACCESS_TOKEN", "", token}, user, expires)
}

// AddWorkload registers who an identity of a cloud is: for AWS the access key that signs the attestation, for GCP, AZURE and
// OIDC the ID token itself.
func (s *Server) AddWorkload(provider, identity, user string) {
	s.addBearer(bearerKey{"WORKLOAD_IDENTITY", provider, identity}, user, time.Time{})
}

// RevokeTokens forgets every registered token.
func (s *Server) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.bearers)
}

func (s *Server) addBearer(k bearerKey, name string, expires time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bearers[k] = bearerToken{strings.ToUpper(name), expires}
}

// bearer finds the user of a token. name may be empty; if it is not, it must be that user's. A token is compared as it stands: a
// newline at its end makes it another one.
func (s *Server) bearer(authenticator, provider, token, name string) (*user, error) {
	if provider == "AWS" {
		token = attestedKey(token)
	}
	s.mu.Lock()
	b, ok := s.bearers[bearerKey{authenticator, provider, token}]
	u := s.users[b.user]
	s.mu.Unlock()
	expired := !b.expires.IsZero() && !s.now().Before(b.expires)
	switch {
	case authenticator == "OAUTH" && (!ok || u == nil):
		return nil, failf("390303", "08001", "Invalid OAuth access token.")
	case authenticator == "OAUTH" && name != "" && name != b.user:
		return nil, failf("390309", "08001", "The user you were trying to authenticate as differs from the user tied to the access token.")
	case authenticator == "OAUTH" && expired:
		return nil, failf("390318", "08001", "OAuth access token expired.")
	case authenticator == "PROGRAMMATIC_ACCESS_TOKEN" && (!ok || u == nil || expired || name != "" && name != b.user):
		return nil, failf("394400", "08001", "Programmatic access token is invalid.")
	case !ok || u == nil:
		// Which code an account answers an attestation with that belongs to no user was never seen.
		return nil, failf("390100", "08001", "Incorrect username or password was specified.")
	}
	return u, nil
}

var attestationSigner = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/]+)/[0-9]{8}/([a-z0-9-]+)/sts/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=[0-9a-f]{64}$`)

// attestedKey is the access key that signed an AWS attestation: a request for sts:GetCallerIdentity that Snowflake would send on
// to learn who that is. Empty for one that STS would not answer, or that is not made for Snowflake. (gosnowflake v2.1.0, observed)
func attestedKey(token string) string {
	var a struct {
		URL, Method string
		Headers     map[string]string
	}
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(b, &a) != nil {
		return ""
	}
	u, err := url.Parse(a.URL)
	m := attestationSigner.FindStringSubmatch(a.Headers["Authorization"])
	if err != nil || m == nil || u.Scheme != "https" || u.Query().Get("Action") != "GetCallerIdentity" || a.Method != "POST" {
		return ""
	}
	if u.Host != "sts."+m[2]+".amazonaws.com" || a.Headers["X-Snowflake-Audience"] != "snowflakecomputing.com" || !strings.Contains(m[3], "x-snowflake-audience") {
		return ""
	}
	return m[1]
}
