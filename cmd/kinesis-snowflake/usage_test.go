package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUsage(t *testing.T) {
	good := pipelineFile(t, "good", quiet)
	bad := pipelineFile(t, "bad", "memory: 1\nx: 1\n")
	shaped := pipelineFile(t, "shaped", quiet+"transform: {json_schema: orders.json}\n")
	if err := os.WriteFile(filepath.Join(filepath.Dir(shaped), "orders.json"), []byte(`{"type": "nothing"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	keyed := pipelineFile(t, "keyed", quiet)
	rewrite(t, keyed, "password: hunter2", "\n   private_key_file: key.p8")
	keyFile(t, filepath.Join(filepath.Dir(keyed), "key.p8"))
	spooled := pipelineFile(t, "spooled", quiet)
	rewrite(t, spooled, "password: hunter2", "password: hunter2, spool_dir: /none")
	early := pipelineFile(t, "early", quiet)
	rewrite(t, early, "stream: orders", "stream: orders, start: '2999-01-01T00:00:00Z'")
	for name, tt := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string // parts
	}{
		"no command":             {nil, 2, "", "no command is given"},
		"unknown command":        {[]string{"walk"}, 2, "", "unknown command \"walk\"\nUsage: kinesis-snowflake COMMAND\nCommands: check, healthcheck,"},
		"misspelt command":       {[]string{"chek"}, 2, "", "unknown command \"chek\"; did you mean check?\n"},
		"misspelt, with flags":   {[]string{"chek", "-c", good}, 2, "", "unknown command \"chek\"; did you mean check?\n"},
		"misspelt below":         {[]string{"leases", "lst", "-c", good}, 2, "", "unknown command \"lst\"; did you mean list?\nUsage: kinesis-snowflake leases {list|"},
		"a flag of none":         {[]string{"leases", "-c", good}, 2, "", "unknown shorthand flag: 'c' in -c"},
		"a number that is none":  {[]string{"plan", "-c", good, "--records", "abc"}, 2, "", "invalid argument \"abc\" for \"--records\" flag: it must be a whole number\n"},
		"a number too large":     {[]string{"plan", "-c", good, "--rows", "99999999999999999999"}, 2, "", "flag: it is out of range\n"},
		"a duration of no unit":  {[]string{"healthcheck", "-c", good, "--timeout", "5"}, 2, "", "flag: it must be a duration such as 90s or 5m\n"},
		"neither true nor false": {[]string{"plan", "-c", good, "--json=maybe"}, 2, "", "flag: it must be true or false\n"},
		"what reset prints":      {[]string{"help", "leases", "reset"}, 0, "rows is printed, to be run after the reset and before a worker starts.", ""},
		"unknown flag":           {[]string{"run", "--fast"}, 2, "", "unknown flag: --fast"},
		"run without a file":     {[]string{"run"}, 2, "", "required flag(s) \"config\" not set\nUsage: kinesis-snowflake run -c FILE [-c FILE...]\nMore: kinesis-snowflake help run\n"},
		"run with an argument":   {[]string{"run", "-c", good, "more"}, 2, "", `"more" is not expected: kinesis-snowflake run takes no arguments`},
		"run with a bad file":    {[]string{"run", "-c", bad}, 2, "", "bad.yaml:3:9: memory: "},
		"run with no such file":  {[]string{"run", "-c", "/none.yaml"}, 2, "", "/none.yaml: cannot be read"},
		"check good":             {[]string{"check", "-c", good}, 0, "good.yaml: ok: stream orders in eu-central-1 into table d.s.good\n", ""},
		"check bad, every fault": {[]string{"check", "-c", good, "-c", bad}, 2, "", "bad.yaml:4:1: x: is not a key"},
		"check a bad schema":     {[]string{"check", "-c", shaped}, 2, "", "shaped.yaml:4:13: transform.json_schema: " + filepath.Dir(shaped) + "/orders.json: compile JSON Schema: "},
		"replay, a bad schema":   {[]string{"replay", "-c", shaped, "--log", "/dev/null"}, 2, "", "shaped.yaml:4:13: transform.json_schema: "},
		"check a bad key":        {[]string{"check", "-c", keyed}, 2, "", "keyed.yaml:3:4: sink.private_key_file: the key is a ed25519.PrivateKey; Snowflake's key-pair authentication wants RSA"},
		"check, no spool folder": {[]string{"check", "-c", spooled}, 0, "spooled.yaml: note: sink.spool_dir is not there: stat /none: no such file or directory\n", ""},
		"check, start to come":   {[]string{"check", "-c", early}, 0, "early.yaml: note: source.start lies in the future", ""},
		"check the same twice":   {[]string{"check", "-c", good, "-c", good}, 2, "", "source.application: is the same as in"},
		"check without a file":   {[]string{"check"}, 2, "", `required flag(s) "config" not set`},
		"healthcheck of nothing": {[]string{"healthcheck"}, 2, "", "at least one of the flags in the group [config url] is required"},
		"healthcheck of two":     {[]string{"healthcheck", "-c", good, "--url", "http://x"}, 2, "", "none of the others can be"},
		"healthcheck of no URL":  {[]string{"healthcheck", "--url", "localhost:9090"}, 2, "", "is not a URL"},
		"healthcheck when off":   {[]string{"healthcheck", "-c", good}, 2, "", "telemetry.listen is off"},
		"version":                {[]string{"version"}, 0, "kinesis-snowflake development (go", ""},
		"help":                   {[]string{"help", "run"}, 0, "A second signal ends the process at once", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p, b := setup(notRun)
			if code := p.execute(tt.args); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if out := b.stdout.String(); !strings.Contains(out, tt.stdout) || tt.stdout == "" && out != "" {
				t.Errorf("stdout is %q, want ... %q", out, tt.stdout)
			}
			if out := b.stderr.String(); !strings.Contains(out, tt.stderr) || tt.stderr == "" && out != "" || strings.Contains(out, "hunter2") {
				t.Errorf("stderr is %q, want ... %q", out, tt.stderr)
			}
		})
	}
}
