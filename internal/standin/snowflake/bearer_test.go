package snowflake

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestAnAttestationWithOneWrongPartNamesNobody(t *testing.T) {
	attest := func(change func(url, method *string, headers map[string]string)) string {
		url, method := "https://sts.eu-central-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15", "POST"
		headers := map[string]string{
			"Authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-central-1/sts/aws4_request, SignedHeaders=host;x-amz-date;x-snowflake-audience, Signature=" + strings.Repeat("0", 64),
			"Host":          "sts.eu-central-1.amazonaws.com", "X-Amz-Date": "20260101T000000Z", "X-Snowflake-Audience": "snowflakecomputing.com",
		}
		change(&url, &method, headers)
		b, err := json.Marshal(map[string]any{"url": url, "method": method, "headers": headers})
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(b)
	}
	if got := attestedKey(attest(func(*string, *string, map[string]string) {})); got != "AKIA" {
		t.Fatalf("a good one names %q", got)
	}
	for what, token := range map[string]string{
		"host": attest(func(url, _ *string, _ map[string]string) {
			*url = strings.Replace(*url, "amazonaws.com", "example.com", 1)
		}),
		"action": attest(func(url, _ *string, _ map[string]string) {
			*url = strings.Replace(*url, "GetCallerIdentity", "AssumeRole", 1)
		}),
		"scheme":   attest(func(url, _ *string, _ map[string]string) { *url = strings.Replace(*url, "https", "http", 1) }),
		"method":   attest(func(_, method *string, _ map[string]string) { *method = "GET" }),
		"audience": attest(func(_, _ *string, h map[string]string) { h["X-Snowflake-Audience"] = "example.com" }),
		"signed headers": attest(func(_, _ *string, h map[string]string) {
			h["Authorization"] = strings.Replace(h["Authorization"], ";x-snowflake-audience", "", 1)
		}),
		"region": attest(func(_, _ *string, h map[string]string) {
			h["Authorization"] = strings.Replace(h["Authorization"], "eu-central-1", "us-east-1", 1)
		}),
		"signature": attest(func(_, _ *string, h map[string]string) { delete(h, "Authorization") }),
		"encoding":  "{}",
	} {
		if got := attestedKey(token); got != "" {
			t.Errorf("one with a wrong %s names %q", what, got)
		}
	}
}

func TestTokensAreOfOneUserAndOneKind(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := New(Options{Now: func() time.Time { return now }})
	t.Cleanup(s.Close)
	s.AddUser("u", "", nil)
	s.AddOAuthToken("oauth", "u", now.Add(time.Second))
	s.AddAccessToken("pat", "u", now.Add(time.Second))
	s.AddOAuthToken("stale", "u", now)
	s.AddAccessToken("stale", "u", now)
	s.AddOAuthToken("nobody's", "v", time.Time{})
	s.AddWorkload("OIDC", "id", "u")
	for _, tt := range []struct{ authenticator, provider, token, name, code string }{
		{"OAUTH", "", "oauth", "", ""}, {"OAUTH", "", "oauth", "U", ""}, {"OAUTH", "", "oauth", "V", "390309"}, {"OAUTH", "", "oauth\n", "", "390303"},
		{"OAUTH", "", "pat", "", "390303"}, {"OAUTH", "", "stale", "", "390318"}, {"OAUTH", "", "nobody's", "", "390303"},
		{"PROGRAMMATIC_ACCESS_TOKEN", "", "pat", "U", ""}, {"PROGRAMMATIC_ACCESS_TOKEN", "", "pat", "V", "394400"},
		{"PROGRAMMATIC_ACCESS_TOKEN", "", "stale", "", "394400"}, {"PROGRAMMATIC_ACCESS_TOKEN", "", "oauth", "", "394400"},
		{"WORKLOAD_IDENTITY", "OIDC", "id", "", ""}, {"WORKLOAD_IDENTITY", "GCP", "id", "", "390100"}, {"WORKLOAD_IDENTITY", "OIDC", "other", "", "390100"},
		{"EXTERNALBROWSER", "", "oauth", "U", "390139"}, {"ID_TOKEN", "", "id", "U", "390139"}, {"USERNAME_PASSWORD_MFA", "", "", "U", "390139"},
	} {
		req := &loginRequest{}
		req.Data.Authenticator, req.Data.Provider, req.Data.Token, req.Data.LoginName = tt.authenticator, tt.provider, tt.token, tt.name
		u, err := s.authenticate(req)
		if code := ""; err != nil {
			code = asError(err).Code
			if code != tt.code {
				t.Errorf("%+v: got %v", tt, err)
			}
		} else if u.name != "U" || tt.code != "" {
			t.Errorf("%+v: is accepted", tt)
		}
	}
	s.RevokeTokens()
	if u, err := s.bearer("OAUTH", "", "oauth", ""); err == nil {
		t.Errorf("a revoked token is %s's", u.name)
	}
}
