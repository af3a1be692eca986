package snowflake_test

import (
	"testing"

	"kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/internal/standin/snowflake/snowflaketest"
)

func TestConformanceOfMemoryEngine(t *testing.T) {
	snowflaketest.Run(t, func(_ *testing.T, o snowflake.Options) *snowflake.Server {
		return snowflake.New(o)
	})
}
