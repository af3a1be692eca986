package duck

import (
	"testing"

	"kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/internal/standin/snowflake/snowflaketest"
)

func TestConformance(t *testing.T) {
	snowflaketest.Run(t, func(t *testing.T, o snowflake.Options) *snowflake.Server {
		o.Engine = open(t)
		return snowflake.New(o)
	})
}
