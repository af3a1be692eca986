package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestSecretNeverPrints(t *testing.T) {
	const value = "hunter2"
	type holder struct {
		S Secret
		P *Secret
		M map[Secret]int
	}
	s := NewSecret(value)
	h := holder{S: s, P: &s, M: map[Secret]int{s: 1}}
	p := Pipeline{Sink: Sink{Password: s, PrivateKey: s, PrivateKeyPassphrase: s}, Source: Source{AccessKeyID: s, SecretAccessKey: s, SessionToken: s}}

	var told []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t", "%10.3s"} {
		told = append(told, fmt.Sprintf(verb, s), fmt.Sprintf(verb, &s), fmt.Sprintf(verb, h), fmt.Sprintf(verb, p), fmt.Sprintf(verb, []Secret{s}))
	}
	asJSON, err := json.Marshal([]any{h, p})
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(map[string]any{"s": s, "p": p})
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("m", "s", s, "h", h, "p", p)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("m", "s", s, "h", h, "p", p)
	told = append(told, string(asJSON), string(asYAML), logged.String(), s.String(), s.GoString())
	for _, text := range told {
		if strings.Contains(text, value) || strings.Contains(text, fmt.Sprintf("%x", value)) || strings.Contains(text, fmt.Sprintf("%X", value)) {
			t.Errorf("gives the secret away: %s", text)
		}
	}
	if got := s.LogValue().String(); got != "<secret>" {
		t.Errorf("is logged as %s", got)
	}
	if got := fmt.Sprint(s); got != "<secret>" {
		t.Errorf("prints as %s", got)
	}
	if s.Reveal() != value || s.IsZero() || !(Secret{}).IsZero() {
		t.Error("does not hold its value")
	}
}

func TestSecretIsGivenOnce(t *testing.T) {
	dir := folder(t, map[string]string{"pw": "hunter2\n"})
	_, err := Parse(dir+"/p.yaml", []byte(minimal+"  password_file: pw\n"), vars())
	if want := "/p.yaml:12:3: sink.password_file: cannot be given together with sink.password; allowed: one of the two"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want ... %s", err, want)
	}
}

func TestSecretFilesAreBounded(t *testing.T) {
	dir := folder(t, map[string]string{"large": strings.Repeat("x", maxSecret+1), "most": strings.Repeat("x", maxSecret), "empty": "\n"})
	for name, want := range map[string]string{"large": "is larger than 64KiB", "empty": "is empty", "most": ""} {
		_, err := Parse(dir+"/p.yaml", []byte(with(t, "password: hunter2", "password_file: "+name)), vars())
		if got := fmt.Sprint(err); (err != nil || want != "") && (want == "" || !strings.Contains(got, want)) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}
