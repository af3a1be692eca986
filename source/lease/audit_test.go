package lease

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/internal/row"
)

// put writes a row as another program would, whatever stood there.
func (f *fleet) put(l Lease) {
	f.t.Helper()
	it := encodeNew(l)
	if l.Owner != "" {
		it[attrOwner] = text(l.Owner)
	}
	if len(l.Children) > 0 {
		it[attrChildren] = set(l.Children)
	}
	it[attrCounter] = number(l.Counter)
	if _, err := client(f.server.RoundTripper()).PutItem(f.t.Context(), &dynamodb.PutItemInput{TableName: aws.String(table), Item: it}); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) delete(key string) {
	f.t.Helper()
	_, err := client(f.server.RoundTripper()).DeleteItem(f.t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(table), Key: item{"leaseKey": text(key)}})
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) makeTable() {
	f.t.Helper()
	if err := NewDynamoDB(client(f.server.RoundTripper()), table, quiet()).Ensure(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
}

// at returns a lease of a shard with a checkpoint.
func (s Shard) at(checkpoint string, children ...string) Lease {
	return Lease{Key: s.ID, Parents: s.Parents, StartHash: s.StartHash, EndHash: s.EndHash,
		Checkpoint: row.Position{Sequence: checkpoint}, Children: children}
}

// split parts a shard in two.
func (s Shard) split(a, b, at, before string) (Shard, Shard) {
	return Shard{ID: a, Parents: []string{s.ID}, StartHash: s.StartHash, EndHash: before},
		Shard{ID: b, Parents: []string{s.ID}, StartHash: at, EndHash: s.EndHash}
}

const half, beforeHalf = "170141183460469231731687303715884105728", "170141183460469231731687303715884105727"

func TestAudit(t *testing.T) {
	whole := tiles(1)[0]
	closed := whole
	closed.Closed = true
	left, right := whole.split("shardId-000000000001", "shardId-000000000002", half, beforeHalf)

	bubble(t, "AHoleBehindACrashIsHealed", func(t *testing.T) {
		// KCL deletes the parent's row by its own rule, or ends a shard when only one child has a row.
		f := newFleet(t, closed, left, right)
		f.makeTable()
		f.put(closed.at(row.ShardEnd, left.ID, right.ID))
		f.put(left.at("77"))
		a := f.start("a", func(c *Config) { c.Start.Position = row.Latest })
		f.within(10*time.Second, "a has both", func() bool { return slices.Equal(a.open(), []string{left.ID, right.ID}) })
		if l := f.rows()[right.ID]; l.Checkpoint.Sequence != row.TrimHorizon {
			t.Errorf("the lost child begins at %v", l.Checkpoint)
		}
		f.stop(a)
	})
	bubble(t, "AHoleOpensWhileAllRun", func(t *testing.T) {
		f := newFleet(t, closed, left, right)
		f.makeTable()
		f.put(closed.at(row.ShardEnd, left.ID, right.ID))
		f.put(left.at("77"))
		f.put(right.at("78"))
		a := f.start("a", nil)
		f.within(10*time.Second, "a has both", func() bool { return f.open(a) == 2 })
		h := a.held(right.ID)
		f.delete(right.ID)
		<-h.Lost()
		took := f.within(auditEvery+lease10, "the row is made again", func() bool { return f.open(a) == 2 })
		t.Log("healed after", took)
		f.stop(a)
	})
	bubble(t, "ASplitUnderLATESTReadsTheChildrenFromTheirBeginning", func(t *testing.T) {
		f := newFleet(t, whole)
		a := f.start("a", func(c *Config) { c.Start.Position = row.Latest })
		f.within(5*time.Second, "a has it", func() bool { return f.open(a) == 1 })
		f.stream.set(closed, left, right) // the service splits an on-demand stream by itself
		f.pass(3 * auditEvery)
		if n := len(f.rows()); n != 1 {
			t.Errorf("children have rows before their parent has ended:\n%s", f.table())
		}
		a.held(whole.ID).Finish(nil)
		f.within(5*time.Second, "a has both", func() bool { return f.open(a) == 2 })
		for _, id := range []string{left.ID, right.ID} {
			if h := a.held(id); h.Start().Sequence != row.TrimHorizon {
				t.Errorf("%s begins at %v", id, h.Start())
			}
		}
		f.stop(a)
	})
	bubble(t, "ASplitThatHappenedWhileNobodyRan", func(t *testing.T) {
		// The parent is no longer on the stream; its children have no rows.
		f := newFleet(t, left, right)
		f.makeTable()
		f.put(closed.at("5"))
		a := f.start("a", func(c *Config) { c.Start.Position = row.Latest })
		f.within(5*time.Second, "a has the parent", func() bool { return slices.Contains(a.open(), whole.ID) })
		a.held(whole.ID).Finish(nil) // the service knows the shard no more
		f.within(5*time.Second, "a has both", func() bool { return slices.Equal(a.open(), []string{left.ID, right.ID}) })
		for _, id := range []string{left.ID, right.ID} {
			if h := a.held(id); h.Start().Sequence != row.TrimHorizon {
				t.Errorf("%s begins at %v", id, h.Start())
			}
		}
		f.stop(a)
	})
	bubble(t, "ASplitThatHappenedWhileNobodyRanIsLeftToItsParent", func(t *testing.T) {
		// As before, but what the parent's reader still has is committed later.
		f := newFleet(t, left, right)
		f.makeTable()
		f.put(closed.at("5"))
		a := f.start("a", func(c *Config) { c.Start.Position = row.Latest })
		f.within(5*time.Second, "a has the parent", func() bool { return slices.Contains(a.open(), whole.ID) })
		f.pass(3 * auditEvery)
		if n := len(f.rows()); n != 1 {
			t.Errorf("children have rows before their parent has ended:\n%s", f.table())
		}
		a.held(whole.ID).Finish(nil)
		f.within(5*time.Second, "a has both", func() bool { return slices.Equal(a.open(), []string{left.ID, right.ID}) })
		for _, id := range []string{left.ID, right.ID} {
			if h := a.held(id); h.Start().Sequence != row.TrimHorizon {
				t.Errorf("%s begins at %v", id, h.Start())
			}
		}
		f.stop(a)
	})
	bubble(t, "AFinishedParentThatExpired", func(t *testing.T) {
		f := newFleet(t, left, right)
		f.makeTable()
		f.put(closed.at(row.ShardEnd, left.ID, right.ID))
		f.put(left.at("77"))
		a := f.start("a", func(c *Config) { c.Start.Position = row.Latest })
		f.within(10*time.Second, "a has both", func() bool { return f.open(a) == 2 })
		if h := a.held(right.ID); h.Start().Sequence != row.TrimHorizon {
			t.Errorf("the lost child begins at %v", h.Start())
		}
		f.stop(a)
	})
	bubble(t, "GenerationsThatCameAndWentWhileNobodyRan", func(t *testing.T) {
		// Neither the shard with a row nor its children are still on the stream: the grandchildren came after the first start,
		// so LATEST, which is for that one, is not for them.
		nearer, farther := left.split("shardId-000000000003", "shardId-000000000004", "85070591730234615865843651857942052864", "85070591730234615865843651857942052863")
		began := time.Now().Add(-100 * time.Hour).UnixMilli()
		for name, c := range map[string]struct {
			millis int64
			start  string
		}{"our table": {began, row.Latest}, "a table that does not say when it was begun": {0, row.TrimHorizon}} {
			f := newFleet(t, nearer, farther, right)
			f.makeTable()
			l := closed.at("5")
			l.StartMillis = c.millis
			f.put(l)
			a := f.start("a", func(c *Config) { c.Start.Position = row.Latest })
			f.within(10*time.Second, name+": the grandchildren are read", func() bool { return slices.Contains(a.open(), nearer.ID) && slices.Contains(a.open(), farther.ID) })
			for _, id := range []string{nearer.ID, farther.ID} {
				if h := a.held(id); h.Start().Sequence != c.start || c.millis != 0 && h.StartTime().UnixMilli() != c.millis {
					t.Errorf("%s: %s begins at %v, %v", name, id, h.Start(), h.StartTime())
				}
			}
			f.stop(a)
		}
	})

	two := tiles(2)
	two[0].Closed, two[1].Closed = true, true
	merged := Shard{ID: "shardId-000000000002", Parents: []string{two[0].ID, two[1].ID}, StartHash: two[0].StartHash, EndHash: two[1].EndHash}
	bubble(t, "AMergeWhoseOtherParentExpired", func(t *testing.T) {
		f := newFleet(t, two[0], merged)
		f.makeTable()
		f.put(two[0].at("5"))
		a := f.start("a", nil)
		f.within(5*time.Second, "a has the parent", func() bool { return f.open(a) == 1 })
		a.held(two[0].ID).Finish([]Shard{merged})
		f.within(5*time.Second, "a has the merged shard", func() bool { return slices.Equal(a.open(), []string{merged.ID}) })
		f.stop(a)
	})
	bubble(t, "AMergeWhoseOtherParentHasNoRow", func(t *testing.T) {
		f := newFleet(t, two[0], two[1], merged)
		f.makeTable()
		f.put(two[0].at("5"))
		a := f.start("a", nil)
		f.within(10*time.Second, "a has both parents", func() bool { return f.open(a) == 2 })
		a.held(two[0].ID).Finish([]Shard{merged})
		f.pass(time.Minute)
		if !slices.Equal(a.open(), []string{two[1].ID}) {
			t.Errorf("open: %v", a.open())
		}
		a.held(two[1].ID).Finish([]Shard{merged})
		f.within(5*time.Second, "a has the merged shard", func() bool { return slices.Equal(a.open(), []string{merged.ID}) })
		f.stop(a)
	})
}

// A stream of long retention keeps its closed shards for a year: their rows go, but for one generation, and no audit and
// no offset brings them back.
func TestFinishedRowsGoWhileTheStreamListsTheirShards(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		var all []Shard
		s := tiles(1)[0]
		for i := range 4 {
			s.ID, s.Closed = []string{"s0", "s1", "s2", "s3"}[i], i < 3
			all = append(all, s)
			s.Parents = []string{s.ID}
		}
		f := newFleet(t, all...)
		f.makeTable()
		f.put(all[0].at(row.ShardEnd, "s1"))
		f.put(all[1].at(row.ShardEnd, "s2"))
		f.put(all[2].at(row.ShardEnd, "s3"))
		f.put(all[3].at("5"))
		offsets := func(c *Config) { c.Offsets = []string{"s0", "s1", "s2"} }
		a := f.start("a", offsets)
		f.within(3*auditEvery, "two rows are left", func() bool { return len(f.rows()) == 2 })
		f.pass(10 * auditEvery)
		f.stop(a)
		b := f.start("b", offsets)
		f.pass(10 * auditEvery)
		rows := f.rows()
		if _, parent := rows["s2"]; len(rows) != 2 || !parent || len(b.open()) != 1 {
			t.Errorf("open: %v, rows:\n%s", b.open(), f.table())
		}
		f.stop(b)
	})
}

// KCL 3.5 keeps its leader's lock, its workers' metrics and its state among the leases, and an application of many streams
// keeps the leases of all. None of it is a lease of this stream, and none of it is touched.
func TestRowsOfOthersAreLeftAlone(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		f := newFleet(t, tiles(4)...)
		f.makeTable()
		api := client(f.server.RoundTripper())
		foreign := []item{
			{attrKey: text("Leader"), attrEntity: text("LEADER"), "ownerName": text("java-0"), "leaseDuration": text("120000"), "recordVersionNumber": text("0b5f")},
			{attrKey: text("Migration3.0"), attrEntity: text(entityMigration), attrClientVersion: text("CLIENT_VERSION_3X"), "mb": text("java-0"), "mts": number(1)},
			{attrKey: text("java-0"), attrEntity: text("WORKER_METRIC_STATS"), "lut": number(1)},
			{attrKey: text("arn"), attrEntity: text("STREAM")},
			{attrKey: text("new"), attrEntity: text("SOMETHING_NEW"), attrCounter: number(3), attrOwner: text("java-0"), attrCheckpoint: text(row.TrimHorizon)},
			{attrKey: text("123456789012:other:1700000000:shardId-000000000000"), "streamName": text("123456789012:other:1700000000"),
				"shardId": text("shardId-000000000000"), attrCounter: number(3), attrSwitches: number(0), attrCheckpoint: text(row.TrimHorizon), attrSubsequence: number(0)},
		}
		for _, it := range foreign {
			if _, err := api.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(table), Item: it}); err != nil {
				t.Fatal(err)
			}
		}
		a := f.start("a", nil)
		f.within(5*time.Second, "a has all", func() bool { return f.open(a) == 4 })
		f.pass(5 * time.Minute)
		f.stop(a)
		for _, it := range foreign {
			out, err := api.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(table), Key: item{attrKey: it[attrKey]}})
			if diff := cmp.Diff(it, out.Item, ignoreSDK); err != nil || diff != "" {
				t.Error(err, diff)
			}
		}
		s, err := NewDynamoDB(api, table, quiet()).Scan(t.Context())
		if err != nil || len(s.Leases) != 4 || s.Others != len(foreign) || s.Client != "CLIENT_VERSION_3X" || len(s.Broken) > 0 {
			t.Errorf("%+v, %v", s, err)
		}
	})
}
