package config

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// minimal is the least that a file must say.
const minimal = `source:
  stream: orders
  region: eu-central-1
  application: orders-to-snowflake
sink:
  account: myorg-myaccount
  user: LOADER
  password: hunter2
  warehouse: LOAD_XS
  database: RAW
  schema: KINESIS
`

// with is the minimal file after edits: pairs of old and new text, each of which must be there to replace.
func with(t *testing.T, edits ...string) string {
	t.Helper()
	s := minimal
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(s, edits[i]) {
			t.Fatalf("the minimal file does not hold %q", edits[i])
		}
		s = strings.Replace(s, edits[i], edits[i+1], 1)
	}
	return s
}

func vars(pairs ...string) func(string) (string, bool) {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
}

func mustParse(t *testing.T, text string, env func(string) (string, bool)) *Pipeline {
	t.Helper()
	p, err := Parse("p.yaml", []byte(text), env)
	if err != nil {
		t.Fatal(err)
	}
	if err := bySchema(t, text); err != nil {
		t.Errorf("the JSON Schema refuses a good file: %#v", err)
	}
	return p
}

// folder writes files into a new folder and returns its path.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range maps.All(files) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// somePrivateKey is a PKCS#8 key in PEM form, the same at each call.
func somePrivateKey(t *testing.T) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
