package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
)

func TestHealthcheckOfARunningProgram(t *testing.T) {
	running, stop := make(chan pipeline.RunOptions, 1), make(chan struct{})
	p, b := setup(func(_ context.Context, _ *config.Pipeline, o pipeline.RunOptions) error {
		running <- o
		<-stop
		return nil
	})
	code := make(chan int)
	go func() {
		code <- p.execute([]string{"run", "-c", pipelineFile(t, "one", "telemetry: {listen: '127.0.0.1:0'}\n")})
	}()
	o := <-running
	address := addressIn(t, b.stderr.String())
	_, port, _ := strings.Cut(address, ":")

	ask := func(args ...string) (int, *bundle) {
		p, b := setup(notRun)
		return p.execute(append([]string{"healthcheck"}, args...)), b
	}
	// The file names every address, as in a container; the loopback one is asked.
	file := pipelineFile(t, "one", "telemetry: {listen: '0.0.0.0:"+port+"'}\n")
	if got, b := ask("-c", file); got != 0 || !strings.Contains(b.stdout.String(), `"state":"starting"`) {
		t.Errorf("exit code %d, %q %q", got, b.stdout.String(), b.stderr.String())
	}
	if got, b := ask("--url", "http://"+address); got != 0 {
		t.Errorf("exit code %d, %q", got, b.stderr.String())
	}
	if got, b := ask("--url", "http://"+address+"/readyz"); got != 1 || !strings.Contains(b.stderr.String(), "not alive: 503") {
		t.Errorf("exit code %d, %q", got, b.stderr.String())
	}
	o.Health.Check("renewal", func() error { return errors.New("stands still") })
	if got, b := ask("-c", file); got != 1 || !strings.Contains(b.stdout.String(), "renewal: stands still") {
		t.Errorf("exit code %d, %q", got, b.stdout.String())
	}
	// A file that was edited since, or whose secret is being replaced, is no reason to call the process dead.
	rewrite(t, file, "password: hunter2", "password_file: /none, wharehouse: x")
	if got, b := ask("-c", file); got != 1 || !strings.Contains(b.stdout.String(), "renewal: stands still") {
		t.Errorf("exit code %d, %q %q", got, b.stdout.String(), b.stderr.String())
	}
	rewrite(t, file, "telemetry: {", "telemetry: [")
	if got, b := ask("-c", file); got != 2 || !strings.Contains(b.stderr.String(), "is not valid YAML") {
		t.Errorf("exit code %d, %q %q", got, b.stdout.String(), b.stderr.String())
	}
	rewrite(t, file, "telemetry: [", "telemetry: {")
	close(stop)
	<-code
	if got, b := ask("-c", file); got != 1 || !strings.Contains(b.stderr.String(), "not alive: ") {
		t.Errorf("exit code %d, %q", got, b.stderr.String())
	}
}

func TestHealthURL(t *testing.T) {
	for listen, want := range map[string]string{
		":9090": "http://127.0.0.1:9090/healthz", "0.0.0.0:1": "http://127.0.0.1:1/healthz", "[::]:1": "http://[::1]:1/healthz",
		"[::1]:1": "http://[::1]:1/healthz", "10.0.0.1:1": "http://10.0.0.1:1/healthz", "localhost:1": "http://localhost:1/healthz",
	} {
		if got, err := healthURL(pipelineFile(t, "one", "telemetry: {listen: '"+listen+"'}\n"), ""); err != nil || got != want {
			t.Errorf("%s: got %s, %v", listen, got, err)
		}
	}
}
