package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
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
