package pipeline

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/source/kpl"
	"kinesis-snowflake/source/kpl/kpltest"
)

// users is how many user records an aggregate of these tests has.
const users = 5

// crowd is a stream of aggregates and plain records in turn, spread over its shards.
type crowd struct {
	*stack
	made map[string][]kpltest.Record // by the data of the Kinesis record: its user records, or the plain one
	id   int
}

func newCrowd(s *stack) *crowd { return &crowd{stack: s, made: map[string][]kpltest.Record{}} }

// put sends n records of Kinesis; every third is an aggregate, of which every tenth has a user record that is no row.
func (c *crowd) put(n int) {
	c.t.Helper()
	shards := slices.DeleteFunc(c.kinesis.Shards(stream), func(s kinesis.Shard) bool { return !s.Open })
	record := func() kpltest.Record {
		c.id++
		return kpltest.Record{PartitionKey: fmt.Sprint("customer-", c.id%50), Data: fmt.Appendf(nil, `{"id":%d}`, c.id)}
	}
	entries := make([]kinesis.Entry, n)
	for i := range entries {
		if i%3 != 0 {
			r := record()
			entries[i] = kinesis.Entry{PartitionKey: r.PartitionKey, Data: r.Data}
			c.made[string(r.Data)] = []kpltest.Record{r}
			continue
		}
		var list []kpltest.Record
		for j := range users {
			list = append(list, record())
			if i%30 == 0 && j == 2 {
				list[j].Data = fmt.Appendf(nil, `[%d]`, c.id)
			}
		}
		entries[i] = kinesis.Entry{PartitionKey: "a", ExplicitHashKey: shards[i/3%len(shards)].Start, Data: kpltest.Aggregate(list...)}
		c.made[string(entries[i].Data)] = list
	}
	if err := c.kinesis.PutMany(stream, entries); err != nil {
		c.t.Fatal(err)
	}
}

// place is where a row's record stands.
type place struct {
	shard, sequence string
	sub             int
}

// want is the id of each user record that makes a row, by its place, and of those that make none.
func (c *crowd) want() (rows, failed map[place]string) {
	rows, failed = map[place]string{}, map[place]string{}
	for rec := range c.kinesis.Records(stream) {
		for sub, u := range c.made[string(rec.Data)] {
			p := place{rec.Shard, rec.Sequence, sub}
			var doc struct{ ID json.Number }
			if json.Unmarshal(u.Data, &doc) != nil {
				failed[p] = string(u.Data)
				continue
			}
			rows[p] = doc.ID.String() + " " + u.PartitionKey
		}
	}
	return rows, failed
}

// loaded is what the table has, checked for rows that are there twice and for metadata that contradicts itself.
func (c *crowd) loaded() map[place]string {
	c.t.Helper()
	out := map[place]string{}
	for _, r := range c.rows() {
		sub, ok := r.metadata["subSequenceNumber"].(float64)
		p := place{fmt.Sprint(r.metadata["shardId"]), fmt.Sprint(r.metadata["sequenceNumber"]), int(sub)}
		if _, twice := out[p]; twice || !ok {
			c.t.Fatalf("row %v of %v: twice, or without a subsequence number", r.metadata, p)
		}
		if want := fmt.Sprintf("%s%020d", p.sequence, p.sub); r.metadata["shardedSequenceNumber"] != want {
			c.t.Errorf("row of %v has shardedSequenceNumber %v, want %s", p, r.metadata["shardedSequenceNumber"], want)
		}
		if _, is := r.metadata["row"]; is {
			c.t.Errorf("row of %v counts rows of its record: %v", p, r.metadata)
		}
		out[p] = r.id + " " + fmt.Sprint(r.metadata["partitionKey"])
	}
	return out
}

// account checks that the table has exactly the rows of these records.
func (c *crowd) account(want map[place]string) {
	c.t.Helper()
	got := c.loaded()
	for p, w := range want {
		if got[p] != w {
			c.t.Fatalf("user record %v is %q in the table, want %q (%d rows, want %d)", p, got[p], w, len(got), len(want))
		}
	}
	if len(got) != len(want) {
		c.t.Fatalf("%d rows, want %d", len(got), len(want))
	}
}

func TestAggregatesAndPlainRecordsAreLoadedOnce(t *testing.T) {
	inStack(t, 3, func(t *testing.T, s *stack) {
		c := newCrowd(s)
		c.put(900)
		r := s.start(s.config("worker"), true)
		p := r.end(t)
		rows, failed := c.want()
		c.account(rows)
		if p.Tally.Read != int64(len(rows)+len(failed)) || p.Tally.Failed != int64(len(failed)) || len(failed) != 30 {
			t.Errorf("%+v, want %d rows and %d failed", p.Tally, len(rows), len(failed))
		}
		// Each failed user record is named by its own place.
		told := map[place]bool{}
		for line := range strings.Lines(r.log.String()) {
			var f struct {
				Msg, Shard, Sequence, Stage string
				Subsequence                 int
				Partition_key               string //nolint:revive // the log's spelling
			}
			if err := json.Unmarshal([]byte(line), &f); err != nil {
				t.Fatal(err)
			}
			if f.Msg != "message failed" {
				continue
			}
			if f.Stage != "shape" || f.Subsequence != 2 || !strings.HasPrefix(f.Partition_key, "customer-") {
				t.Errorf("failed message %s", line)
			}
			told[place{f.Shard, f.Sequence, f.Subsequence}] = true
		}
		if got, want := len(told), len(failed); got != want || slices.ContainsFunc(slices.Collect(maps.Keys(failed)), func(p place) bool { return !told[p] }) {
			t.Errorf("%d failed messages are told, want %d", got, want)
		}

		if p := s.catchUp(); p.Tally.Read != 0 {
			t.Errorf("the next run read %d records again", p.Tally.Read)
		}
		c.put(300)
		s.catchUp()
		rows, _ = c.want()
		c.account(rows)
	})
}

const minute = time.Minute

// roundTrips sends a client's requests.
type roundTrips struct{ next http.RoundTripper }

func (r roundTrips) Do(req *http.Request) (*http.Response, error) { return r.next.RoundTrip(req) }

// Clients of the services for what only an API call can do.
func (s *stack) kinesisClient() *sdk.Client {
	return sdk.New(sdk.Options{Region: "us-east-1", BaseEndpoint: aws.String("http://kinesis.test"), HTTPClient: roundTrips{s.kinesis.RoundTripper()},
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")})
}

func (s *stack) dynamoClient() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: aws.String("http://dynamodb.test"), HTTPClient: roundTrips{s.dynamodb.RoundTripper()},
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")})
}

// leave leaves the lease table as a KCL application does that stopped at these positions.
func (c *crowd) leave(at map[string]place) {
	c.t.Helper()
	client := c.dynamoClient()
	table := aws.String(application)
	if _, err := client.CreateTable(c.t.Context(), &dynamodb.CreateTableInput{
		TableName: table, BillingMode: ddb.BillingModePayPerRequest,
		AttributeDefinitions: []ddb.AttributeDefinition{{AttributeName: aws.String("leaseKey"), AttributeType: ddb.ScalarAttributeTypeS}},
		KeySchema:            []ddb.KeySchemaElement{{AttributeName: aws.String("leaseKey"), KeyType: ddb.KeyTypeHash}},
	}); err != nil {
		c.t.Fatal(err)
	}
	waiter := dynamodb.NewTableExistsWaiter(client)
	if err := waiter.Wait(c.t.Context(), &dynamodb.DescribeTableInput{TableName: table}, minute); err != nil {
		c.t.Fatal(err)
	}
	text := func(s string) ddb.AttributeValue { return &ddb.AttributeValueMemberS{Value: s} }
	number := func(n int) ddb.AttributeValue { return &ddb.AttributeValueMemberN{Value: fmt.Sprint(n)} }
	for _, s := range c.kinesis.Shards(stream) {
		p := at[s.ID]
		if _, err := client.PutItem(c.t.Context(), &dynamodb.PutItemInput{TableName: table, Item: map[string]ddb.AttributeValue{
			"leaseKey": text(s.ID), "leaseCounter": number(77), "checkpoint": text(p.sequence), "checkpointSubSequenceNumber": number(p.sub),
			"ownerSwitchesSinceCheckpoint": number(0), "startingHashKey": text(s.Start), "endingHashKey": text(s.End),
		}}); err != nil {
			c.t.Fatal(err)
		}
	}
}

// halfway returns, for each shard, a user record in the middle of an aggregate in the middle of the shard.
func (c *crowd) halfway() map[string]place {
	aggregates := map[string][]place{}
	for rec := range c.kinesis.Records(stream) {
		if len(c.made[string(rec.Data)]) > 1 {
			aggregates[rec.Shard] = append(aggregates[rec.Shard], place{rec.Shard, rec.Sequence, 2})
		}
	}
	at := map[string]place{}
	for shard, list := range aggregates {
		at[shard] = list[len(list)/2]
	}
	return at
}

// after is what of the records comes after the positions.
func after(records map[place]string, at map[string]place) map[place]string {
	out := map[place]string{}
	for p, id := range records {
		from := at[p.shard]
		if p.sequence > from.sequence || p.sequence == from.sequence && p.sub > from.sub { // of one stream, equally long
			out[p] = id
		}
	}
	return out
}

func TestAUserRecordThatCannotBeReadFailsAlone(t *testing.T) {
	inStack(t, 1, func(t *testing.T, s *stack) {
		user := func(key uint64, id int) []byte {
			return kpltest.Bytes(nil, 3, kpltest.Bytes(kpltest.Varint(nil, 1, key), 3, fmt.Appendf(nil, `{"id":%d}`, id)))
		}
		data := kpltest.Seal(slices.Concat(kpltest.Bytes(nil, 1, []byte("k")), user(0, 1), user(9, 2), user(0, 3)))
		if err := s.kinesis.PutMany(stream, []kinesis.Entry{{PartitionKey: "a", Data: data}, {PartitionKey: "b", Data: []byte(`{"id":4}`)}}); err != nil {
			t.Fatal(err)
		}
		r := s.start(s.config("worker"), true)
		p := r.end(t)
		var ids []string
		for _, row := range s.rows() {
			ids = append(ids, row.id)
		}
		if slices.Sort(ids); !slices.Equal(ids, []string{"1", "3", "4"}) || p.Tally.Failed != 1 {
			t.Errorf("rows %v, %d failed", ids, p.Tally.Failed)
		}
		for _, want := range []string{`"stage":"decode"`, `"subsequence":1`, `"reason":"KPL aggregate: partition key 9 is not in its table of 1"`, `"payload":"eyJpZCI6Mn0="`} {
			if !strings.Contains(r.log.String(), want) {
				t.Errorf("the log does not say %s:\n%s", want, r.log)
			}
		}
	})
}

func TestKCLsCheckpointInsideAnAggregateIsTakenOver(t *testing.T) {
	for _, consumer := range []config.Consumer{config.Polling, config.FanOut} {
		t.Run(string(consumer), func(t *testing.T) { takeOverInside(t, consumer) })
	}
}

func takeOverInside(t *testing.T, consumer config.Consumer) {
	inStack(t, 2, func(t *testing.T, s *stack) {
		c := newCrowd(s)
		c.put(600)
		at := c.halfway()
		c.leave(at)
		cfg := s.config("worker")
		cfg.Source.Consumer = consumer
		s.start(cfg, true).end(t)
		all, _ := c.want()
		c.account(after(all, at))
		// Where all was committed, the lease says so with the last user record of the last aggregate.
		for _, it := range s.dynamodb.Items(application) {
			last := place{}
			for rec := range c.kinesis.Records(stream) {
				if rec.Shard == it["leaseKey"].Text {
					last = place{rec.Shard, rec.Sequence, len(c.made[string(rec.Data)]) - 1}
				}
			}
			if got := (place{it["leaseKey"].Text, it["checkpoint"].Text, 0}); got != (place{last.shard, last.sequence, 0}) || it["checkpointSubSequenceNumber"].Text != fmt.Sprint(last.sub) {
				t.Errorf("lease of %s is at %s:%s, want %s:%d", last.shard, got.sequence, it["checkpointSubSequenceNumber"].Text, last.sequence, last.sub)
			}
		}
		if p := s.catchUp(); p.Tally.Read != 0 {
			t.Errorf("the next run read %d records again", p.Tally.Read)
		}
	})
}

// A checkpoint behind the last user record of an aggregate, as KCL writes it for "all of this record".
func TestACheckpointBehindAWholeAggregate(t *testing.T) {
	inStack(t, 1, func(t *testing.T, s *stack) {
		c := newCrowd(s)
		c.put(60)
		at := c.halfway()
		for shard, p := range at {
			p.sub = 1<<63 - 1
			at[shard] = p
		}
		c.leave(at)
		s.catchUp()
		all, _ := c.want()
		c.account(after(all, at))
	})
}

// The worker is gone after the rows were committed and before its checkpoint was written, once and again, and began inside
// aggregates: the offsets know better than the leases.
func TestCrashBetweenCommitAndCheckpointAmongAggregates(t *testing.T) {
	inStack(t, 2, func(t *testing.T, s *stack) {
		c := newCrowd(s)
		c.put(300)
		at := c.halfway()
		c.leave(at)
		for round := range 3 {
			cable := newCable(s)
			committed := make(chan struct{})
			copied := false
			s.snowflake.SetHooks(snowflake.Hooks{After: func(e snowflake.Event) *snowflake.Fault {
				copied = copied || e.Class == "COPY"
				if copied && e.Class == "COMMIT" {
					select {
					case <-committed:
					default:
						cable.cut()
						close(committed)
					}
				}
				return nil
			}})
			gone := s.startOver(cable, s.config(fmt.Sprint("gone-", round)), false)
			<-committed
			gone.stop()
			<-gone.done // with an error: it could not release its leases
			s.snowflake.SetHooks(snowflake.Hooks{})
			c.put(100)
		}
		heir := s.start(s.config("heir"), true)
		heir.end(t)
		all, _ := c.want()
		c.account(after(all, at))
	})
}

// Customers are spread over all hash keys, and the aggregates go to shards in turn, as those of a producer do that does not
// know the shards.
func TestUserRecordsOutsideOfTheirShard(t *testing.T) {
	for _, filter := range []config.HashRangeFilter{config.FilterNone, config.FilterRecord, config.FilterKCL} {
		for _, auto := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/auto=%t", filter, auto), func(t *testing.T) {
				inStack(t, 2, func(t *testing.T, s *stack) {
					if auto {
						s.distributed()
					}
					c := newCrowd(s)
					c.put(120)
					cfg := s.config("worker")
					cfg.Source.HashRangeFilter = filter
					r := s.start(cfg, true)
					r.end(t)
					all, _ := c.want()
					want := all
					if !auto {
						want = c.inRange(all, filter)
					}
					c.account(want)
					if none := len(want) == len(all); none != (auto || filter == config.FilterNone) {
						t.Errorf("%d of %d user records are to be loaded: this shows nothing of the filter", len(want), len(all))
					}
					if said := strings.Count(r.log.String(), "behind a reshard"); said != 1 && !auto || said != 0 && auto {
						t.Errorf("%d lines about the producer's shard map", said)
					}
				})
			})
		}
	}
}

// inRange is what a filter leaves.
func (c *crowd) inRange(all map[place]string, filter config.HashRangeFilter) map[place]string {
	shards := map[string]kpl.Range{}
	for _, s := range c.kinesis.Shards(stream) {
		r, err := kpl.ParseRange(s.Start, s.End)
		if err != nil {
			c.t.Fatal(err)
		}
		shards[s.ID] = r
	}
	outside := map[place]bool{} // also of the whole record, with sub -1
	for rec := range c.kinesis.Records(stream) {
		for sub, u := range c.made[string(rec.Data)] {
			if !shards[rec.Shard].Holds(kpl.HashOf([]byte(u.PartitionKey))) {
				outside[place{rec.Shard, rec.Sequence, sub}], outside[place{rec.Shard, rec.Sequence, -1}] = true, true
			}
		}
	}
	left := maps.Clone(all)
	maps.DeleteFunc(left, func(p place, _ string) bool {
		return filter == config.FilterRecord && outside[p] || filter == config.FilterKCL && outside[place{p.shard, p.sequence, -1}]
	})
	return left
}

// distributed makes the stream anew as one whose records the service distributes.
func (s *stack) distributed() {
	s.t.Helper()
	if err := s.kinesis.DeleteStream(stream); err != nil {
		s.t.Fatal(err)
	}
	client := s.kinesisClient()
	if err := sdk.NewStreamNotExistsWaiter(client).Wait(s.t.Context(), &sdk.DescribeStreamInput{StreamName: aws.String(stream)}, minute); err != nil {
		s.t.Fatal(err)
	}
	if _, err := client.CreateStream(s.t.Context(), &sdk.CreateStreamInput{
		StreamName: aws.String(stream), StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand},
		RecordDistributionStrategy: types.RecordDistributionStrategyAuto,
	}); err != nil {
		s.t.Fatal(err)
	}
	if err := sdk.NewStreamExistsWaiter(client).Wait(s.t.Context(), &sdk.DescribeStreamInput{StreamName: aws.String(stream)}, minute); err != nil {
		s.t.Fatal(err)
	}
}
