package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	sf "github.com/snowflakedb/gosnowflake/v2"

	"kinesis-snowflake/cmd/sandbox/internal/ask"
	"kinesis-snowflake/cmd/sandbox/internal/stack"
	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
)

func TestMain(m *testing.M) {
	if err := errors.Join(os.Setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true"), sf.GetLogger().SetLogLevel("off")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = execute(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func inputFile(t *testing.T, lines ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "in.jsonl")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDefaultRunLoadsRealRecordsAndBalances(t *testing.T) {
	code, out, errs := run(t, "--interval", "200ms")
	if code != 0 || errs != "" {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	for _, want := range []string{
		"github_events: sent 329 = loaded 329 + failed 0; distinct 329\n", "earthquakes: sent 1707 = loaded 1707 + failed 0; distinct 1707\n",
		"  EVENT VARCHAR(16777216)\n", "  PROPERTIES VARIANT\n", "\n  discussion    15\n", "22km NNE of Hualian, Taiwan  6.40\n", "read 1707, loaded 1707",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q", want)
		}
	}
	if strings.Count(out, "\n> SELECT") != 3 {
		t.Error("there are not three answers")
	}
	if t.Failed() {
		t.Log(out)
	}
}

func TestJSONWritesNothingButRows(t *testing.T) {
	in := inputFile(t, `{"n":12345678901234567890123456789012345678,"ok":true,"o":{"k":"<&>","x":-0.12345678901234567890}}`, `not json`, `[1]`, `{"n":2,"s":"a\tb"}`)
	code, out, errs := run(t, "--input", in, "--stream", "my-orders", "--json", "--interval", "100ms", "--shards", "1",
		"--query", `SELECT n, ok, o, s FROM "MY-ORDERS" ORDER BY n DESC`,
		"--query", `WITH q AS (SELECT o:x::NUMBER(38,20) AS x FROM "MY-ORDERS") SELECT x, DATE '2024-02-29' AS d FROM q WHERE x IS NOT NULL`)
	// Inside a VARIANT, what a JSON parser might round was loaded as a string.
	want := `{"N":12345678901234567890123456789012345678,"OK":true,"O":{"k":"<&>","x":"-0.12345678901234567890"},"S":null}
{"N":2,"OK":null,"O":null,"S":"a\tb"}
{"X":-0.12345678901234567890,"D":"2024-02-29"}
`
	if code != 0 || out != want {
		t.Errorf("exit code %d\n got %s\nwant %s\n%s", code, out, want, errs)
	}
	if strings.Count(errs, "message failed") != 2 {
		t.Errorf("two messages failed, and standard error says: %s", errs)
	}
}

func TestReshardingAndRepeatingBalance(t *testing.T) {
	in := inputFile(t, `{"id":"a","n":1}`, `{"id":"b","n":2.5}`, `broken`)
	file := filepath.Join(t.TempDir(), "kept.duckdb")
	code, out, errs := run(t, "--input", in, "--records", "3001", "--shards", "2", "--reshard", "--interval", "100ms", "--db", file)
	if want := "records: sent 3001 = loaded 2001 + failed 1000; distinct 2001\n"; code != 0 || !strings.Contains(out, want) {
		t.Fatalf("exit code %d, %s %s", code, out, errs)
	}
	if !strings.Contains(errs, "and 980 more lines") {
		t.Errorf("standard error is %s", errs)
	}
	db, err := sql.Open("duckdb", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM "SANDBOX.KINESIS"."RECORDS" WHERE "KINESISMETADATA"->>'stream' = 'records'`).Scan(&n); err != nil || n != 2001 {
		t.Errorf("the file holds %d rows, %v", n, err)
	}
}

func TestAggregatedRecordsBalance(t *testing.T) {
	in := inputFile(t, `{"id":"a","n":1}`, `{"id":"b","n":2.5}`, `broken`)
	code, out, errs := run(t, "--input", in, "--records", "3001", "--shards", "2", "--reshard", "--interval", "100ms", "--aggregate", "60",
		"--query", `SELECT COUNT(DISTINCT kinesismetadata:sequenceNumber::VARCHAR) < 2001 AS fewer, COUNT(DISTINCT kinesismetadata:shardedSequenceNumber::VARCHAR) AS sharded, MAX(kinesismetadata:subSequenceNumber::NUMBER) > 5 AS deep, COUNT(DISTINCT kinesismetadata:partitionKey::VARCHAR) AS keys FROM records`)
	if want := "records: sent 3001 = loaded 2001 + failed 1000; distinct 2001\n"; code != 0 || !strings.Contains(out, want) {
		t.Fatalf("exit code %d, %s %s", code, out, errs)
	}
	if want := "FEWER  SHARDED  DEEP  KEYS"; !strings.Contains(out, want) || !strings.Contains(out, "true   2001     true  2") {
		t.Errorf("the answer is not as it should be:\n%s", out)
	}
}

func TestNoRecordMakesARow(t *testing.T) {
	code, out, errs := run(t, "--input", inputFile(t, "1", "2"), "--interval", "100ms", "--query", "SELECT 1 AS one")
	if code != 0 || !strings.Contains(out, "sent 2 = loaded 0 + failed 2") || !strings.Contains(out, "no table") {
		t.Errorf("exit code %d: %s %s", code, out, errs)
	}
}

func TestBadUsage(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"--nope", 2, "unknown flag"},
		{"extra", 2, "unknown command"},
		{"--records -1", 2, "negative"},
		{"--aggregate 101", 2, "0 to 100 percent"},
		{"produce --kinesis x --stream y --aggregate -1", 2, "0 to 100 percent"},
		{"--shards 0", 2, "1 to 200"},
		{"--json", 2, "needs a --query"},
		{"--stream x", 2, "needs --input"},
		{"--input /does/not/exist", 1, "open input"},
		{"--input " + inputFile(t, ""), 1, "holds no records"},
		{"--db " + inputFile(t, ""), 1, "name a new file"},
		{"query SELECT", 2, "required flag"},
		{"query --snowflake 127.0.0.1 SELECT", 1, "read address"},
		{"produce --kinesis x", 2, "required flag"},
		{"produce --kinesis x --stream y --input /does/not/exist", 1, "open input"},
		{"reshard --kinesis x --stream y", 2, "one of"},
		{"reshard --kinesis x --stream y --merge a", 2, "two shards"},
		{"reshard --kinesis x --stream y --split a b", 2, "unexpected"},
		{"reshard --kinesis x --stream y --split a --count 2", 2, "one of"},
		{"serve --kinesis 256.0.0.1:x", 1, "listen"},
	} {
		code, out, errs := run(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(errs, c.says) || out != "" {
			t.Errorf("%s: exit code %d, %q, %q", c.args, code, out, errs)
		}
	}
}

func TestAnAccountThatDoesNotBalanceFails(t *testing.T) {
	servers, client := servers(t)
	r := report{client: client, out: io.Discard, say: io.Discard}
	f := feed{stream: "lost"}
	a := account{sent: 3, last: pipeline.Progress{Tally: pipeline.Tally{Failed: 1}}}
	if err := r.account(t.Context(), f, a); err == nil || !strings.Contains(err.Error(), "does not balance") {
		t.Errorf("two lost records: %v", err)
	}
	for _, statement := range []string{
		`CREATE TABLE SANDBOX.KINESIS.LOST (KINESISMETADATA OBJECT)`,
		`INSERT INTO SANDBOX.KINESIS.LOST SELECT OBJECT_CONSTRUCT('shardId', 's', 'sequenceNumber', '1', 'subSequenceNumber', 0)`,
		`INSERT INTO SANDBOX.KINESIS.LOST SELECT OBJECT_CONSTRUCT('shardId', 's', 'sequenceNumber', '2', 'subSequenceNumber', 0)`,
	} {
		if _, err := servers.Snowflake.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.account(t.Context(), f, a); err != nil {
		t.Errorf("two rows and a failed message of three: %v", err)
	}
	if _, err := servers.Snowflake.Exec(t.Context(), `UPDATE SANDBOX.KINESIS.LOST SET KINESISMETADATA = OBJECT_CONSTRUCT('shardId', 's', 'sequenceNumber', '1', 'subSequenceNumber', 0)`); err != nil {
		t.Fatal(err)
	}
	if err := r.account(t.Context(), f, a); err == nil {
		t.Error("a record that is there twice in place of another is not found out")
	}
}

func servers(t *testing.T) (*stack.Stack, *ask.Client) {
	t.Helper()
	s, err := stack.Start(t.Context(), stack.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	client, err := ask.Dial(t.Context(), s.SnowflakeURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(client.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	return s, client
}

func TestServersAreReachedByTheirCommands(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan int, 1)
	t.Chdir(t.TempDir())
	dir := "made here"
	go func() {
		ended <- execute(ctx, []string{"serve", "--kinesis", "127.0.0.1:0", "--dynamodb", "127.0.0.1:0", "--snowflake", "127.0.0.1:0", "--dir", dir}, w, os.Stderr)
		w.Close()
	}()
	var kinesis, dynamodb, snowflake string
	lines := bufio.NewScanner(r)
	if !lines.Scan() {
		t.Fatal("serve says nothing")
	}
	if _, err := fmt.Sscanf(strings.ReplaceAll(lines.Text(), ",", ""), "# kinesis %s dynamodb %s snowflake %s", &kinesis, &dynamodb, &snowflake); err != nil {
		t.Fatalf("%s: %v", lines.Text(), err)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()

	at := []string{"--kinesis", kinesis, "--stream", "s"}
	expect := func(want string, args ...string) {
		t.Helper()
		if code, out, errs := run(t, args...); code != 0 || out != want {
			t.Errorf("%v: exit code %d\n got %q\nwant %q\n%s", args, code, out, want, errs)
		}
	}
	expect("sent 1707 records to s\n", append([]string{"produce", "--shards", "2"}, at...)...)
	expect("sent 1707 records to s\n", append([]string{"produce", "--aggregate", "50"}, at...)...)
	expect("sent 3 records to s\n", append([]string{"produce", "--records", "3", "--input", inputFile(t, `{"a":1}`)}, at...)...)
	expect("sent 1 records to s\n", append([]string{"produce", "--records-of", "file", "--gzip", "--input", inputFile(t, `{"a":1}`, `{"a":2}`)}, at...)...)
	shard := func(n ...int) (s string) {
		for _, n := range n {
			s += fmt.Sprintf("shardId-%012d\n", n)
		}
		return s
	}
	expect(shard(0, 2, 3), append([]string{"reshard", "--split", "shardId-000000000001"}, at...)...)
	expect(shard(0, 4), append([]string{"reshard", "--merge", "shardId-000000000002", "shardId-000000000003"}, at...)...)
	expect(shard(4, 5, 6), append([]string{"reshard", "--split", "shardId-000000000000"}, at...)...)
	if code, _, errs := run(t, append([]string{"reshard", "--split", "shardId-000000000099"}, at...)...); code != 1 || !strings.Contains(errs, "no shard") {
		t.Errorf("a missing shard is split: %d %s", code, errs)
	}
	expect("  ONE  TWO\n  ---  ---\n  1    NULL\n\n  T\n  -\n  x\n", "query", "--snowflake", snowflake, "SELECT 1 AS one, NULL AS two", "SELECT 'x' AS t")
	expect("{\"B\":true}\n", "query", "--snowflake", snowflake, "--json", "SELECT TRUE AS b")
	if code, _, errs := run(t, "query", "--snowflake", snowflake, "SELECT nope"); code != 1 || !strings.Contains(errs, "000904") {
		t.Errorf("a bad query: %d %s", code, errs)
	}
	if _, err := config.Load(filepath.Join(dir, "records.yaml")); err != nil { // it reads the key too
		t.Error(err)
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("serve ends with %d", code)
	}
}
