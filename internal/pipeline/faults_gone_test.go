package pipeline

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// A stream of the same name is another stream: its sequence numbers mean nothing beside the old ones.
func TestStreamDeletedAndMadeAgain(t *testing.T) {
	inStack(t, 2, func(t *testing.T, s *stack) {
		p := s.faulty(s.config("worker"), false)
		s.put(500)
		p.loadsAll(t)
		s.complete()
		old := s.sent - s.bad
		if err := s.kinesis.DeleteStream(stream); err != nil {
			t.Fatal(err)
		}
		if err := s.kinesis.CreateStream(stream, 2); err != nil {
			t.Fatal(err)
		}
		p.fails(t, "the stream was deleted and made again", "leases reset --to TRIM_HORIZON")
		s.put(500)
		again := s.faulty(s.config("worker"), false)
		again.fails(t, "the stream was deleted and created anew", "leases reset --to TRIM_HORIZON")
		if n := s.list(`SELECT "ID" FROM "RAW"."KINESIS"."ORDERS"`); n != old {
			t.Errorf("%d rows, want the %d of the old stream", n, old)
		}

		s.deleteLeases() // does as well as what the message says
		s.catchUp()
		if got, want := s.count(`SELECT COUNT(DISTINCT "ID") FROM "RAW"."KINESIS"."ORDERS"`), s.count(`SELECT COUNT(*) FROM "RAW"."KINESIS"."ORDERS"`); got != want || s.list(`SELECT "ID" FROM "RAW"."KINESIS"."ORDERS"`) != s.sent-s.bad {
			t.Errorf("%s distinct of %s rows, want %d: all of both streams", got, want, s.sent-s.bad)
		}
	})
}

func (s *stack) deleteLeases() {
	s.t.Helper()
	client := awsdynamodb.New(awsdynamodb.Options{Region: "us-east-1", BaseEndpoint: aws.String("http://dynamodb.test"),
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""), HTTPClient: &http.Client{Transport: s.dynamodb.RoundTripper()}})
	if _, err := client.DeleteTable(s.t.Context(), &awsdynamodb.DeleteTableInput{TableName: aws.String(application)}); err != nil {
		s.t.Fatal(err)
	}
}

// Without its leases a run ends; the next one reads everything again, and loads what is new.
func TestLeaseTableDeleted(t *testing.T) {
	inStack(t, 2, func(t *testing.T, s *stack) {
		p := s.faulty(s.config("worker"), false)
		s.put(500)
		p.loadsAll(t)
		had := s.sent - s.bad
		s.deleteLeases()
		s.put(500)
		p.fails(t, "table "+application+" is gone", "start again with source.start: TRIM_HORIZON")
		s.put(500)
		g := s.catchUp()
		if got, want := g.Tally.Loaded, int64(s.sent-s.bad-had); got != want {
			t.Errorf("%d rows were loaded, want the %d that the table did not have", got, want)
		}
		s.complete()
	})
}
