package config

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

// loginFiles are files that logins of these tests read.
func loginFiles(t *testing.T) string {
	return folder(t, map[string]string{"token": " tok.en \n", "pat": "hunter2-pat\n", "bad": "two\nlines\n", "empty": "\n"})
}

// loginWith is the minimal file without its user and password, with these lines in section sink.
func loginWith(t *testing.T, lines ...string) string {
	return with(t, "  user: LOADER\n  password: hunter2\n", "") + "  " + strings.Join(lines, "\n  ") + "\n"
}

func TestEachWayToLogIn(t *testing.T) {
	dir := loginFiles(t)
	inside := vars("SNOWFLAKE_ACCOUNT", "XY12345", "SNOWFLAKE_HOST", "snowflake.internal")
	for name, tt := range map[string]struct {
		lines []string
		want  Sink // but for what every file of this test has
	}{
		"OAuth": {[]string{"oauth_token_file: token"}, Sink{OAuthTokenFile: dir + "/token"}},
		"OAuth with a user": {[]string{"oauth_token_file: " + dir + "/token", "user: U"},
			Sink{OAuthTokenFile: dir + "/token", User: "U"}},
		"PAT":      {[]string{"pat: hunter2-pat"}, Sink{PAT: NewSecret("hunter2-pat")}},
		"PAT file": {[]string{"pat_file: pat", "user: U"}, Sink{PAT: NewSecret("hunter2-pat"), PATFile: dir + "/pat", User: "U"}},
		"AWS":      {[]string{"workload_identity: AWS"}, Sink{WorkloadIdentity: WorkloadAWS}},
		"AWS through roles": {[]string{"workload_identity: AWS", "workload_identity_impersonation_path: [a, b]"},
			Sink{WorkloadIdentity: WorkloadAWS, WorkloadPath: []string{"a", "b"}}},
		"GCP through accounts": {[]string{"workload_identity: GCP", "workload_identity_impersonation_path:", "  - a@x", "  - b@x"},
			Sink{WorkloadIdentity: WorkloadGCP, WorkloadPath: []string{"a@x", "b@x"}}},
		"Azure": {[]string{"workload_identity: AZURE", "workload_identity_entra_resource: api://x"},
			Sink{WorkloadIdentity: WorkloadAzure, WorkloadResource: "api://x"}},
		"OIDC": {[]string{"workload_identity: OIDC", "workload_identity_token_file: token"},
			Sink{WorkloadIdentity: WorkloadOIDC, WorkloadTokenFile: dir + "/token"}},
		"SPCS": {[]string{"spcs: true", "spcs_token_file: token"},
			Sink{SPCS: true, SPCSTokenFile: dir + "/token", URL: "https://snowflake.internal"}},
		"SPCS by another host": {[]string{"spcs: true", "spcs_token_file: token", "url: http://127.0.0.1:1"},
			Sink{SPCS: true, SPCSTokenFile: dir + "/token", URL: "http://127.0.0.1:1"}},
		"SPCS said no": {[]string{"spcs: false", "pat: hunter2-pat"}, Sink{PAT: NewSecret("hunter2-pat")}},
	} {
		t.Run(name, func(t *testing.T) {
			file := loginWith(t, tt.lines...)
			want := tt.want
			want.Account, want.Warehouse, want.Database, want.Schema, want.Table = "myorg-myaccount", "LOAD_XS", "RAW", "KINESIS", "ORDERS"
			if want.SPCS {
				file = strings.Replace(file, "  account: myorg-myaccount\n", "", 1)
				want.Account = "XY12345"
			}
			want.Batch, want.SpoolDir = Default().Sink.Batch, os.TempDir()
			p, err := Parse(dir+"/p.yaml", []byte(file), inside)
			if err != nil {
				t.Fatal(err)
			}
			if err := bySchema(t, file); err != nil {
				t.Errorf("the JSON Schema refuses it: %#v", err)
			}
			if !reflect.DeepEqual(p.Sink, want) {
				t.Errorf("got  %+v\nwant %+v", p.Sink, want)
			}
			if p.Sink.PAT.Reveal() != want.PAT.Reveal() {
				t.Error("the token is not the text of its file")
			}
		})
	}
}

func TestWaysToLogInAreHeldApart(t *testing.T) {
	dir := loginFiles(t)
	inside := vars("SNOWFLAKE_ACCOUNT", "xy12345", "SNOWFLAKE_HOST", "snowflake.internal")
	badHost := vars("SNOWFLAKE_ACCOUNT", "xy12345", "SNOWFLAKE_HOST", "top-secret/path")
	for name, tt := range map[string]struct {
		env   func(string) (string, bool)
		lines []string
		want  []string
	}{
		"none":               {vars(), nil, []string{"5:1: sink: has no way to log in; allowed: exactly one of private_key, workload_identity,", "sink.user"}},
		"spcs: false alone":  {vars(), []string{"spcs: false"}, []string{"sink: has no way to log in", "sink.user"}},
		"two":                {vars(), []string{"user: U", "pat: hunter2", "oauth_token_file: token"}, []string{"11:3: sink.pat: cannot be given together with sink.oauth_token_file"}},
		"three":              {vars(), []string{"user: U", "password: hunter2", "workload_identity: AWS", "oauth_token_file: token"}, []string{"11:3: sink.password: cannot be given together with sink.workload_identity", "13:3: sink.oauth_token_file: cannot be given together with sink.workload_identity"}},
		"spcs and another":   {inside, []string{"user: U", "spcs: true", "spcs_token_file: token", "pat_file: pat"}, []string{"13:3: sink.pat: cannot be given together with sink.spcs"}},
		"both of one":        {vars(), []string{"pat: hunter2", "pat_file: pat"}, []string{"11:3: sink.pat_file: cannot be given together with sink.pat"}},
		"password, no user":  {vars(), []string{"password: hunter2"}, []string{"5:1: sink.user: is required and missing"}},
		"key pair, no user":  {vars("KEY", somePrivateKey(t)), []string{"private_key: ${KEY}"}, []string{"5:1: sink.user: is required and missing"}},
		"token of two lines": {vars(), []string{"oauth_token_file: bad"}, []string{"10:21: sink.oauth_token_file: the text of the file \"bad\" does not have the right form"}},
		"empty token":        {vars(), []string{"oauth_token_file: empty"}, []string{"10:21: sink.oauth_token_file: names the file \"empty\", which is empty"}},
		"no token":           {vars(), []string{"oauth_token_file: none"}, []string{"which cannot be read: no such file or directory"}},
		"unknown cloud":      {vars(), []string{"workload_identity: IBM"}, []string{`10:22: sink.workload_identity: "IBM" is not one of the choices; allowed: AWS, GCP, AZURE, OIDC`}},
		"OIDC, no token":     {vars(), []string{"workload_identity: OIDC"}, []string{"10:3: sink.workload_identity_token_file: is required with workload_identity: OIDC"}},
		"token with AWS":     {vars(), []string{"workload_identity: AWS", "workload_identity_token_file: token"}, []string{"11:3: sink.workload_identity_token_file: has no meaning with workload_identity: AWS; allowed: only with workload_identity: OIDC"}},
		"path with Azure":    {vars(), []string{"workload_identity: AZURE", "workload_identity_impersonation_path: [a]"}, []string{"11:3: sink.workload_identity_impersonation_path: has no meaning with workload_identity: AZURE; allowed: only with workload_identity: AWS or GCP"}},
		"resource with GCP":  {vars(), []string{"workload_identity: GCP", "workload_identity_entra_resource: a"}, []string{"11:3: sink.workload_identity_entra_resource: has no meaning"}},
		"token with a PAT":   {vars(), []string{"pat: hunter2", "workload_identity_token_file: token"}, []string{"11:3: sink.workload_identity_token_file: is given without sink.workload_identity"}},
		"spcs file, no spcs": {vars(), []string{"pat: hunter2", "spcs_token_file: token"}, []string{"11:3: sink.spcs_token_file: is given without sink.spcs"}},
		"a path that is one": {vars(), []string{"workload_identity: AWS", "workload_identity_impersonation_path: a"}, []string{"11:41: sink.workload_identity_impersonation_path: is a single value where a list belongs"}},
		"a path with spaces": {vars(), []string{"workload_identity: AWS", "workload_identity_impersonation_path: [a, b c, {}]"}, []string{`11:45: sink.workload_identity_impersonation_path: "b c" does not have the right form`, "is a mapping where a single value belongs"}},
		"neither yes nor no": {vars(), []string{"spcs: yes"}, []string{`10:9: sink.spcs: "yes" is neither true nor false; allowed: true, false`}},
		"not in a container": {vars(), []string{"spcs: true"}, []string{"10:3: sink.spcs: reads the file /snowflake/session/token, which cannot be read", "10:3: sink.url: is missing, and so is the environment variable SNOWFLAKE_HOST"}},
		"host that is none":  {badHost, []string{"spcs: true", "spcs_token_file: token"}, []string{"10:3: sink.url: is taken from the environment variable SNOWFLAKE_HOST, which does not have the right form"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(dir+"/p.yaml", []byte(loginWith(t, tt.lines...)), tt.env)
			var errs Errors
			if !errors.As(err, &errs) || len(errs) != len(tt.want) {
				t.Fatalf("got %v, want %d errors", err, len(tt.want))
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got  %s\nwant %s", err, want)
				}
			}
			if text := err.Error(); strings.Contains(text, "top-secret") || strings.Contains(text, "hunter2") {
				t.Errorf("the error gives a secret away: %s", text)
			}
		})
	}
}

func TestRoleAndExternalID(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/team/loader"
	p := mustParse(t, with(t, "source:", "source:\n  role_arn: "+role+"\n  external_id: abc:1/2"), vars())
	if p.Source.RoleARN != role || p.Source.ExternalID != "abc:1/2" {
		t.Errorf("got %+v", p.Source)
	}
	for added, want := range map[string]string{
		"external_id: abc":                           "2:3: source.external_id: is given without source.role_arn; allowed: an external_id only beside a role_arn",
		"role_arn: loader":                           `2:13: source.role_arn: "loader" does not have the right form; allowed: an IAM role's ARN`,
		"role_arn: arn:aws:iam::123456789012:user/x": "2:13: source.role_arn:",
		"role_arn: " + role + "\n  external_id: x":   "3:16: source.external_id:",
	} {
		if _, err := Parse("p.yaml", []byte(with(t, "source:", "source:\n  "+added)), vars()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", added, err, want)
		}
	}
}
