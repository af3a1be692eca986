package sink

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/internal/row"
	service "kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/transform"
)

func TestMain(m *testing.M) {
	// The driver asks cloud metadata addresses at its first login otherwise.
	if err := os.Setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

const (
	testPatience    = 10 * time.Second
	testLockTimeout = 5 * time.Second
)

var orders = service.TableName{Database: "RAW", Schema: "KINESIS", Table: "ORDERS"}

// account is a Snowflake account in a bubble, where waiting costs nothing, and the workers that load one table of it.
type account struct {
	*service.Server
	t       *testing.T
	workers []*worker
}

// inAccount runs f in a bubble, then ends every session, so that nothing of the driver's runs on.
func inAccount(t *testing.T, f func(t *testing.T, a *account)) {
	t.Helper()
	inAccountWith(t, service.Options{}, f)
}

func inAccountWith(t *testing.T, o service.Options, f func(t *testing.T, a *account)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := service.New(o)
		defer s.Close()
		s.AddUser("LOADER", "secret", nil)
		s.CreateSchema("RAW", "KINESIS")
		a := &account{Server: s, t: t}
		defer func() {
			for _, w := range a.workers {
				w.link.heal()
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			}
			advance(5 * time.Minute) // farewells that were under way are repeated for a while
		}()
		t.Chdir(dir)
		f(t, a)
	})
}

// advance lets the bubble's clock run on, and everything that it wakes.
func advance(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// worker is one sink with a session of its own, and what the pipeline would remember for it.
type worker struct {
	*Sink
	account  *account
	link     *link
	keys     *row.Keys
	claims   map[string]row.Claim
	refused  []string // rows, as "shard/sequence"
	reasons  []string
	dropping []string // shards that were fenced, in order
}

func (a *account) worker(name string) *worker { return a.workerOf(name, "orders-app") }

func (a *account) workerOf(name, application string) *worker {
	a.t.Helper()
	return a.workerWith(name, application, func(*Options) {})
}

func (a *account) workerWith(name, application string, change func(*Options)) *worker {
	a.t.Helper()
	w := &worker{account: a, link: newLink(a.RoundTripper()), keys: row.NewKeys(), claims: map[string]row.Claim{}}
	n := 0
	o := Options{
		Dialer: snowflake.NewDialer(snowflake.Login{Account: "testaccount", URL: "http://snowflake.test", User: "loader", Password: "secret",
			Warehouse: "WH", Database: "RAW", Schema: "KINESIS", Application: application, LockTimeout: testLockTimeout, Transport: w.link}),
		Table:      snowflake.Name{Database: "RAW", Schema: "KINESIS", Object: "ORDERS"},
		StreamName: "orders", StreamID: "arn:aws:kinesis:us-east-1:000000000000:stream/orders@1", Application: application,
		WorkerID: name, SpoolDir: ".", MaxBytes: 1 << 20, Lanes: 2, Keys: w.keys, LockPatience: testPatience,
		Refused: func(_ context.Context, shard string, r *row.Row, f *row.Failure) {
			w.refused = append(w.refused, shard+"/"+string(r.Sequence))
			w.reasons = append(w.reasons, string(f.Stage)+": "+f.Reason)
		},
		NewID: func() string { n++; return fmt.Sprintf("%s-%d", name, n) },
		Log:   slog.New(slog.NewTextHandler(a.t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	change(&o)
	s, err := New(o)
	if err != nil {
		a.t.Fatal(err)
	}
	w.Sink = s
	a.workers = append(a.workers, w)
	return w
}

// record is one record of a shard.
type record struct {
	shard string
	n     int // sequence number
	doc   string
}

// rec is a record {"N": n, ...}; more are further members, as JSON text.
func rec(shard string, n int, more ...string) record {
	return record{shard, n, fmt.Sprintf("{%s}", strings.Join(append([]string{fmt.Sprintf(`"N":%d`, n)}, more...), ","))}
}

func recs(shard string, from, to int) (out []record) {
	for n := from; n <= to; n++ {
		out = append(out, rec(shard, n))
	}
	return out
}

// take acquires shards.
func (w *worker) take(shards ...string) {
	w.account.t.Helper()
	if err := w.tryTake(w.account.t.Context(), false, shards...); err != nil {
		w.account.t.Fatalf("acquire: %v", err)
	}
}

func (w *worker) tryTake(ctx context.Context, known bool, shards ...string) error {
	var wanted []row.Wanted
	for _, s := range shards {
		wanted = append(wanted, row.Wanted{Shard: s, HasOffsets: known})
	}
	claims, err := w.Acquire(ctx, wanted)
	for s, c := range claims {
		w.claims[s] = c
	}
	return err
}

// batch makes a batch of records, those of a shard in the lane of its turn, and the parts for them.
func (w *worker) batch(records ...record) (*Batch, []row.Part) {
	w.account.t.Helper()
	b := w.NewBatch()
	tr := transform.New(transform.Options{Keys: w.keys})
	var parts []row.Part
	for _, r := range records {
		i := slices.IndexFunc(parts, func(p row.Part) bool { return p.Shard == r.shard })
		if i < 0 {
			i = len(parts)
			parts = append(parts, row.Part{Shard: r.shard, Claim: w.claims[r.shard], Skip: w.claims[r.shard].At})
		}
		seq := fmt.Sprint(r.n)
		parts[i].To = row.Position{Sequence: seq}
		err := tr.Apply(&row.Record{Sequence: []byte(seq), PartitionKey: []byte("p"), Data: []byte(r.doc), Arrival: 1},
			func(out *row.Row) error { return b.Append(i%2, r.shard, out) },
			func(_ uint32, f *row.Failure) { w.account.t.Fatalf("record %s: %v", r.doc, f) })
		if err != nil {
			w.account.t.Fatalf("record %s: %v", r.doc, err)
		}
	}
	return b, parts
}

// send loads records as one batch, and gives up the shards that are fenced, as the pipeline does with a lost lease.
func (w *worker) send(records ...record) {
	w.account.t.Helper()
	b, parts := w.batch(records...)
	defer b.Discard()
	w.finish(b, parts)
}

func (w *worker) finish(b *Batch, parts []row.Part) {
	w.account.t.Helper()
	for len(parts) > 0 {
		out, err := w.Load(w.account.t.Context(), b, parts)
		if err != nil {
			w.account.t.Fatalf("load: %v", err)
		}
		if out.Committed {
			for _, p := range parts {
				if out.Moved[p.Shard] > 0 {
					w.claims[p.Shard] = row.Claim{Epoch: p.Claim.Epoch, At: p.To}
				}
			}
			return
		}
		parts = slices.DeleteFunc(parts, func(p row.Part) bool {
			_, fenced := out.Fenced[p.Shard]
			if fenced {
				w.dropping = append(w.dropping, p.Shard)
			}
			return fenced
		})
	}
}

// resume takes shards and loads what their offsets do not cover of 1 to last, as an heir does.
func (w *worker) resume(last int, shards ...string) {
	w.account.t.Helper()
	w.take(shards...)
	var all []record
	for _, s := range shards {
		from := 0
		if at := w.claims[s].At; at.IsNumber() {
			if _, err := fmt.Sscan(at.Sequence, &from); err != nil {
				w.account.t.Fatal(err)
			}
		}
		all = append(all, recs(s, from+1, last)...)
	}
	if len(all) > 0 {
		w.send(all...)
	}
}

// admin runs a statement in a session of its own.
func (a *account) admin(sql string) {
	a.t.Helper()
	if _, err := a.Exec(context.Background(), sql); err != nil {
		a.t.Fatalf("%s: %v", sql, err)
	}
}

// query gives the rows of a SELECT, their values one after another.
func (a *account) query(sql string) (rows []string) {
	a.t.Helper()
	res, err := a.Exec(context.Background(), sql)
	if err != nil {
		a.t.Fatalf("%s: %v", sql, err)
	}
	for _, r := range res.Rows {
		values := make([]string, len(r))
		for i, v := range r {
			values[i] = v.Text
		}
		rows = append(rows, strings.Join(values, " "))
	}
	return rows
}

// rows reads ORDERS: a map of its columns as text a row, NULL left out.
func (a *account) rows() []map[string]string {
	a.t.Helper()
	d, ok, err := a.Table(orders)
	if err != nil {
		a.t.Fatal(err)
	}
	if !ok {
		return nil
	}
	names := make([]string, len(d.Columns))
	for i, c := range d.Columns {
		names[i] = `TO_VARCHAR("` + c.Name + `") AS "` + c.Name + `"`
	}
	if len(names) == 0 {
		return nil
	}
	res, err := a.Exec(context.Background(), `SELECT `+strings.Join(names, ", ")+` FROM "RAW"."KINESIS"."ORDERS"`)
	if err != nil {
		a.t.Fatal(err)
	}
	var out []map[string]string
	for _, r := range res.Rows {
		m := map[string]string{}
		for i, v := range r {
			if v.Kind != service.KindNull {
				m[d.Columns[i].Name] = v.Text
			}
		}
		out = append(out, m)
	}
	return out
}

type metadata struct {
	Stream, ShardID, SequenceNumber string
}

func place(a *account, r map[string]string) string {
	var m metadata
	if r["KINESISMETADATA"] == "" {
		return "unknown"
	}
	if err := json.Unmarshal([]byte(r["KINESISMETADATA"]), &m); err != nil {
		a.t.Fatalf("KINESISMETADATA %q: %v", r["KINESISMETADATA"], err)
	}
	return m.ShardID + "/" + m.SequenceNumber
}

// has checks that the table holds each record once, by shard and sequence, and nothing else.
func (a *account) has(want ...[]record) {
	a.t.Helper()
	var wanted, got []string
	for _, r := range slices.Concat(want...) {
		wanted = append(wanted, fmt.Sprintf("%s/%d", r.shard, r.n))
	}
	for _, r := range a.rows() {
		got = append(got, place(a, r))
	}
	slices.Sort(wanted)
	slices.Sort(got)
	if diff := cmp.Diff(wanted, got); diff != "" {
		a.t.Fatalf("rows (-want +got):\n%s", diff)
	}
}

// offsets reads the offsets table as "shard epoch sequence" a row, sorted.
func (a *account) offsets() []string {
	a.t.Helper()
	res, err := a.Exec(context.Background(), `SELECT "SHARD", "EPOCH", "SEQUENCE" FROM "RAW"."KINESIS"."ORDERS$OFFSETS"`)
	if err != nil {
		a.t.Fatal(err)
	}
	var out []string
	for _, r := range res.Rows {
		out = append(out, strings.TrimSpace(r[0].Text+" "+r[1].Text+" "+r[2].Text))
	}
	slices.Sort(out)
	return out
}

func (a *account) hasOffsets(want ...string) {
	a.t.Helper()
	if diff := cmp.Diff(want, a.offsets()); diff != "" {
		a.t.Fatalf("offsets (-want +got):\n%s", diff)
	}
}
