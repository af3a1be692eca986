package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kinesis-snowflake/internal/standin/dynamodb"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/internal/standin/sts"
)

const perStream = 150 // records in each stream of a test

// clouds are the services that a process with several pipelines speaks to.
type clouds struct {
	t         *testing.T
	kinesis   *kinesis.Server
	snowflake *snowflake.Server
	sts       *sts.Server
	dir       string

	kinesisURL, dynamoURL, snowflakeURL, stsURL string
}

func newClouds(t *testing.T) *clouds {
	t.Helper()
	c := &clouds{t: t, kinesis: kinesis.New(kinesis.Options{}), snowflake: snowflake.New(snowflake.Options{}), sts: sts.New(nil), dir: t.TempDir()}
	t.Cleanup(c.snowflake.Close)
	c.sts.AddRole(sts.Role{ARN: "arn:aws:iam::123456789012:role/reader", Trusted: []string{"AKIABASE"}, ExternalID: "partner"})
	for url, server := range map[*string]*httptest.Server{
		&c.kinesisURL:   httptest.NewServer(c.kinesis.Handler()),
		&c.dynamoURL:    httptest.NewServer(dynamodb.New(dynamodb.Options{}).Handler()),
		&c.snowflakeURL: httptest.NewServer(c.snowflake.Handler()),
		&c.stsURL:       httptest.NewServer(c.sts),
	} {
		*url = server.URL
		t.Cleanup(server.Close)
	}
	c.snowflake.CreateSchema("RAW", "KINESIS")
	c.snowflake.AddUser("LOADER", "hunter2", nil)
	return c
}

// stream makes a stream of records.
func (c *clouds) stream(name string) {
	c.t.Helper()
	if err := c.kinesis.CreateStream(name, 2); err != nil {
		c.t.Fatal(err)
	}
	for i := range perStream {
		if _, _, err := c.kinesis.Put(name, fmt.Sprint("key-", i), fmt.Appendf(nil, `{"n": %d}`, i)); err != nil {
			c.t.Fatal(err)
		}
	}
}

// file writes a file of these tests' folder.
func (c *clouds) file(name, text string) string {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// pipeline writes the file of a stream's pipeline, with these lines for its credentials.
func (c *clouds) pipeline(stream, source, sink string) string {
	return c.file(stream+".yaml", fmt.Sprintf(`
source:
  {stream: %[1]s, region: us-east-1, application: %[1]s-app, kinesis_endpoint: "%[2]s", dynamodb_endpoint: "%[3]s", poll_interval: 200ms, %[4]s}
sink:
  {account: testaccount, warehouse: WH, database: RAW, schema: KINESIS, url: "%[5]s", spool_dir: "%[6]s", batch: {interval: 100ms}, %[7]s}
telemetry: {listen: "127.0.0.1:0", log: {level: info}}
`, stream, c.kinesisURL, c.dynamoURL, source, c.snowflakeURL, c.dir, sink))
}

// loaded checks that each record of a stream is in its table, once.
func (c *clouds) loaded(stream string) {
	c.t.Helper()
	data, ok, err := c.snowflake.Table(snowflake.TableName{Database: "RAW", Schema: "KINESIS", Table: strings.ToUpper(stream)})
	if err != nil || !ok {
		c.t.Errorf("%s: no table, %v", stream, err)
		return
	}
	column := -1
	for i, col := range data.Columns {
		if col.Name == "N" {
			column = i
		}
	}
	if column < 0 {
		c.t.Fatalf("%s: no column N in %+v", stream, data.Columns)
	}
	seen := map[string]int{}
	for _, row := range data.Rows {
		seen[fmt.Sprint(row[column])]++
	}
	if len(data.Rows) != perStream || len(seen) != perStream {
		c.t.Errorf("%s: %d rows, %d different ones, want %d", stream, len(data.Rows), len(seen), perStream)
	}
}

// real runs the real program, and returns its exit code and its log lines, each of which must be one.
func (c *clouds) real(env []string, args ...string) (int, []map[string]any) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=real", "SNOWFLAKE_DISABLE_PLATFORM_DETECTION=true", "AWS_ENDPOINT_URL_STS="+c.stsURL)
	cmd.Env = append(cmd.Env, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		c.t.Fatal(err, exit)
	}
	var lines []map[string]any
	for line := range strings.Lines(stderr.String()) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			c.t.Errorf("standard error holds what is no log line: %s", line)
			continue
		}
		lines = append(lines, l)
	}
	if all := stdout.String() + stderr.String(); strings.Contains(all, "hunter2") {
		c.t.Errorf("a secret is told: %s", all)
	}
	return cmd.ProcessState.ExitCode(), lines
}

const staticKeys = "access_key_id: AKIABASE, secret_access_key: hunter2"

func TestAFailedPipelineLeavesTheOthersTheirRecords(t *testing.T) {
	c := newClouds(t)
	c.stream("good")
	c.stream("refused")
	files := []string{
		c.pipeline("refused", staticKeys, "user: loader, password: hunter2-wrong"),
		c.pipeline("missing", staticKeys, "user: loader, password: hunter2"),
		c.pipeline("good", staticKeys, "user: loader, password: hunter2"),
	}
	code, lines := c.real(nil, "run", "-c", files[0], "-c", files[1], "-c", files[2], "--until-caught-up")
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	c.loaded("good")
	ended := map[string]string{}
	for _, l := range lines {
		if m, _ := l["msg"].(string); m == "pipeline failed" || m == "pipeline ended" {
			name, _ := l["pipeline"].(string)
			ended[filepath.Base(name)] = m + ": " + fmt.Sprint(l["error"])
		}
	}
	for file, want := range map[string]string{
		"refused.yaml": "pipeline failed: log in to snowflake: 390100 ",
		"missing.yaml": "pipeline failed: describe stream missing",
		"good.yaml":    "pipeline ended: ",
	} {
		if !strings.HasPrefix(ended[file], want) {
			t.Errorf("%s: %q, want %q", file, ended[file], want)
		}
	}
	if _, ok, _ := c.snowflake.Table(snowflake.TableName{Database: "RAW", Schema: "KINESIS", Table: "REFUSED"}); ok {
		t.Error("the refused pipeline has made its table")
	}
}

func TestAProcessOfManyLogins(t *testing.T) {
	c := newClouds(t)
	const idToken = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJpIiwic3ViIjoicyJ9.c2ln" // {"alg":"RS256"}, {"iss":"i","sub":"s"}
	c.snowflake.AddOAuthToken("hunter2-oauth", "LOADER", time.Time{})
	c.snowflake.AddOAuthToken("hunter2-service", "LOADER", time.Time{})
	c.snowflake.AddAccessToken("hunter2-pat", "LOADER", time.Time{})
	c.snowflake.AddWorkload("OIDC", idToken, "LOADER")
	c.snowflake.AddWorkload("AWS", "AKIAENV", "LOADER")
	c.file("oauth", "hunter2-oauth\n")
	c.file("service", "hunter2-service\n")
	c.file("pat", "hunter2-pat\n")
	c.file("id", idToken)

	args := []string{"run", "--until-caught-up"}
	streams := []string{"by-oauth", "by-pat", "by-pat-file", "by-oidc", "by-aws", "by-spcs", "by-role"}
	logins := map[string]string{
		"by-oauth": "oauth_token_file: oauth", "by-pat": "user: loader, pat: hunter2-pat", "by-pat-file": "pat_file: pat",
		"by-oidc": "workload_identity: OIDC, workload_identity_token_file: id", "by-aws": "workload_identity: AWS",
		"by-spcs": "spcs: true, spcs_token_file: service", "by-role": "user: loader, password: hunter2",
	}
	for _, s := range streams {
		c.stream(s)
		source := staticKeys
		if s == "by-role" {
			source += `, role_arn: "arn:aws:iam::123456789012:role/reader", external_id: partner`
		}
		args = append(args, "-c", c.pipeline(s, source, logins[s]))
	}
	code, lines := c.real([]string{"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKIAENV", "AWS_SECRET_ACCESS_KEY=hunter2", "SNOWFLAKE_ACCOUNT=testaccount", "SNOWFLAKE_HOST=127.0.0.1"}, args...)
	if code != 0 {
		t.Errorf("exit code %d", code)
		for _, l := range lines {
			if l["level"] != "INFO" {
				t.Error(l)
			}
		}
	}
	for _, s := range streams {
		c.loaded(s)
	}
	if given := c.sts.Given(); len(given) != 1 || given[0].CallerKey != "AKIABASE" || given[0].ExternalID != "partner" {
		t.Errorf("the role was assumed as %+v", given)
	}
}

func TestSchemaCommand(t *testing.T) {
	p, b := setup(notRun)
	if code := p.execute([]string{"schema"}); code != 0 {
		t.Fatalf("exit code %d: %s", code, b.stderr.String())
	}
	var schema struct {
		Draft string `json:"$schema"`
		Type  string `json:"type"`
	}
	if err := json.Unmarshal([]byte(b.stdout.String()), &schema); err != nil || schema.Draft != "https://json-schema.org/draft/2020-12/schema" || schema.Type != "object" {
		t.Errorf("got %+v, %v", schema, err)
	}
}
