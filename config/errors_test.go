package config

import (
	"errors"
	"strings"
	"testing"
)

func TestErrorsNamePlaceKeyAndWhatIsAllowed(t *testing.T) {
	// line 12 is the first line after the minimal file
	tests := map[string]struct {
		file string
		want []string // each a part of the error of the same index; as many errors as parts
	}{
		"unknown key of the top level":   {minimal + "memroy: 1GiB\n", []string{"p.yaml:12:1: memroy: is not a key of this file (did you mean memory?); allowed: memory, shutdown_timeout, source, transform"}},
		"key of another section":         {minimal + "interval: 1s\n", []string{"12:1: interval: is not a key of this file (did you mean sink.batch.interval?)"}},
		"unknown key far from all":       {minimal + "  zzz: 1\n", []string{"12:3: sink.zzz: is not a key of this file; allowed: account, user"}},
		"unknown key in a flow mapping":  {minimal + "  batch: {intervall: 1s}\n", []string{"12:11: sink.batch.intervall: is not a key of this file (did you mean sink.batch.interval?); allowed: interval, max_bytes, max_rows"}},
		"unknown key of transform":       {minimal + "transform:\n  step: []\n", []string{"13:3: transform.step: is not a key of this file (did you mean transform.steps?); allowed: json_schema"}},
		"key with a newline":             {minimal + "\"a\\nb\": 1\n", []string{`12:1: "a\nb": is not a key`}},
		"number as a key":                {minimal + "12: 1\n", []string{`12:1: has the key "12", which is no text; allowed: memory`}},
		"key given twice":                {minimal + "  user: B\n", []string{"12:3: sink.user: is given twice, first in line 7; allowed: each key once"}},
		"section given twice":            {minimal + "sink:\n  user: B\n", []string{"12:1: sink: is given twice, first in line 5"}},
		"list where a value belongs":     {minimal + "memory: [1]\n", []string{"12:9: memory: is a list where a single value belongs; allowed: 64MiB to 1TiB"}},
		"mapping where a value belongs":  {minimal + "memory:\n  a: 1\n", []string{"memory: is a mapping where a single value belongs"}},
		"value where a section belongs":  {minimal + "telemetry: 12\n", []string{"12:12: telemetry: is a single value where a section belongs; allowed: listen, log"}},
		"value in place of the sink":     {with(t, "sink:\n  account: myorg-myaccount\n  user: LOADER\n  password: hunter2\n  warehouse: LOAD_XS\n  database: RAW\n  schema: KINESIS", "sink: 12"), []string{"5:7: sink: is a single value where a section belongs"}},
		"letters swapped":                {with(t, "  user:", "  usre: x\n  user:"), []string{"7:3: sink.usre: is not a key of this file (did you mean sink.user?)"}},
		"list where a section belongs":   {minimal + "telemetry: []\n", []string{"12:12: telemetry: is a list where a section belongs"}},
		"anchor":                         {minimal + "memory: &m 1GiB\n", []string{"12:9: memory: is an anchor (&name; a text that begins with & is written in quotes) where a single value belongs"}},
		"merge key":                      {minimal + "<<: {memory: 1GiB}\n", []string{"12:1: has a merge key (<<)"}},
		"question mark key":              {minimal + "? memory\n: 1GiB\n", []string{"12:1: has a key of the form ? key"}},
		"tag":                            {minimal + "memory: !!str 1GiB\n", []string{"12:9: memory: is a tag (!name; "}},
		"not a size":                     {minimal + "memory: lots\n", []string{`12:9: memory: "lots" is not a size; write a whole number of bytes`}},
		"unknown unit":                   {minimal + "memory: 1Mib\n", []string{`12:9: memory: "1Mib" is not a size`}},
		"size out of range":              {minimal + "memory: 1MiB\n", []string{`12:9: memory: "1MiB" is out of range; allowed: 64MiB to 1TiB`}},
		"duration without a unit":        {minimal + "shutdown_timeout: 30\n", []string{`12:19: shutdown_timeout: "30" is not a duration; write a number and a unit`}},
		"duration out of range":          {with(t, "source:", "source:\n  poll_interval: 100ms"), []string{`2:18: source.poll_interval: "100ms" is out of range; allowed: 200ms to 5m`}},
		"lease duration out of range":    {with(t, "source:", "source:\n  lease_duration: 11m"), []string{`source.lease_duration: "11m" is out of range; allowed: 1s to 10m`}},
		"negative duration":              {minimal + "shutdown_timeout: -1s\n", []string{`"-1s" is not a duration`}},
		"not a number":                   {minimal + "  batch: {max_rows: 1e6}\n", []string{`12:21: sink.batch.max_rows: "1e6" is not a whole number; write digits only; allowed: a whole number from 1 to 100000000`}},
		"number out of range":            {minimal + "  batch: {max_rows: 0}\n", []string{`"0" is out of range`}},
		"number beyond 64 bits":          {minimal + "  batch: {max_rows: 99999999999999999999}\n", []string{`"99999999999999999999" is out of range`}},
		"not a choice":                   {with(t, "source:", "source:\n  consumer: push"), []string{`2:13: source.consumer: "push" is not one of the choices; allowed: polling, fan-out`}},
		"bad consumer name":              {with(t, "source:", "source:\n  consumer_name: a b"), []string{`2:18: source.consumer_name: "a b" does not have the right form; allowed: 1 to 128 letters`}},
		"no consumer name":               {with(t, "source:", "source:\n  consumer: fan-out", "orders-to-snowflake", strings.Repeat("a", 129)), []string{`5:3: source.consumer_name: is required and missing: source.application is too long`}},
		"not a start":                    {with(t, "source:", "source:\n  start: yesterday"), []string{`2:10: source.start: "yesterday" does not have the right form; allowed: TRIM_HORIZON, LATEST, or a time in RFC 3339 form`}},
		"AT_TIMESTAMP without the time":  {with(t, "source:", "source:\n  start: AT_TIMESTAMP"), []string{`write the time itself`}},
		"bad stream":                     {with(t, "stream: orders", "stream: my orders"), []string{`2:11: source.stream: "my orders" does not have the right form; allowed: 1 to 128 letters`}},
		"region against the ARN":         {with(t, "stream: orders", "stream: arn:aws:kinesis:us-east-1:123456789012:stream/orders"), []string{"3:3: source.region: is not the region in the ARN of source.stream"}},
		"no region":                      {with(t, "  region: eu-central-1\n", ""), []string{"1:1: source.region: is required and missing; allowed: a region's name"}},
		"short application":              {with(t, "orders-to-snowflake", "ab"), []string{`4:16: source.application: "ab" does not have the right form; allowed: 3 to 255`}},
		"account as a URL":               {with(t, "myorg-myaccount", "https://myorg-myaccount.snowflakecomputing.com"), []string{"6:12: sink.account:"}},
		"account as a host":              {with(t, "myorg-myaccount", "myorg-myaccount.snowflakecomputing.com"), []string{"allowed: an account identifier alone"}},
		"endpoint with a path":           {minimal + "  url: https://sf.example/path\n", []string{"12:8: sink.url:"}},
		"endpoint without a scheme":      {minimal + "  url: sf.example:443\n", []string{"12:8: sink.url:"}},
		"listen without a port":          {minimal + "telemetry: {listen: localhost}\n", []string{"12:21: telemetry.listen:"}},
		"required key empty":             {with(t, "LOADER", "''"), []string{"7:3: sink.user: is required and missing"}},
		"required key null":              {with(t, "LOADER", ""), []string{"7:3: sink.user: is required and missing"}},
		"unset variable":                 {with(t, "LOADER", "${NOPE}"), []string{"7:9: sink.user: reads the environment variable NOPE, which is not set; allowed: 1 to 255"}},
		"bad variable name":              {with(t, "LOADER", "${a-b}"), []string{"7:9: sink.user: names no variable in ${a-b}"}},
		"open variable":                  {with(t, "LOADER", "${A"), []string{"7:9: sink.user: has a ${ without its }"}},
		"value of a variable":            {minimal + "memory: ${HIDE}\n", []string{`12:9: memory: "${HIDE}" is not a size`}},
		"file of a secret from variable": {with(t, "password: hunter2", "password_file: /none/${HIDE}"), []string{`8:18: sink.password_file: names the file "/none/${HIDE}", which cannot be read: no such file or directory`}},
		"folder as a secret's file":      {with(t, "password: hunter2", "password_file: /"), []string{"which cannot be read: is a directory"}},
		"no way to log in":               {with(t, "  password: hunter2\n", ""), []string{"5:1: sink: has no way to log in; allowed: exactly one of private_key, workload_identity, spcs, oauth_token_file, pat, password; "}},
		"two ways to log in":             {minimal + "  private_key: " + oneLine(somePrivateKey(t)) + "\n", []string{"8:3: sink.password: cannot be given together with sink.private_key"}},
		"passphrase without a key":       {minimal + "  private_key_passphrase: x\n", []string{"12:3: sink.private_key_passphrase: is given without sink.private_key"}},
		"private key that is none":       {with(t, "password: hunter2", "private_key: hunter2"), []string{"8:16: sink.private_key: does not have the right form; allowed: a private key in PEM form"}},
		"certificate as a private key":   {with(t, "password: hunter2", "private_key: "+oneLine(strings.ReplaceAll(somePrivateKey(t), "PRIVATE KEY", "CERTIFICATE"))), []string{"8:16: sink.private_key: does not have the right form"}},
		"encrypted key alone":            {with(t, "password: hunter2", "private_key: "+oneLine(strings.ReplaceAll(somePrivateKey(t), "PRIVATE KEY", "ENCRYPTED PRIVATE KEY"))), []string{"8:3: sink.private_key: is encrypted and has no passphrase"}},
		"key id without its secret":      {with(t, "source:", "source:\n  access_key_id: hunter2"), []string{"2:3: source.access_key_id: is given without source.secret_access_key; allowed: access_key_id and secret_access_key together, or neither"}},
		"secret without its key id":      {with(t, "source:", "source:\n  secret_access_key: hunter2"), []string{"2:3: source.secret_access_key: is given without source.access_key_id"}},
		"session token alone":            {with(t, "source:", "source:\n  session_token: hunter2"), []string{"2:3: source.session_token: is given without source.access_key_id"}},
		"secret with a control byte":     {with(t, "password: hunter2", `password: "hunter2\u0007"`), []string{"8:13: sink.password: does not have the right form"}},
		"several at once, in order": {with(t, "stream: orders", "stream: a b", "LOADER", "${NOPE}") + "memory: 1\n", []string{
			"2:11: source.stream", "7:9: sink.user", "12:9: memory"}},
		"empty file":      {"", []string{"1:1: source.stream:", "1:1: source.application:", "1:1: sink.warehouse:", "1:1: sink.database:", "1:1: sink.schema:", "1:1: sink.account:", "1:1: sink.user:", "1:1: sink: has no way"}},
		"not a mapping":   {"- a\n", []string{"p.yaml:1:1: is a list, not a mapping of keys"}},
		"not YAML":        {minimal + "memory: [1\n", []string{"p.yaml:12:9: is not valid YAML: "}},
		"two documents":   {minimal + "---\nmemory: 1GiB\n", []string{"holds a second document; write one pipeline a file"}},
		"directive":       {"%YAML 1.2\n---\n" + minimal, []string{"1:1: is a directive"}},
		"not UTF-8":       {minimal + "# \xff\n", []string{"12:3: is not UTF-8"}},
		"too large":       {strings.Repeat("#\n", maxFile/2+1), []string{"1:1: is larger than 256KiB"}},
		"too deep":        {"a: " + strings.Repeat("[", maxDepth+1), []string{"1:68: is nested more than 64 deep"}},
		"with a BOM fine": {"\ufeff" + minimal + "x: 1\n", []string{"12:1: x: is not a key"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := Parse("p.yaml", []byte(tt.file), vars("HIDE", "top-secret", "A", "a"))
			var errs Errors
			if !errors.As(err, &errs) || p != nil {
				t.Fatalf("got %v, %v", p, err)
			}
			if len(errs) != len(tt.want) {
				t.Fatalf("got %d errors, want %d:\n%v", len(errs), len(tt.want), err)
			}
			for i, e := range errs {
				if !strings.Contains(e.Error(), tt.want[i]) {
					t.Errorf("got  %s\nwant %s", e, tt.want[i])
				}
			}
			if text := err.Error(); strings.Contains(text, "top-secret") || strings.Contains(text, "hunter2") {
				t.Errorf("the error gives a secret away: %s", text)
			}
		})
	}
}

func TestEachErrorCanBeTakenOut(t *testing.T) {
	_, err := Parse("p.yaml", []byte(minimal+"memory: 1\nshutdown_timeout: 1\n"), vars())
	var one *Error
	if !errors.As(err, &one) {
		t.Fatalf("got %v", err)
	}
	if one.Line != 12 || one.Column != 9 || one.Key != "memory" || one.File != "p.yaml" || one.Allowed != "64MiB to 1TiB" {
		t.Errorf("got %+v", *one)
	}
}

// oneLine is a text as a double-quoted YAML scalar.
func oneLine(s string) string { return `"` + strings.ReplaceAll(s, "\n", `\n`) + `"` }
