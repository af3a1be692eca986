package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kinesis-snowflake/internal/plan"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/source/kpl/kpltest"
)

// planned runs the command with --json.
func (b *bubble) planned(args ...string) *plan.Report {
	b.t.Helper()
	code, out, stderr := b.answering("", append([]string{"plan", "-c", b.file, "--json"}, args...)...)
	wants(b.t, 0, code, stderr)
	if stderr != "" {
		b.t.Errorf("standard error has %s", stderr)
	}
	var r plan.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		b.t.Fatalf("%v: %s", err, out)
	}
	return &r
}

// send puts records that spread over the shards.
func (b *bubble) send(records ...string) {
	b.t.Helper()
	entries := make([]kinesis.Entry, len(records))
	for i, r := range records {
		entries[i] = kinesis.Entry{PartitionKey: fmt.Sprint("key-", b.sent), Data: []byte(r)}
		b.sent++
	}
	if err := b.kinesis.PutMany(ordersStream, entries); err != nil {
		b.t.Fatal(err)
	}
}

// paste adds to the pipeline file.
func (b *bubble) paste(text string) {
	b.t.Helper()
	f, err := os.OpenFile(b.file, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func columnsIn(r *plan.Report) (names []string) {
	for _, c := range r.Conflicts {
		names = append(names, c.Column)
	}
	return names
}

// readLines reads a file of records.
func readLines(t *testing.T, name string) []string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

// TestPlanOfGitHubEvents: a real sample has a conflict, its fix is pasted, the conflict is gone, and then every value has its
// column whatever comes first.
func TestPlanOfGitHubEvents(t *testing.T) {
	events := readLines(t, "../sandbox/data/github-events.jsonl")
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		b.send(events...)
		r := b.planned()
		if got := columnsIn(r); !slices.Equal(got, []string{"WORKFLOW"}) || r.Sample.Records != len(events) || !r.Sample.Whole || r.Sample.Shards != 2 {
			t.Fatalf("conflicts %v, sample %+v", got, r.Sample)
		}
		code, out, _ := b.answering("", "plan", "-c", b.file, "--strict")
		wants(t, 1, code, "")
		has(t, out, "TYPE CONFLICTS\n  WORKFLOW (inferred)", `2 x text ".github/workflows/hello-world-workflow.yml"`, r.Fix)
		b.paste(r.Fix)
		if r = b.planned("--strict"); !r.Clean() {
			t.Fatalf("with the fix: %+v", r)
		}
		b.load()
		if got := b.count(`SELECT COUNT(*) FROM ` + ordersTable + ` WHERE "_RESCUED" IS NOT NULL`); got != "0" {
			t.Errorf("%s rows have something rescued", got)
		}
		r = b.planned()
		if len(r.DDL) != 0 || r.Table.Exists == nil || !*r.Table.Exists || r.Table.Columns != len(r.Columns) || !r.Clean() {
			t.Errorf("with the table there: %+v", r)
		}
	})
}

// TestPlanWritesNothing: whatever there is, only calls that read are made, and not one of the lease table.
func TestPlanWritesNothing(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		calls := &seenCalls{n: map[string]int{}}
		b.kinesis.SetHooks(kinesis.Hooks{Before: func(c kinesis.Call) *kinesis.Fault { calls.add(c.Op); return nil }})
		check := func(what string) {
			t.Helper()
			calls.clear()
			leases, statements := maps.Clone(b.dynamodb.Counters()), b.snowflake.Stats().Statements
			b.planned()
			for op := range calls.n {
				if !slices.Contains([]string{"DescribeStreamSummary", "ListShards", "GetShardIterator", "GetRecords"}, op) {
					t.Errorf("%s: called %s of Kinesis", what, op)
				}
			}
			if calls.n["GetRecords"] == 0 {
				t.Errorf("%s: nothing was read", what)
			}
			if now := b.dynamodb.Counters(); !maps.Equal(now, leases) {
				t.Errorf("%s: DynamoDB was called: %v, before %v", what, now, leases)
			}
			for class, n := range b.snowflake.Stats().Statements {
				if n > statements[class] && !slices.Contains([]string{"LOGIN", "DESCRIBE", "CLOSE"}, class) {
					t.Errorf("%s: %d statements of class %s in Snowflake", what, n-statements[class], class)
				}
			}
		}
		b.put(50)
		check("no table and no leases")
		if n := len(b.snowflake.Tables()); n != 0 {
			t.Errorf("%d tables", n)
		}
		b.load()
		b.send(`{"n":"text"}`, `{"more":1}`, `{`)
		check("a table and leases")
	})
}

type seenCalls struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *seenCalls) add(op string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[op]++
}

func (c *seenCalls) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.n)
}

// TestPlanOfATable: the types of a table that is there stand, so values that do not fit get a column of their own.
func TestPlanOfATable(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.send(`{"n":1}`, `{"n":2}`)
		b.load()
		b.send(`{"n":"A-3","new":true}`)
		r := b.planned()
		if !slices.Equal(columnsIn(r), []string{"N"}) || r.Conflicts[0].By != plan.ByTable || r.Conflicts[0].Rescued != 1 {
			t.Fatalf("%+v", r.Conflicts)
		}
		if want := `ALTER TABLE ` + ordersTable + ` ADD COLUMN IF NOT EXISTS "NEW" BOOLEAN`; !slices.Equal(r.DDL, []string{want}) {
			t.Errorf("DDL %q, want %q", r.DDL, want)
		}
		b.paste(r.Fix)
		if r = b.planned(); !r.Clean() {
			t.Fatalf("with the fix: %+v", r)
		}
		b.load()
		if got := b.count(`SELECT COUNT(*) FROM ` + ordersTable + ` WHERE "N_VARCHAR" = 'A-3' AND "_RESCUED" IS NULL`); got != "1" {
			t.Errorf("%s rows have the text in its column", got)
		}
	})
}

// TestPlanLooksAtBothEnds: what only the latest of many records have is seen, and so is what only the first have.
func TestPlanLooksAtBothEnds(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		for range 30 {
			b.put(200)
			<-time.After(time.Minute)
		}
		b.send(`{"n":"late"}`)
		<-time.After(5 * time.Minute)
		r := b.planned("--records", "100")
		if !slices.Equal(columnsIn(r), []string{"N"}) || r.Sample.Whole || r.Sample.Records > 100 || r.Sample.Records < 51 || r.Sample.Last.Sub(r.Sample.First) < 29*time.Minute {
			t.Errorf("conflicts %v, sample %+v", columnsIn(r), r.Sample)
		}
	})
}

// TestPlanTellsHowFarItIs: what takes long says on standard error how far it is, and nothing of it is in the plan.
func TestPlanTellsHowFarItIs(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, b *bubble) {
		b.put(90)
		b.kinesis.SetHooks(kinesis.Hooks{Before: func(c kinesis.Call) *kinesis.Fault {
			if c.Op == "GetRecords" {
				<-time.After(15 * time.Second) // as beside a worker that leaves no call to others
			}
			return nil
		}})
		code, out, stderr := b.answering("", "plan", "-c", b.file, "--json", "--records", "30")
		wants(t, 0, code, stderr)
		has(t, stderr, "reading stream orders: 0 of 3 shards done, 0 records so far\n")
		if n := strings.Count(stderr, "\n"); n < 3 || n > 15 {
			t.Errorf("%d lines: %s", n, stderr)
		}
		if r := (plan.Report{}); json.Unmarshal([]byte(out), &r) != nil || r.Sample.Shards != 3 {
			t.Errorf("standard output has %s", out)
		}
	})
}

// TestPlanOfAggregates: the user records of the KPL are what is looked at.
func TestPlanOfAggregates(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.send(string(kpltest.Aggregate(kpltest.Record{PartitionKey: "a", Data: []byte(`{"n":1}`)}, kpltest.Record{PartitionKey: "b", Data: []byte(`{"n":`)})))
		r := b.planned()
		if r.Sample.Records != 2 || r.Sample.Rows != 1 || len(r.Failed) != 1 || r.Failed[0].Where.Subsequence != 1 {
			t.Errorf("%+v", r)
		}
	})
}

// TestPlanWithoutSnowflake: the rest of the plan is worth having.
func TestPlanWithoutSnowflake(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(3)
		p, out := setup(notRun)
		p.transports = transports{kinesis: b.kinesis.RoundTripper(), snowflake: roundTripper(func(*http.Request) (*http.Response, error) { return nil, errCut })}
		wants(t, 0, p.execute([]string{"plan", "-c", b.file}), out.stderr.String())
		has(t, out.stdout.String(), "note: Snowflake could not be asked, so this is what a table that is not there yet would become: ", "becomes 3 rows", "table   not looked at")
	})
}

func TestPlanOfAFile(t *testing.T) {
	file := pipelineFile(t, "offline", quiet)
	sample := file + ".jsonl"
	if err := os.WriteFile(sample, []byte("{\"a\":1}\n\n{\"a\":\"x\"}\nx\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		args  []string
		stdin string
		code  int
		parts []string
	}{
		"a file":           {[]string{"--file", sample}, "", 0, []string{"sample  3 records of " + sample + ", all there are", "becomes 2 rows, 1 failed message,", "a: VARCHAR"}},
		"standard input":   {[]string{"--file", "-"}, `{"a":1}`, 0, []string{"sample  1 record of the standard input", "0 type conflicts"}},
		"some of it":       {[]string{"--file", sample, "--records", "1"}, "", 0, []string{"sample  1 record of " + sample + "\n"}},
		"strictly":         {[]string{"--file", sample, "--strict"}, "", 1, []string{"TYPE CONFLICTS"}},
		"strictly, good":   {[]string{"--file", "-", "--strict"}, `{"a":1}`, 0, nil},
		"no such file":     {[]string{"--file", sample + "x"}, "", 1, nil},
		"negative":         {[]string{"--file", sample, "--records", "-1"}, "", 2, nil},
		"none":             {[]string{"--file", sample, "--records", "0"}, "", 2, nil},
		"two files":        {[]string{"-c", pipelineFile(t, "other", quiet), "--file", sample}, "", 2, nil},
		"as an object":     {[]string{"--file", sample, "--json"}, "", 0, []string{`{"pipeline":"`, `"conflicts":[{"column":"A","type":"VARCHAR"`, `"fix":"transform:\n  columns:\n    a: VARCHAR\n"`}},
		"without any rows": {[]string{"--file", sample, "--rows", "0"}, "", 0, []string{"TYPE CONFLICTS"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, out := setup(notRun)
			p.stdin = strings.NewReader(tt.stdin)
			code := p.execute(append([]string{"plan", "-c", file}, tt.args...))
			wants(t, tt.code, code, out.stderr.String())
			has(t, out.stdout.String(), tt.parts...)
			if name == "as an object" && bytes.Count([]byte(out.stdout.String()), []byte("\n")) != 1 {
				t.Errorf("more than a line: %s", out.stdout.String())
			}
		})
	}
}
