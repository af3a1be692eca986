package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v5"
)

// compiled is the schema that the program prints, read by a validator that knows the draft.
var compiled = sync.OnceValues(func() (*jsonschema.Schema, error) {
	var text bytes.Buffer
	if err := WriteJSONSchema(&text); err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.ExtractAnnotations = true
	if err := c.AddResource("pipeline.json", &text); err != nil {
		return nil, err
	}
	return c.Compile("pipeline.json")
})

// bySchema is what an editor would say of a file.
func bySchema(t *testing.T, file string) error {
	t.Helper()
	s, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	var parsed, plain any
	if err := yaml.Unmarshal([]byte(strings.TrimPrefix(file, "\ufeff")), &parsed); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(parsed)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&plain); err != nil {
		t.Fatal(err)
	}
	return s.Validate(plain)
}

func TestSchemaTakesTheExample(t *testing.T) {
	data, err := os.ReadFile("../examples/pipeline.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := bySchema(t, string(data)); err != nil {
		t.Errorf("%#v", err)
	}
}

func TestSchemaTakesWhatVariablesMayHold(t *testing.T) {
	for name, file := range map[string]string{
		"every kind of value":              minimal + "  batch: {interval: \"${A}\", max_rows: \"${B}0\"}\nmemory: ${C}\nshutdown_timeout: 3${D}\ntelemetry: {log: {level: \"${E}\"}}\n",
		"logins of which one may be empty": with(t, "hunter2", "${PASSWORD}") + "  pat: ${PAT}\n  spcs: ${INSIDE}\n",
		"keys that are left out":           minimal + "  pat:\n  private_key: ''\n  batch:\ntransform:\nmemory: null\n",
		"plain numbers as text":            with(t, "stream: orders", "stream: 2024", "hunter2", "1234") + "  table: 7\n",
		"the listener off":                 minimal + "telemetry: {listen: off}\n",
		"spcs, with nothing else":          strings.Replace(with(t, "  user: LOADER\n  password: hunter2\n", "  spcs: true\n"), "  account: myorg-myaccount\n", "", 1),
	} {
		if err := bySchema(t, file); err != nil {
			t.Errorf("%s: %#v", name, err)
		}
	}
}

func TestSchemaRefusesWrongFiles(t *testing.T) {
	for name, tt := range map[string]struct{ file, where string }{
		"unknown key":               {minimal + "memroy: 1GiB\n", ""},
		"unknown key of a section":  {minimal + "  batch: {intervall: 1s}\n", "/sink/batch"},
		"unknown key of transform":  {minimal + "transform: {step: []}\n", "/transform"},
		"no stream":                 {with(t, "  stream: orders\n", ""), "/source"},
		"no sink":                   {"source: {stream: a, application: abc}\n", ""},
		"empty warehouse":           {with(t, "LOAD_XS", "''"), "/sink/warehouse"},
		"list where a value goes":   {minimal + "memory: [1]\n", "/memory"},
		"value where a section is":  {minimal + "telemetry: 12\n", "/telemetry"},
		"not a size":                {minimal + "memory: lots\n", "/memory"},
		"size out of range":         {minimal + "memory: 1024\n", "/memory"},
		"duration without a unit":   {minimal + "shutdown_timeout: 30\n", "/shutdown_timeout"},
		"number out of range":       {minimal + "  batch: {max_rows: 0}\n", "/sink/batch/max_rows"},
		"not a choice":              {with(t, "source:", "source:\n  consumer: push"), "/source/consumer"},
		"not a start":               {with(t, "source:", "source:\n  start: yesterday"), "/source/start"},
		"bad stream":                {with(t, "stream: orders", "stream: my orders"), "/source/stream"},
		"bad role":                  {with(t, "source:", "source:\n  role_arn: loader"), "/source/role_arn"},
		"external ID alone":         {with(t, "source:", "source:\n  external_id: abc"), "/source"},
		"key id without its secret": {with(t, "source:", "source:\n  access_key_id: A"), "/source"},
		"session token alone":       {with(t, "source:", "source:\n  session_token: A"), "/source"},
		"a secret given both ways":  {minimal + "  password_file: x\n", "/sink/password_file"},
		"no way to log in":          {with(t, "  password: hunter2\n", ""), "/sink"},
		"spcs: false alone":         {with(t, "password: hunter2", "spcs: false"), "/sink"},
		"two ways to log in":        {minimal + "  workload_identity: AWS\n", "/sink/password"},
		"spcs beside another":       {minimal + "  spcs: true\n", "/sink/password"},
		"password without a user":   {with(t, "  user: LOADER\n", ""), "/sink"},
		"PAT without an account":    {with(t, "  account: myorg-myaccount\n", "", "password:", "pat:"), "/sink"},
		"unknown cloud":             {with(t, "password: hunter2", "workload_identity: IBM"), "/sink/workload_identity"},
		"a path that is no list":    {with(t, "password: hunter2", "workload_identity: AWS\n  workload_identity_impersonation_path: a"), "/sink/workload_identity_impersonation_path"},
		"a passphrase alone":        {minimal + "  private_key_passphrase: x\n", "/sink"},
		"neither yes nor no":        {with(t, "password: hunter2", "spcs: 'yes'"), "/sink"},
	} {
		t.Run(name, func(t *testing.T) {
			err := bySchema(t, tt.file)
			if err == nil {
				t.Fatal("it is accepted")
			}
			if v, ok := errors.AsType[*jsonschema.ValidationError](err); !ok || !mentions(v, tt.where) {
				t.Errorf("the fault is not at %q: %#v", tt.where, err)
			}
			if _, err := Parse("p.yaml", []byte(tt.file), vars()); err == nil {
				t.Error("the program takes it")
			}
		})
	}
}

func mentions(e *jsonschema.ValidationError, where string) bool {
	if e.InstanceLocation == where && len(e.Causes) == 0 {
		return true
	}
	for _, c := range e.Causes {
		if mentions(c, where) {
			return true
		}
	}
	return false
}

func TestSchemaExplainsEveryKey(t *testing.T) {
	s, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	interval := s.Properties["sink"].Properties["batch"].Properties["interval"]
	if interval.Default != "1m" || !strings.Contains(interval.Description, "How old a batch's first record grows.") || !strings.Contains(interval.Description, "Allowed: 100ms to 1d.") {
		t.Errorf("got %v, %q", interval.Default, interval.Description)
	}
	if rows := s.Properties["sink"].Properties["batch"].Properties["max_rows"]; rows.Default != json.Number("1000000") {
		t.Errorf("the default of max_rows is %#v", rows.Default)
	}
}
