package config

import (
	"os"
	"time"

	"kinesis-snowflake/sink/table"
)

// Default is a pipeline with every default that does not depend on another key. Stream, application, account, user,
// warehouse, database and schema have none. The table's default is the stream's name in upper case.
func Default() Pipeline {
	return Pipeline{
		Source: Source{
			Start:           Start{Position: TrimHorizon},
			Consumer:        Polling,
			HashRangeFilter: FilterNone,
			PollInterval:    time.Second,
			LeaseDuration:   10 * time.Second,
		},
		Transform: Transform{
			Decode:     Decode{Compression: CompressionNone, Framing: FramingSingle, Envelope: EnvelopeNone, MaxDecoded: 64 << 20},
			SchemaMode: SchemaReject,
			Evolution:  EvolutionAdd,
			TableMode:  TableColumns,
			MaxColumns: table.DefaultColumnLimit,
		},
		Sink: Sink{
			Batch: Batch{
				Interval: time.Minute,
				MaxBytes: 128 << 20,
				MaxRows:  1_000_000,
			},
			SpoolDir: os.TempDir(),
		},
		Memory:          512 << 20,
		ShutdownTimeout: 30 * time.Second,
		FailedMessages: FailedMessages{
			Payload:  PayloadCut,
			MaxBytes: 4 << 10,
		},
		Telemetry: Telemetry{
			Listen: "127.0.0.1:9090",
			Log:    Log{Format: LogJSON, Level: LevelInfo},
		},
	}
}
