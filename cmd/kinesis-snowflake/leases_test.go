package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLeasesUsage(t *testing.T) {
	good := pipelineFile(t, "good", quiet)
	for name, tt := range map[string]struct {
		args   []string
		stderr string
	}{
		"nothing":            {[]string{"leases"}, "leases list, reset, release or import?"},
		"unknown":            {[]string{"leases", "drop"}, `unknown command "drop"`},
		"list without file":  {[]string{"leases", "list"}, `required flag(s) "config" not set`},
		"list, negative":     {[]string{"leases", "list", "-c", good, "--watch", "-1s"}, "--watch is -1s"},
		"list, too short":    {[]string{"leases", "list", "-c", good, "--watch", "4999ms"}, "--watch is 4.999s; workers write every third of source.lease_duration, 10s here, so one that lives may not be seen in less than 5s"},
		"reset without to":   {[]string{"leases", "reset", "-c", good}, "required flag(s) \"to\" not set\nUsage: kinesis-snowflake leases reset -c FILE --to {TRIM_HORIZON|LATEST|TIME}"},
		"reset to nowhere":   {[]string{"leases", "reset", "-c", good, "--to", "yesterday"}, `--to is "yesterday"; it must be TRIM_HORIZON, LATEST or a time like`},
		"import from none":   {[]string{"leases", "import", "-c", good}, `required flag(s) "from" not set`},
		"import, bad choice": {[]string{"leases", "import", "-c", good, "--from", "x", "--unread-closed", "maybe"}, `--unread-closed is "maybe"`},
	} {
		t.Run(name, func(t *testing.T) {
			p, b := setup(notRun)
			if code := p.execute(tt.args); code != 2 {
				t.Errorf("exit code %d", code)
			}
			has(t, b.stderr.String(), tt.stderr)
		})
	}
}

func TestLeasesListOfSeveral(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(10)
		b.load()
		broken := filepath.Join(filepath.Dir(b.file), "broken.yaml")
		text, err := os.ReadFile(b.file)
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.Replace(string(text), ordersApp, "others", 1) + "\n")
		text = []byte(strings.Replace(string(text), "spool_dir", "table: OTHERS, spool_dir", 1))
		if err := os.WriteFile(broken, text, 0o600); err != nil {
			t.Fatal(err)
		}
		b.createTable("others", "id")
		code, out, stderr := b.leases("list", "-c", broken, "-c", b.file, "--json")
		wants(t, 1, code, stderr)
		has(t, stderr, "broken.yaml: open lease table others")
		has(t, out, `"shard":"`+shard0+`"`)
		b.drop("others")
		code, out, stderr = b.leases("list", "-c", broken, "-c", b.file)
		wants(t, 0, code, stderr)
		has(t, out, "lease table others does not exist", "\n\nstream orders in us-east-1, lease table orders-to-snowflake")
	})
}

func TestLeasesListOfALivePipeline(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		b.put(100)
		end := b.start("host-a", false)
		<-time.After(30 * time.Second)
		code, out, stderr := b.leases("list", "-c", b.file, "--offsets")
		wants(t, 0, code, stderr)
		has(t, out, "stream orders in us-east-1, lease table orders-to-snowflake", "host-a (alive)", "reading", shard0, shard1, "OFFSET")
		end()
		before := b.dynamodb.Counters()
		code, out, stderr = b.leases("list", "-c", b.file)
		wants(t, 0, code, stderr)
		has(t, out, "waiting", "(no owner)")
		after := b.dynamodb.Counters()
		for op := range after {
			if before[op].Calls != after[op].Calls && op != "Scan" && op != "DescribeTable" {
				t.Errorf("list called %s", op)
			}
		}
	})
}
