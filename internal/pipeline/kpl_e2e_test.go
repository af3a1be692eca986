package pipeline

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"

	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/source/kpl/kpltest"
)

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
