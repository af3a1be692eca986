package pipeline

import (
	"testing"
	"time"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/standin/dynamodb"
	"kinesis-snowflake/internal/standin/snowflake"
)

func TestLatestWithoutLeasesResumesAtTheOffsets(t *testing.T) {
	inStack(t, 2, func(t *testing.T, s *stack) {
		s.put(400)
		s.catchUp()
		s.put(400) // not read before the leases are gone
		<-time.After(time.Minute)
		s.dynamodb = dynamodb.New(dynamodb.Options{})
		cfg := s.config("latest")
		cfg.Source.Start = config.Start{Position: config.Latest}
		s.start(cfg, true).end(t)
		s.complete()
	})
}

func TestLatestWithoutATableBeginsAtTheTip(t *testing.T) {
	inStack(t, 1, func(t *testing.T, s *stack) {
		s.put(400)
		<-time.After(time.Minute)
		cfg := s.config("latest")
		cfg.Source.Start = config.Start{Position: config.Latest}
		s.start(cfg, true).end(t)
		if _, made, err := s.snowflake.Table(snowflake.TableName{Database: "RAW", Schema: "KINESIS", Table: "ORDERS"}); made || err != nil {
			t.Fatalf("table made: %v, %v; want none for records that were there before the start", made, err)
		}
	})
}
