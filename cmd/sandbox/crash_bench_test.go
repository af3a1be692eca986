package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kinesis-snowflake/cmd/sandbox/internal/ask"
	"kinesis-snowflake/cmd/sandbox/internal/produce"
	"kinesis-snowflake/cmd/sandbox/internal/stack"
	"kinesis-snowflake/source/kpl"
)

const (
	crashRecords = 200_000
	crashLease   = time.Second // the shortest that a pipeline file may name
	patient      = time.Minute // for one thing to happen on a busy machine
)

// bench is what a crash test works on: the three stand-ins, one stream, and the real program.
type bench struct {
	t       testing.TB
	servers *stack.Stack
	stream  string
	binary  string

	lease, interval time.Duration // of every process
	aggregated      int           // percent of the records that come in aggregates

	started []*process
	sent    int // records, which bear the numbers 0 to sent-1
	shaped  int // times that the stream was resharded
}

func newBench(t testing.TB, stream string, shards int) *bench {
	t.Helper()
	servers, err := stack.Start(t.Context(), stack.Options{Dir: t.TempDir(), Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := servers.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := servers.Kinesis.CreateStream(stream, shards); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, servers: servers, stream: stream, binary: buildProgram(t), lease: crashLease, interval: 100 * time.Millisecond}
	t.Cleanup(b.keepLogs) // first: cleanups run backwards, and a process must be dead before its log is whole
	t.Cleanup(func() {
		for _, p := range b.started {
			p.kill()
			<-p.exited
		}
	})
	return b
}

// start starts the program under a worker's name, with a pipeline file of its own.
func (b *bench) start(p stack.Pipeline, more ...string) *process {
	b.t.Helper()
	p.Stream, p.Interval, p.LeaseDuration, p.LogLevel = b.stream, b.interval, b.lease, "info"
	p.Name = fmt.Sprintf("run-%d", len(b.started))
	file, err := b.servers.WritePipeline(p)
	if err != nil {
		b.t.Fatal(err)
	}
	started := startProgram(b.t, b.binary, p.WorkerID, append([]string{"run", "-c", file}, more...)...)
	b.started = append(b.started, started)
	return started
}

// put sends n more records, each with a number of its own.
func (b *bench) put(n int) {
	b.t.Helper()
	batch := make([]produce.Record, n)
	for i := range batch {
		data := fmt.Sprintf(`{"n":%[1]d,"name":"record number %[1]d","ratio":%[2]d.25,"tags":["a",{"b":%[1]d}]}`, b.sent, b.sent%100)
		batch[i] = produce.Record{PartitionKey: fmt.Sprint("key-", b.sent), Data: []byte(data)}
		b.sent++
	}
	local := produce.Local{Server: b.servers.Kinesis}
	var to produce.Putter = local
	if b.aggregated > 0 {
		to = &produce.Aggregating{Putter: local, Percent: b.aggregated, Shards: local.Shards(b.stream)}
	}
	if err := to.Put(b.t.Context(), b.stream, batch); err != nil {
		b.t.Fatal(err)
	}
}

// reshard splits a shard or merges two, by turns.
func (b *bench) reshard() {
	b.t.Helper()
	if err := reshardOnce(b.servers.Kinesis, b.stream, b.shaped); err != nil {
		b.t.Fatal(err)
	}
	b.shaped++
}

// finish runs the program until it has caught up, and then wants exactly the stream's records in the table. what was done
// to it goes into the report.
func (b *bench) finish(what string) {
	t := b.t
	t.Helper()
	client, err := ask.Dial(t.Context(), b.servers.SnowflakeURL)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	before, _, err := count(t.Context(), client, strings.ToUpper(b.stream))
	if err != nil {
		t.Fatal(err)
	}
	if before == 0 {
		t.Error("nothing was loaded before the last run: the crashes proved nothing")
	}
	last := b.start(stack.Pipeline{WorkerID: "last"}, "--until-caught-up")
	select {
	case <-last.exited:
	case <-time.After(2 * patient):
		t.Fatalf("the last run does not end:\n%s", last.said())
	}
	if code := last.command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the last run ends with %d", code)
	}
	rows, distinct, err := count(t.Context(), client, strings.ToUpper(b.stream))
	if err != nil {
		t.Fatal(err)
	}
	if b.sent <= crashRecords || rows != int64(b.sent) || distinct != int64(b.sent) {
		b.compare(client)
	}
	summary := fmt.Sprintf("rows=%d distinct=%d sent=%d", rows, distinct, b.sent)
	if rows != int64(b.sent) || distinct != int64(b.sent) {
		t.Error(summary)
	}
	if t.Failed() {
		t.Logf("the last run says:\n%s", last.said())
	}
	fmt.Printf("%s: before the last run rows=%d %s\n%s: %s\n%s\n", b.stream, before, what, b.stream, b.met(), summary)
}

// met counts what the processes say they met: if all were 0, the crashes came at moments that are of no interest.
func (b *bench) met() string {
	var said []string
	for _, message := range []string{"batch committed", "lease lost", "the table is ahead", "fenced", "batch in doubt", "slow commit", "waited in vain"} {
		n := 0
		for _, p := range b.started {
			n += strings.Count(p.said(), `msg="`+message)
		}
		said = append(said, fmt.Sprintf("%q %d", message, n))
	}
	return "the processes say " + strings.Join(said, ", ")
}

// compare wants one row for each record of the stream, with its number in it, and no others.
func (b *bench) compare(client *ask.Client) {
	t := b.t
	t.Helper()
	answer, err := client.Query(t.Context(), "SELECT KINESISMETADATA:shardId::VARCHAR, KINESISMETADATA:sequenceNumber::VARCHAR, KINESISMETADATA:subSequenceNumber::NUMBER, n FROM "+b.stream)
	if err != nil {
		t.Fatal(err)
	}
	type place struct{ shard, sequence, subsequence string }
	rows := make(map[place][]string, len(answer.Rows))
	for _, r := range answer.Rows {
		at := place{r[0].String, r[1].String, r[2].String}
		rows[at] = append(rows[at], r[3].String)
	}
	wrong := map[string][]string{}
	report := func(kind string, at place) {
		wrong[kind] = append(wrong[kind], fmt.Sprintf("(%s, %s, %s)", at.shard, at.sequence, at.subsequence))
	}
	check := func(shard, sequence string, subsequence int, data []byte) {
		var record struct{ N json.Number }
		if err := json.Unmarshal(data, &record); err != nil {
			t.Fatal(err)
		}
		at := place{shard, sequence, strconv.Itoa(subsequence)}
		switch found := rows[at]; {
		case len(found) == 0:
			report("missing", at)
		case len(found) > 1:
			report("doubled", at)
		case found[0] != record.N.String():
			report("of another record", at)
		}
		delete(rows, at)
	}
	var aggregate kpl.Decoder
	for r := range b.servers.Kinesis.Records(b.stream) {
		if _, err := aggregate.Open(r.Data); err != nil {
			check(r.Shard, r.Sequence, 0, r.Data)
			continue
		}
		for user := (kpl.Record{}); aggregate.Next(&user); {
			check(r.Shard, r.Sequence, user.Index, user.Data)
		}
	}
	for at := range rows {
		report("never sent", at)
	}
	for _, kind := range slices.Sorted(maps.Keys(wrong)) {
		const most = 50
		t.Errorf("%d %s: %s", len(wrong[kind]), kind, strings.Join(wrong[kind][:min(most, len(wrong[kind]))], " "))
	}
	if len(wrong) == 0 {
		return
	}
	offsets, err := client.Query(t.Context(), fmt.Sprintf(`SELECT "SHARD", "EPOCH", "OWNER", "SEQUENCE", "BATCH_ID", "ROWS", "UPDATED_AT" FROM %q ORDER BY "SHARD"`, strings.ToUpper(b.stream)+"$OFFSETS"))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := offsets.WriteTable(&text, 64); err != nil {
		t.Fatal(err)
	}
	t.Logf("the offsets:\n%s", text.String())
}

// keepLogs writes the log of every process of a failed test to where go test -artifacts keeps it.
func (b *bench) keepLogs() {
	if !b.t.Failed() {
		return
	}
	dir := b.t.ArtifactDir()
	for i, p := range b.started {
		file := filepath.Join(dir, fmt.Sprintf("%03d-%s.log", i, cmp.Or(p.worker, "unnamed")))
		if err := os.WriteFile(file, []byte(p.said()), 0o600); err != nil {
			b.t.Error(err)
		}
	}
}
