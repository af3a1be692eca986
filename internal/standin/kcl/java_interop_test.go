//go:build interop

package kcl_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// version is a version of KCL, with the arguments that its workers get.
type version struct {
	number string
	args   []string
}

func (v version) String() string { return strings.Join(append([]string{v.number}, v.args...), " ") }

// worker is a process that runs one worker of KCL.
type worker struct {
	name    string
	process *exec.Cmd
	input   io.WriteCloser
	done    chan struct{} // closed when all of its output was read

	mu     sync.Mutex
	events []event
	news   chan struct{} // closed and replaced at each event
	log    []string
}

// event is a line of .ci/interop/java/Worker.java: what happened, the shard, and the rest.
type event struct {
	what, shard, sequence, sub, data string
}

// java starts a worker of KCL on the world's stream and lease table. It ends with the test at the latest.
func (w *world) java(v version, name string, args ...string) *worker {
	w.t.Helper()
	home := filepath.Join(os.Getenv("INTEROP_KCL"), v.number)
	line := []string{
		// Starting is most of what it does: no second compiler, one collector thread.
		"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-Xshare:auto",
		"-Daws.cborEnabled=false", "-Daws.disableEc2Metadata=true",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.log.software.amazon.kinesis=info",
		"-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
		"-cp", filepath.Join(home, "classes") + string(os.PathListSeparator) + filepath.Join(home, "lib", "*"),
		"Worker",
		"kinesis=" + w.kinesisURL, "dynamodb=" + w.dynamoURL, "stream=" + w.stream, "application=" + w.application, "worker=" + name,
		fmt.Sprint("failover=", w.lease.Milliseconds()),
	}
	line = append(append(line, v.args...), args...)
	j := &worker{name: name, done: make(chan struct{}), news: make(chan struct{})}
	j.process = exec.CommandContext(context.WithoutCancel(w.t.Context()), "java", line...)
	j.process.WaitDelay = 10 * time.Second
	var err error
	j.input, err = j.process.StdinPipe()
	w.must(err)
	out, err := j.process.StdoutPipe()
	w.must(err)
	errs, err := j.process.StderrPipe()
	w.must(err)
	w.must(j.process.Start())
	w.t.Cleanup(func() {
		j.kill()
		if w.t.Failed() {
			lines := j.lines("")
			w.t.Logf("log of %s:\n%s", name, strings.Join(lines[max(0, len(lines)-40):], "\n"))
		}
	})
	var reading sync.WaitGroup
	reading.Go(func() { j.read(out, j.hear) })
	reading.Go(func() { j.read(errs, j.note) })
	go func() {
		reading.Wait()
		_ = j.process.Wait() // killed, most often
		close(j.done)
	}()
	return j
}

func (j *worker) read(r io.Reader, each func(line string)) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		j.mu.Lock()
		each(lines.Text())
		close(j.news)
		j.news = make(chan struct{})
		j.mu.Unlock()
	}
}

// note keeps an entry of the log with the lines of its exception.
func (j *worker) note(line string) {
	if dated.MatchString(line) || len(j.log) == 0 {
		j.log = append(j.log, line)
		return
	}
	j.log[len(j.log)-1] += "\n" + line
}

var dated = regexp.MustCompile(`^\d\d:\d\d:\d\d`)

func (j *worker) hear(line string) {
	parts := append(strings.SplitN(line, " ", 5), "", "", "", "", "")
	j.events = append(j.events, event{parts[0], parts[1], parts[2], parts[3], parts[4]})
}

// until waits until what has happened satisfies ok.
func (j *worker) until(t *testing.T, what string, ok func([]event) bool) {
	t.Helper()
	late := time.After(patience)
	for {
		j.mu.Lock()
		events, news := j.events, j.news
		j.mu.Unlock()
		if ok(events) {
			return
		}
		select {
		case <-news:
		case <-j.done:
			t.Fatalf("%s ended before %s", j.name, what)
		case <-late:
			t.Fatalf("%s has waited %v for %s", j.name, patience, what)
		}
	}
}

// stop ends the worker gracefully and waits for its end.
func (j *worker) stop(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(j.input, "stop\n"); err != nil {
		t.Fatal(err)
	}
	j.until(t, "its end", func(events []event) bool { return last(events, "stopped") != nil })
	<-j.done
	if s := last(j.all(), "stopped"); s.shard != "true" {
		t.Errorf("%s did not stop gracefully", j.name)
	}
}

// kill ends the worker as a crash does. It may have ended.
func (j *worker) kill() {
	if err := j.process.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		panic(err)
	}
	<-j.done
}

func (j *worker) all() []event {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.events
}

// records are the data of the records that it processed.
func (j *worker) records() []string {
	var data []string
	for _, e := range j.all() {
		if e.what == "record" {
			data = append(data, e.data)
		}
	}
	return data
}

func last(events []event, what string) *event {
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].what == what {
			return &events[i]
		}
	}
	return nil
}

// lines are the entries of its log that a pattern matches.
func (j *worker) lines(pattern string) []string {
	re := regexp.MustCompile(pattern)
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []string
	for _, l := range j.log {
		if re.MatchString(l) {
			found = append(found, l)
		}
	}
	return found
}

// usual are complaints of KCL that a run without the connector has, too, with the reason.
var usual = []*regexp.Regexp{
	// The worker has not published its own metrics yet.
	regexp.MustCompile(`Not able to assign all expiredOrUnAssignedLeases`),
	// A finished shard's children have not begun; it tries again.
	regexp.MustCompile(`Unable to clean up lease`),
	// A graceful stop interrupts what is under way.
	regexp.MustCompile(`java.lang.InterruptedException`),
	// And it takes this away from the loop that still runs.
	regexp.MustCompile(`Worker.run caught exception, .*\njava.lang.IllegalStateException: LeaderDecider uninitialized`),
}

// content insists that the worker has warned of nothing: neither of a row nor of anything else.
func (j *worker) content(t *testing.T) {
	t.Helper()
	complaints := slices.DeleteFunc(j.lines(` (WARN|ERROR) `), func(line string) bool {
		return slices.ContainsFunc(usual, func(u *regexp.Regexp) bool { return u.MatchString(line) })
	})
	if len(complaints) > 0 {
		t.Errorf("%s complains:\n%s", j.name, strings.Join(complaints[:min(len(complaints), 5)], "\n"))
	}
}
