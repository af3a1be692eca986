package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"kinesis-snowflake/internal/standin/dynamodb"
	"kinesis-snowflake/internal/standin/snowflake"
)

// points are the steps of the program's protocol; it is killed before and after each.
var points = []string{
	"take", "checkpoint", "release",
	"acquire BEGIN", "acquire UPDATE *", "acquire INSERT", "acquire UPDATE EPOCH", "acquire SELECT", "acquire COMMIT",
	"commit PUT", "commit UPLOAD", "commit BEGIN", "commit COPY", "commit UPDATE", "commit COMMIT",
}

// A killer watches what the program asks of the stand-ins, and kills it at the next step that is still to be done.
type killer struct {
	mu          sync.Mutex
	todo        map[string]bool // "before take", "after take"...
	worker      string          // whose steps are followed; a dead one's last requests may still come
	process     *process        // nil: no killing
	victims     map[*process]string
	owner       map[int64]string // a session's worker
	put         bool             // a file was put and not yet committed: the next BEGIN is a commit's
	transaction map[int64]string // by session: acquire or commit
	committed   chan struct{}    // closed at the process's first commit
	mistakes    []string
}

func newKiller() *killer {
	k := &killer{todo: map[string]bool{}, victims: map[*process]string{}, owner: map[int64]string{}}
	for _, p := range points {
		k.todo["before "+p], k.todo["after "+p] = true, true
	}
	return k
}

// follow turns to a new worker, or to none; the channel is closed at its first commit.
func (k *killer) follow(worker string) <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.worker, k.process, k.put, k.transaction, k.committed = worker, nil, false, map[int64]string{}, make(chan struct{})
	return k.committed
}

// hunt names the followed worker's process, which may be killed from now on.
func (k *killer) hunt(p *process) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.process = p
}

func (k *killer) left() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Sorted(maps.Keys(k.todo))
}

func (k *killer) onlyRelease() bool {
	return !slices.ContainsFunc(k.left(), func(s string) bool { return !strings.HasSuffix(s, " release") })
}

func (k *killer) killed(p *process) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.victims[p] != ""
}

func (k *killer) mistaken() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.mistakes
}

// strike kills the process if it was not yet killed at this step, and reports whether it is dead: then nothing it asked for
// may be answered, and what has not begun may not be done.
func (k *killer) strike(step string) bool {
	k.mu.Lock()
	p := k.process
	if p != nil && k.victims[p] == "" && k.todo[step] {
		k.victims[p] = step
		delete(k.todo, step)
		p.kill()
	}
	dead := p != nil && k.victims[p] != ""
	k.mu.Unlock()
	if dead {
		<-p.exited
	}
	return dead
}

// follows says whether a lease's change names the followed worker, as its old owner or its new one.
func (k *killer) follows(body []byte) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.worker != "" && bytes.Contains(body, []byte(`"`+k.worker+`"`))
}

func (k *killer) snowflakeHooks() snowflake.Hooks {
	hook := func(when string) func(snowflake.Event) *snowflake.Fault {
		return func(e snowflake.Event) *snowflake.Fault {
			if e.User == "ANALYST" || e.User == "ADMIN" || e.Err != nil {
				return nil
			}
			point := k.point(when, e)
			if point != "" && k.strike(when+" "+point) {
				return &snowflake.Fault{Cut: true}
			}
			return nil
		}
	}
	return snowflake.Hooks{Before: hook("before"), After: hook("after")}
}

// point names the step that a statement is, and follows the sessions' transactions.
func (k *killer) point(when string, e snowflake.Event) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e.Session != 0 && k.owner[e.Session] == "" {
		k.owner[e.Session] = k.worker
	}
	if e.Session != 0 && k.owner[e.Session] != k.worker {
		return ""
	}
	kind := k.transaction[e.Session]
	expect := func(want, step string) string {
		if kind != want && k.worker != "" {
			k.mistakes = append(k.mistakes, fmt.Sprintf("%s in a transaction taken for %q: %s", step, kind, e.SQL))
		}
		return want + " " + step
	}
	switch e.Class {
	case "PUT", "UPLOAD":
		k.put = true
		return "commit " + e.Class
	case "BEGIN":
		if when == "before" {
			kind = "acquire"
			if k.put {
				kind = "commit"
			}
			k.transaction[e.Session] = kind
		}
		return kind + " BEGIN"
	case "INSERT":
		return expect("acquire", "INSERT")
	case "COPY":
		return expect("commit", "COPY")
	case "UPDATE":
		switch {
		case strings.Contains(e.SQL, `"EPOCH" + 1`): // it asks for the mark on row '*', so this comes first
			return expect("acquire", "UPDATE EPOCH")
		case strings.Contains(e.SQL, `"SHARD" = '*'`):
			return expect("acquire", "UPDATE *")
		default:
			return expect("commit", "UPDATE")
		}
	case "SELECT":
		if kind == "acquire" && strings.Contains(e.SQL, "$OFFSETS") {
			return "acquire SELECT"
		}
	case "COMMIT", "ROLLBACK":
		if when == "after" {
			delete(k.transaction, e.Session)
			if kind == "commit" && e.Class == "COMMIT" {
				k.put = false
				if k.committed != nil {
					close(k.committed)
					k.committed = nil
				}
			}
		}
		if e.Class == "COMMIT" {
			return kind + " COMMIT"
		}
	}
	return ""
}

func (k *killer) dynamoHooks() dynamodb.Hooks {
	hook := func(when string) func(context.Context, dynamodb.Call) *dynamodb.Fault {
		return func(_ context.Context, c dynamodb.Call) *dynamodb.Fault {
			if c.Op != "UpdateItem" || c.Err != nil {
				return nil
			}
			var update struct{ UpdateExpression string }
			if json.Unmarshal(c.Body, &update) != nil || !k.follows(c.Body) {
				return nil
			}
			set, remove, _ := strings.Cut(update.UpdateExpression, "REMOVE")
			point := ""
			switch {
			case strings.Contains(set, "#leaseOwner = "):
				point = "take"
			case strings.Contains(remove, "#leaseOwner"):
				point = "release"
			case strings.Contains(set, "#checkpoint = "):
				point = "checkpoint"
			}
			if point != "" && k.strike(when+" "+point) {
				return dynamodb.Cut()
			}
			return nil
		}
	}
	return dynamodb.Hooks{Before: hook("before"), After: hook("after")}
}
