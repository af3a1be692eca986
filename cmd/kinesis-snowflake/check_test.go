package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"testing"
)

// A profile that is not there ends a run at its start; without a network it can only be a note, as it is another on another
// machine.
func TestCheckNotesAProfileThatIsNotThere(t *testing.T) {
	t.Setenv("AWS_PROFILE", "nobody")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	p, b := setup(notRun)
	if code := p.execute([]string{"check", "-c", pipelineFile(t, "good", quiet)}); code != 0 {
		t.Errorf("exit code %d: %s", code, b.stderr.String())
	}
	has(t, b.stdout.String(), "good.yaml: ok: ", "good.yaml: note: the source cannot be set up: load AWS configuration: ", "nobody")
}

// rewrite replaces a part of a pipeline file.
func rewrite(t *testing.T, file, old, new string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(text, []byte(old)) {
		t.Fatal(err, old)
	}
	if err := os.WriteFile(file, bytes.Replace(text, []byte(old), []byte(new), 1), 0o600); err != nil {
		t.Fatal(err)
	}
}

// keyFile writes a private key that Snowflake has no use for.
func keyFile(t *testing.T, file string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
