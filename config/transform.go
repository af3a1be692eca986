package config

import (
	"kinesis-snowflake/sink/table"
	"kinesis-snowflake/transform/step"
)

// Transform says how a record becomes rows.
type Transform struct {
	Decode     Decode
	JSONSchema string // name of a file, absolute or from the process's folder; empty: none
	SchemaMode SchemaMode
	Steps      []step.Config // in order

	Columns          []table.Spec // pins, in the order of their columns
	Evolution        Evolution
	TableMode        TableMode
	MaxColumns       int // from which on inference adds none
	DetectTimestamps bool
}

// Decode says how a record's bytes become JSON documents.
type Decode struct {
	Compression Compression
	Framing     Framing
	Envelope    Envelope
	MaxDecoded  Size // of one record, after decompression
}

// Compression is how records are compressed.
type Compression string

// The compressions.
const (
	CompressionAuto Compression = "auto"
	CompressionNone Compression = "none"
	CompressionGzip Compression = "gzip"
	CompressionZstd Compression = "zstd"
)

// Framing is how several documents stand in one record.
type Framing string

// The framings.
const (
	FramingAuto   Framing = "auto"
	FramingSingle Framing = "single"
	FramingLines  Framing = "lines"
	FramingArray  Framing = "array"
)

// Envelope is what stands around the documents.
type Envelope string

// The envelopes.
const (
	EnvelopeNone           Envelope = "none"
	EnvelopeCloudWatchLogs Envelope = "cloudwatch-logs"
)

// SchemaMode says what becomes of a record that violates the JSON Schema.
type SchemaMode string

// The modes.
const (
	SchemaReject SchemaMode = "reject" // it is a failed message
	SchemaWarn   SchemaMode = "warn"   // it is logged and loaded
)

func transformSchema(t *Transform) section {
	return section{
		key: "transform", elsewhere: inSteps,
		doc: "How a record becomes rows, in this order: it is decoded, checked against the JSON Schema, and taken through the steps. With no key here each record is one JSON object and one row, each of its top-level keys a column.",
		fields: []field{
			{
				key: "json_schema", kind: "file", file: true, apart: true, path: &t.JSONSchema, limits: "the name of a readable file that holds a JSON Schema, drafts 4 to 2020-12",
				doc: "File with the JSON Schema that every document has to keep. A relative name starts from the pipeline file's folder.",
			},
			choice("schema_mode", &t.SchemaMode, "What becomes of a document that violates `json_schema`: `reject` makes it a failed message, `warn` logs the violation and loads it.",
				SchemaReject, SchemaWarn),
			{
				key: "steps", kind: "list of steps", limits: limitsSteps, node: stepsReader(&t.Steps), schema: stepsSchema(),
				doc: "What is done with a document before it is a row, in order. Each step is described in [transforms.md](transforms.md).",
			},
			{
				key: "columns", kind: "mapping", limits: limitsColumns, node: columnsReader(&t.Columns), schema: columnsJSONSchema(),
				doc: "Pins: what the columns of some keys are, before anything is inferred. A key has its `type` alone, or a mapping: its `type`; the column's `name`, in the case in which it is to stand in Snowflake; `not_null: true`, by which a row without a value that fits is a failed message; a `comment`; and `order`, its place among the pins, which are ordered as they stand otherwise. See [types.md](types.md#pins).",
			},
			choice("evolution", &t.Evolution, "What becomes of values that the table has no place for. With `add` columns are added for new keys, and widened for texts and numbers that are too long for them. With `freeze` the table stays as it is, or as `columns` and `json_schema` make it, and the values go to `_RESCUED`.",
				EvolutionAdd, EvolutionFreeze),
			choice("table_mode", &t.TableMode, "What the table's columns are: `columns`, one for each top-level key of a row; `variant`, one VARIANT named RECORD for all of it.",
				TableColumns, TableVariant),
			count("max_columns", &t.MaxColumns, 1, table.MaxColumnLimit, "How many columns the table has when no more are added for new keys, whose values go to `_RESCUED` then. It guards against keys that are data; columns that `columns` or `json_schema` ask for come all the same."),
			yes("detect_timestamps", &t.DetectTimestamps, "Whether a new column becomes TIMESTAMP_TZ if its first batch holds nothing but RFC 3339 date-times with an offset, such as `2026-04-13T10:00:00Z`. A text that comes later and is none goes to `_RESCUED`."),
		},
		sections: []section{{
			key: "decode",
			doc: "How a record's bytes become JSON documents. As a rule a record is one.",
			fields: []field{
				choice("compression", &t.Decode.Compression, "How records are compressed. `auto` looks at a record's first bytes; it is the default beside `envelope: cloudwatch-logs`, whose records always are.",
					CompressionAuto, CompressionNone, CompressionGzip, CompressionZstd),
				choice("framing", &t.Decode.Framing, "How many documents a record is: `single`, one; `lines`, one a line; `array`, the elements of a JSON array. `auto` takes a record that begins with a bracket for an array, and any other for lines.",
					FramingAuto, FramingSingle, FramingLines, FramingArray),
				choice("envelope", &t.Decode.Envelope, "What stands around the documents: `cloudwatch-logs` is what a subscription filter of CloudWatch Logs sends, whose log events are the documents.",
					EnvelopeNone, EnvelopeCloudWatchLogs),
				size("max_decoded", &t.Decode.MaxDecoded, 1<<10, 1<<30, "How large a record may become by decompression. A larger one is a failed message."),
			},
		}},
	}
}
