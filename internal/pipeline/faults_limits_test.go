package pipeline

import (
	"fmt"
	"io/fs"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/internal/telemetry"
	"kinesis-snowflake/sink/loadfile"
)

// stepped is a clock that can be set.
type stepped struct{ ahead atomic.Int64 }

func (c *stepped) now() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *stepped) step(d time.Duration) { c.ahead.Add(int64(d)) }

// disk is a real one with a switch that makes it full.
type disk struct {
	loadfile.FS
	full  atomic.Bool
	tries atomic.Int64 // to write to it while it was full
}

func (d *disk) Create(path string) (loadfile.Handle, error) {
	h, err := d.FS.Create(path)
	if err != nil {
		return nil, err
	}
	return diskFile{h, d, path}, nil
}

type diskFile struct {
	loadfile.Handle
	disk *disk
	path string
}

func (f diskFile) WriteAt(p []byte, at int64) (int, error) {
	if f.disk.full.Load() {
		f.disk.tries.Add(1)
		return 0, &fs.PathError{Op: "write", Path: f.path, Err: syscall.ENOSPC}
	}
	return f.Handle.WriteAt(p, at)
}

// The spool's disk is full for ten minutes.
func TestSpoolDiskIsFull(t *testing.T) {
	inStack(t, 2, func(t *testing.T, s *stack) {
		d := &disk{FS: loadfile.OS()}
		s.files = d
		p := s.faulty(s.config("worker"), false)
		s.put(2000)
		p.loadsAll(t)
		d.full.Store(true)
		s.put(2000)
		p.complains(t, "no space left on device: give spool_dir")
		before := d.tries.Load()
		<-time.After(10 * time.Minute)
		if n := d.tries.Load() - before; n == 0 || n > 200 {
			t.Errorf("%d attempts to write in ten minutes, want a few", n)
		}
		if state, _ := p.state(); state != string(telemetry.Failing) {
			t.Errorf("ten minutes later %s", state)
		}
		if n := p.said("cannot load; trying again"); n < 1 || n > 12 {
			t.Errorf("%d lines in ten minutes, want at most one a minute", n)
		}
		d.full.Store(false)
		p.loadsAll(t)
		p.becomes(t, telemetry.Running)
		s.put(500)
		p.loadsAll(t)
		p.stop()
		p.end(t)
		s.complete()
	})
}

// Each COPY takes a minute, for ten minutes, while far more records wait than are loaded: what is in flight stays within
// the file's limits, and the heap does not grow with what waits.
func TestMemoryIsFlatWhileCopiesAreSlow(t *testing.T) {
	const (
		shards, pad, perAnswer = 4, 1000, 100
		backlog                = 40_000 // records, of pad bytes and some more
		batchBytes             = 256 << 10
		memory                 = 2 << 20
	)
	inStack(t, shards, func(t *testing.T, s *stack) {
		s.kinesis.SetHooks(kinesis.Hooks{Before: func(c kinesis.Call) *kinesis.Fault {
			if c.Op == "GetRecords" {
				return &kinesis.Fault{AtMost: perAnswer}
			}
			return nil
		}})
		copies := make(chan struct{}, 1000)
		s.snowflake.SetHooks(snowflake.Hooks{Before: func(e snowflake.Event) *snowflake.Fault {
			if e.Class == "COPY" && !e.Replay {
				done := make(chan struct{})
				s.snowflake.HoldCopies(done)
				time.AfterFunc(time.Minute, func() { close(done) })
				copies <- struct{}{}
			}
			return nil
		}})
		for i := 0; i < backlog; {
			entries := make([]kinesis.Entry, 500)
			for j := range entries {
				entries[j] = kinesis.Entry{PartitionKey: fmt.Sprint(i), Data: fmt.Appendf(nil, `{"id":%d,"pad":"%*d"}`, i, pad, i)}
				i++
			}
			if err := s.kinesis.PutMany(stream, entries); err != nil {
				t.Fatal(err)
			}
		}
		s.sent = backlog
		cfg := s.config("worker")
		cfg.Memory, cfg.Sink.Batch.MaxBytes = config.Size(memory), config.Size(batchBytes)
		answered := &meter{next: s.kinesis.RoundTripper()}
		c := newCable(s)
		c.kinesis.next = answered
		p := s.startOver(c, cfg, false)

		var first, peak uint64
		for minute := range 11 {
			<-copies
			<-time.After(30 * time.Second) // in the middle of the COPY
			p.mu.Lock()
			committed := p.seen.Tally.Bytes
			p.mu.Unlock()
			// Data is base64 on the wire, beside some bytes of envelope; a batch may overshoot by an answer a lane.
			inFlight := answered.bytes.Load()*3/4 - committed
			if limit := int64(memory + 2*(batchBytes+2*perAnswer*pad) + 1<<20); inFlight > limit {
				t.Fatalf("minute %d: %d bytes in flight, want at most %d", minute, inFlight, limit)
			}
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			if minute == 1 {
				first = m.HeapAlloc
			}
			peak = max(peak, m.HeapAlloc)
		}
		// The stand-in keeps what was loaded, about ten batches; what waits is 40 MB.
		if grown := int64(peak) - int64(first); grown > 16<<20 {
			t.Errorf("the heap grew by %d bytes in ten minutes", grown)
		}
		s.snowflake.SetHooks(snowflake.Hooks{})
		s.snowflake.HoldCopies(nil)
		p.until(t, func(g Progress) bool { return g.Tally.Loaded == backlog })
		p.stop()
		p.end(t)
		s.complete()
	})
}

// meter counts the bytes of answers.
type meter struct {
	next  http.RoundTripper
	bytes atomic.Int64
}

func (m *meter) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := m.next.RoundTrip(r)
	if err == nil && strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetRecords") {
		m.bytes.Add(max(resp.ContentLength, 0))
		if resp.ContentLength < 0 {
			panic("an answer of unknown length")
		}
	}
	return resp, err
}
