package lease

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// moody is a stream that cannot be listed now and then.
type moody struct {
	mu    sync.Mutex
	lists func() (Listing, error)
}

func (m *moody) ListShards(context.Context, *Start) (Listing, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lists()
}

func (m *moody) set(lists func() (Listing, error)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lists = lists
}

// Kinesis lists nothing for ten minutes, and then a torn listing for ten more, which is not cured by asking again each second.
func TestListingsThatFailAreToldOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		log := new(bytes.Buffer)
		shards := tiles(2)
		kinesis := &moody{lists: func() (Listing, error) { return Listing{}, errors.New("no route to host") }}
		c, err := NewCoordinator(Config{Worker: "a", Logger: slog.New(slog.NewTextHandler(log, nil))}, NewDynamoDB(client(f.server.RoundTripper()), table, quiet()), kinesis)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- c.Run(t.Context()) }()
		<-time.After(10 * time.Minute)
		kinesis.set(func() (Listing, error) { return Listing{Shards: shards[:1]}, nil })
		<-time.After(10 * time.Minute)
		kinesis.set(func() (Listing, error) { return Listing{Shards: shards}, nil })
		<-time.After(10 * time.Second)
		if err := c.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		for line, most := range map[string]int{"listing of shards failed": 10, "shards are listed again": 1, "first shard sync": 10, "lease taken": 2} {
			if n := strings.Count(log.String(), line); n > most || n < min(most, 9) {
				t.Errorf("%d lines %q, want %d", n, line, most)
			}
		}
	})
}
