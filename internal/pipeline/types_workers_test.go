package pipeline_test

import (
	"fmt"
	"strings"
	"testing"

	service "kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/sink/table"
)

// loadAtCreation has two workers find no table, and create it with a column of another type each.
func loadAtCreation(t *testing.T, tb *typesTable, batches [][][]byte) {
	t.Helper()
	loadAtOnce(t, tb, batches[0], "CREATE TABLE IF NOT EXISTS "+table.Qualified("RAW", "KINESIS", tb.name)+" (",
		tb.worker(t, "0"), tb.worker(t, "1"))
}

// loadAtAddition has two workers that know the table add a column of another type each.
func loadAtAddition(t *testing.T, tb *typesTable, batches [][][]byte) {
	t.Helper()
	a, b := tb.worker(t, "0"), tb.worker(t, "1")
	a.load(t, []byte(`{}`))
	b.load(t, []byte(`{}`))
	clear(tb.records)
	tb.account.mustExec(t, "DELETE FROM "+table.Qualified("RAW", "KINESIS", tb.name))
	loadAtOnce(t, tb, batches[0], "ALTER TABLE ", a, b)
}

// loadAtOnce loads a record by each of two workers. The second one's DDL, which begins with prefix, arrives when the
// first one's batch is committed.
func loadAtOnce(t *testing.T, tb *typesTable, records [][]byte, prefix string, first, second *typesWorker) {
	t.Helper()
	defer first.close(t)
	defer second.close(t)
	arrived, goOn := make(chan struct{}), make(chan struct{})
	held := false
	tb.account.SetHooks(service.Hooks{Before: func(e service.Event) *service.Fault {
		if held || !strings.HasPrefix(e.SQL, prefix) {
			return nil
		}
		held = true // the other worker is not on its way yet
		close(arrived)
		return &service.Fault{Wait: goOn}
	}})
	defer tb.account.SetHooks(service.Hooks{})
	one, partOne := first.batch(t, records[0])
	two, partTwo := second.batch(t, records[1])
	done := make(chan error, 1)
	go func() { done <- second.commit(two, partTwo) }()
	select {
	case <-arrived:
	case err := <-done:
		t.Fatalf("the second worker needed no DDL that begins with %q: %v", prefix, err)
	}
	if err := first.commit(one, partOne); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestTypesWorkersRace has workers with values of different types begin a table with nothing to hold them apart.
func TestTypesWorkersRace(t *testing.T) {
	account := newTypesAccount(t)
	values := []string{`1`, `"x"`, `0.5`, `true`, `[1]`, `{"a":"b"}`, `12345678901234567890123456789012345678901234567890`}
	tb := account.table()
	type load struct {
		w    *typesWorker
		done chan error
	}
	var loads []load
	for i, v := range values {
		l := load{tb.worker(t, fmt.Sprint(i)), make(chan error, 1)}
		defer l.w.close(t)
		b, part := l.w.batch(t, fmt.Appendf(nil, `{"v":%s}`, v))
		loads = append(loads, l)
		go func() { l.done <- l.w.commit(b, part) }()
	}
	for _, l := range loads {
		if err := <-l.done; err != nil {
			t.Fatal(err)
		}
	}
	checkTypesTable(t, tb)
}
