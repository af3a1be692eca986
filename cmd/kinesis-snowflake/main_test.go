package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
)

// asProgram makes the test binary behave as the program: with mode real as it is, else with a pipeline that only waits.
const asProgram = "KINESIS_SNOWFLAKE_TEST_PROGRAM"

func TestMain(m *testing.M) {
	switch mode := os.Getenv(asProgram); mode {
	case "":
	case "real":
		main()
	default:
		p := newProgram()
		p.run = func(ctx context.Context, _ *config.Pipeline, _ pipeline.RunOptions) error {
			fmt.Println("running")
			<-ctx.Done()
			fmt.Println("draining")
			if mode == "stuck" {
				select {}
			}
			return nil
		}
		os.Exit(p.execute(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// pipelineFile writes a file that is good, with its own application and table, after more is added to it.
func pipelineFile(t *testing.T, name, more string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".yaml")
	text := fmt.Sprintf(`source: {stream: orders, region: eu-central-1, application: %s-app}
sink: {account: a, user: u, password: hunter2, warehouse: w, database: d, schema: s, table: %s}
%s`, name, name, more)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const quiet = "telemetry: {listen: off, log: {level: error}}\n"

// buffer is a writer that a test may read while the program writes.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

type bundle struct {
	stdout, stderr buffer
	signals        chan os.Signal
}

// setup is a program that is run in this process, and what the test holds of it.
func setup(run func(context.Context, *config.Pipeline, pipeline.RunOptions) error) (*program, *bundle) {
	b := &bundle{signals: make(chan os.Signal, 2)}
	return &program{stdout: &b.stdout, stderr: &b.stderr, signals: b.signals, run: run}, b
}

func notRun(context.Context, *config.Pipeline, pipeline.RunOptions) error {
	return errors.New("was run")
}

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
	for name, tt := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string // parts
	}{
		"no command":             {nil, 2, "", "no command is given"},
		"unknown command":        {[]string{"walk"}, 2, "", "unknown command \"walk\"\nUsage: kinesis-snowflake COMMAND\nCommands: check, healthcheck,"},
		"misspelt command":       {[]string{"chek"}, 2, "", "unknown command \"chek\"; did you mean check?\n"},
		"unknown flag":           {[]string{"run", "--fast"}, 2, "", "unknown flag: --fast"},
		"run without a file":     {[]string{"run"}, 2, "", "required flag(s) \"config\" not set\nUsage: kinesis-snowflake run -c FILE [-c FILE...]\nMore: kinesis-snowflake help run\n"},
		"run with an argument":   {[]string{"run", "-c", good, "more"}, 2, "", `"more" is not expected: kinesis-snowflake run takes no arguments`},
		"run with a bad file":    {[]string{"run", "-c", bad}, 2, "", "bad.yaml:3:9: memory: "},
		"run with no such file":  {[]string{"run", "-c", "/none.yaml"}, 2, "", "/none.yaml: cannot be read"},
		"check good":             {[]string{"check", "-c", good}, 0, "good.yaml: ok: stream orders in eu-central-1 into table d.s.good\n", ""},
		"check bad, every fault": {[]string{"check", "-c", good, "-c", bad}, 2, "", "bad.yaml:4:1: x: is not a key"},
		"check a bad schema":     {[]string{"check", "-c", shaped}, 2, "", "shaped.yaml:4:13: transform.json_schema: set up transform.json_schema "},
		"replay, a bad schema":   {[]string{"replay", "-c", shaped, "--log", "/dev/null"}, 2, "", "shaped.yaml:4:13: transform.json_schema: "},
		"check a bad key":        {[]string{"check", "-c", keyed}, 2, "", "keyed.yaml:3:4: sink.private_key_file: the key is a ed25519.PrivateKey; Snowflake's key-pair authentication wants RSA"},
		"check, no spool folder": {[]string{"check", "-c", spooled}, 0, "spooled.yaml: note: sink.spool_dir is not there: stat /none: no such file or directory\n", ""},
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

func TestRunHandsEachPipelineWhatItNeeds(t *testing.T) {
	var mu sync.Mutex
	var got []string
	p, b := setup(func(_ context.Context, cfg *config.Pipeline, o pipeline.RunOptions) error {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, cfg.Sink.Table)
		if !o.UntilCaughtUp || o.Logger == nil || o.Health == nil {
			t.Errorf("got %+v", o)
		}
		return nil
	})
	code := p.execute([]string{"run", "-c", pipelineFile(t, "one", quiet), "-c", pipelineFile(t, "two", quiet), "--until-caught-up"})
	if code != 0 || len(got) != 2 || b.stderr.String() != "" {
		t.Errorf("exit code %d, ran %v, stderr %q", code, got, b.stderr.String())
	}
}

func TestOneFailureLeavesTheOthersAndExitsWith1(t *testing.T) {
	failed, goOn := make(chan struct{}), make(chan struct{})
	p, b := setup(func(ctx context.Context, cfg *config.Pipeline, o pipeline.RunOptions) error {
		if cfg.Sink.Table == "bad" {
			defer close(failed)
			return errors.New("no grant")
		}
		<-failed
		select {
		case <-ctx.Done():
			t.Error("the other pipeline was stopped")
		case <-goOn:
		}
		return nil
	})
	code := make(chan int)
	go func() {
		code <- p.execute([]string{"run", "-c", pipelineFile(t, "bad", quiet), "-c", pipelineFile(t, "good", quiet)})
	}()
	<-failed
	close(goOn)
	if got := <-code; got != 1 {
		t.Errorf("exit code %d", got)
	}
	if out := b.stderr.String(); !strings.Contains(out, `"msg":"pipeline failed","pipeline":"`) || !strings.Contains(out, `"error":"no grant"`) || strings.Count(out, "\n") != 1 {
		t.Errorf("stderr is %q", out)
	}
}

// What a library writes by itself is a log line like the others.
func TestLibrariesWriteLogLines(t *testing.T) {
	p, b := setup(func(context.Context, *config.Pipeline, pipeline.RunOptions) error {
		log.Printf("unsolicited response\nin two lines")
		return nil
	})
	if code := p.execute([]string{"run", "-c", pipelineFile(t, "one", "telemetry: {listen: off, log: {level: warn}}\n")}); code != 0 {
		t.Fatal(code)
	}
	var line struct{ Level, Msg string }
	if err := json.Unmarshal([]byte(b.stderr.String()), &line); err != nil || line.Level != "WARN" || line.Msg != "unsolicited response\nin two lines" {
		t.Errorf("%v in %q", err, b.stderr.String())
	}
}

func TestFirstSignalStopsGracefully(t *testing.T) {
	running := make(chan struct{})
	p, b := setup(func(ctx context.Context, _ *config.Pipeline, _ pipeline.RunOptions) error {
		close(running)
		<-ctx.Done()
		return nil
	})
	code := make(chan int)
	go func() { code <- p.execute([]string{"run", "-c", pipelineFile(t, "one", quiet)}) }()
	<-running
	b.signals <- syscall.SIGTERM
	if got := <-code; got != 0 {
		t.Errorf("exit code %d: %s", got, b.stderr.String())
	}
}

func TestPipelinesShareAnAddress(t *testing.T) {
	p, b := setup(func(context.Context, *config.Pipeline, pipeline.RunOptions) error { return nil })
	const listen = "telemetry: {listen: '127.0.0.1:0'}\n"
	if code := p.execute([]string{"run", "-c", pipelineFile(t, "one", listen), "-c", pipelineFile(t, "two", listen)}); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if got := strings.Count(b.stderr.String(), "serving probes"); got != 1 {
		t.Errorf("%d servers for one address", got)
	}
}

func TestAddressInUseIsAFailure(t *testing.T) {
	running, stop := make(chan string, 1), make(chan struct{})
	file := pipelineFile(t, "one", "telemetry: {listen: '127.0.0.1:0', log: {level: info}}\n")
	p, b := setup(func(context.Context, *config.Pipeline, pipeline.RunOptions) error {
		running <- ""
		<-stop
		return nil
	})
	code := make(chan int)
	go func() { code <- p.execute([]string{"run", "-c", file}) }()
	<-running
	address := addressIn(t, b.stderr.String())

	second, sb := setup(notRun)
	if got := second.execute([]string{"run", "-c", pipelineFile(t, "two", "telemetry: {listen: '"+address+"'}\n")}); got != 1 || !strings.Contains(sb.stderr.String(), "telemetry.listen in ") {
		t.Errorf("exit code %d, stderr %q", got, sb.stderr.String())
	}
	close(stop)
	if got := <-code; got != 0 {
		t.Errorf("exit code %d", got)
	}
}

// addressIn finds where a program said that it serves probes.
func addressIn(t *testing.T, log string) string {
	t.Helper()
	_, rest, ok := strings.Cut(log, `"address":"`)
	address, _, ok2 := strings.Cut(rest, `"`)
	if !ok || !ok2 {
		t.Fatalf("no address in %q", log)
	}
	return address
}

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

func TestSignalsOfTheSystem(t *testing.T) {
	for mode, want := range map[string]int{"good": 0, "stuck": 1} {
		t.Run(mode, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "run", "-c", pipelineFile(t, "one", quiet))
			cmd.Env = append(os.Environ(), asProgram+"="+mode)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			next := func(want string) {
				t.Helper()
				if !lines.Scan() || lines.Text() != want {
					t.Fatalf("got %q, %v, want %q", lines.Text(), lines.Err(), want)
				}
			}
			next("running")
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			next("draining")
			if mode == "stuck" {
				if err := cmd.Process.Signal(os.Interrupt); err != nil {
					t.Fatal(err)
				}
			}
			_ = cmd.Wait() // the exit code says it
			if got := cmd.ProcessState.ExitCode(); got != want {
				t.Errorf("exit code %d, want %d", got, want)
			}
		})
	}
}
