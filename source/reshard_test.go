package source

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/standin/kinesis"
)

func TestEveryRecordOnceWhileTheStreamIsResharded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3)
		w.put(500)
		a := w.start("a")
		wait(5 * time.Second)
		for _, reshard := range []func() error{
			func() error { _, _, err := w.kinesis.Split(stream, "shardId-000000000001"); return err },
			func() error {
				_, err := w.kinesis.Merge(stream, "shardId-000000000000", "shardId-000000000003")
				return err
			},
			func() error { return w.kinesis.UpdateShardCount(stream, 6) },
			func() error { return w.kinesis.UpdateShardCount(stream, 2) },
		} {
			w.put(300)
			if err := reshard(); err != nil {
				t.Fatal(err)
			}
			w.put(300)
			wait(20 * time.Second)
		}
		w.put(100)
		wait(time.Minute)
		if s := a.Status(); !s.Synced || s.Pending != 0 || s.Open != 2 || s.Held != 2 {
			t.Errorf("status %+v", s)
		}
		w.mu.Lock()
		if len(w.reading) != 2 {
			t.Errorf("consumers of finished shards are still open: %v", w.reading)
		}
		w.mu.Unlock()
		if err := a.stop(); err != nil {
			t.Fatal(err)
		}
		w.whole(false)
		w.parentsFirst()
	})
}

func TestChildrenComeWithTheLastAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		w.put(10)
		a := w.start("a")
		wait(5 * time.Second)
		w.kinesis.SetHooks(kinesis.Hooks{Before: func(c kinesis.Call) *kinesis.Fault {
			if c.Op == "ListShards" {
				return &kinesis.Fault{Status: 500}
			}
			return nil
		}})
		if _, _, err := w.kinesis.Split(stream, "shardId-000000000000"); err != nil {
			t.Fatal(err)
		}
		w.put(10)
		wait(10 * time.Second)
		if err := a.stop(); err != nil {
			t.Fatal(err)
		}
		w.whole(false)
	})
}

// stripper takes the child shards out of the last answers.
type stripper struct{ to http.RoundTripper }

func (s stripper) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := s.to.RoundTrip(req)
	if err != nil || !strings.HasSuffix(req.Header.Get("X-Amz-Target"), ".GetRecords") {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	body = bytes.Replace(body, []byte(`"ChildShards"`), []byte(`"X"`), 1)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

func TestChildrenAreLookedUpWhereTheLastAnswerHasNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		w.put(10)
		o := w.options("a")
		o.KinesisTransport = stripper{w.kinesis.RoundTripper()}
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		a := w.run(s, &sink{world: w, name: "a"})
		wait(5 * time.Second)
		if _, err := w.kinesis.Merge(stream, "shardId-000000000000", "shardId-000000000001"); err != nil {
			t.Fatal(err)
		}
		w.put(10)
		wait(time.Minute)
		if err := a.stop(); err != nil {
			t.Fatal(err)
		}
		for _, c := range a.sink.shards {
			if c.shard.children.Load() != nil {
				t.Error("the last answer told children: this test shows nothing")
			}
		}
		w.whole(false)
		w.parentsFirst()
	})
}
