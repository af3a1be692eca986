//go:build interop

package snowflake_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"kinesis-snowflake/internal/standin/snowflake"
)

// TestInterop has Snowflake's own Python connector use the stand-in.
func TestInterop(t *testing.T) {
	s := snowflake.New(snowflake.Options{})
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(func() { s.Close(); srv.Close() })
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "key.der")
	if err := os.WriteFile(file, der, 0o600); err != nil {
		t.Fatal(err)
	}
	s.AddUser("LOADER", "secret", &key.PublicKey)
	s.CreateSchema("RAW", "KINESIS")
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Getenv("INTEROP_PYTHON"), filepath.Join(os.Getenv("INTEROP_SCRIPTS"), "connector.py"), u.Port(), dir, file)
	// The connector would ask the clouds' metadata services where it runs, and keep settings and caches in the home folder.
	cmd.Env = append(os.Environ(), "SNOWFLAKE_DISABLE_PLATFORM_DETECTION=true", "SNOWFLAKE_HOME="+dir, "HOME="+dir)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}
