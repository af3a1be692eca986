package config

import "time"

// Pipeline is one pipeline file, validated, with every default filled in and every secret read.
type Pipeline struct {
	// File is the name the file was read under; it names the pipeline in logs and in /healthz.
	File string

	Source          Source
	Transform       Transform
	Sink            Sink
	Memory          Size          // bytes in flight, all shards together
	ShutdownTimeout time.Duration // for the last flush, commit and release after a stop was asked for
	FailedMessages  FailedMessages
	Telemetry       Telemetry

	places map[string]position // of the keys that the file has
}

// Fault is what somebody else found wrong with the value of a key, or of the file that key_file names, at its place.
func (p *Pipeline) Fault(key, problem string) *Error {
	where, ok := p.places[key]
	if !ok {
		if where, ok = p.places[key+"_file"]; ok {
			key += "_file"
		}
	}
	return &Error{File: p.File, Line: where.line, Column: where.column, Key: key, Problem: problem}
}

// Source says which stream is read, from where on, and how its shards are shared between workers.
type Source struct {
	Stream      string // the stream's name, also when the file gives an ARN
	StreamARN   string // empty when the file gives a name
	Region      string
	Application string // the DynamoDB lease table
	Start       Start  // for shards with neither checkpoint nor offset
	Consumer    Consumer
	// ConsumerName is whom FanOut registers; empty: the application.
	ConsumerName string
	// HashRangeFilter says which user records of a KPL aggregate are left out.
	HashRangeFilter HashRangeFilter

	// AccessKeyID and SecretAccessKey are both set or both empty; empty means the AWS default chain.
	AccessKeyID     Secret
	SecretAccessKey Secret
	SessionToken    Secret
	RoleARN         string // empty: the credentials are used as they are
	ExternalID      string // only with RoleARN

	KinesisEndpoint  string // empty: the region's
	DynamoDBEndpoint string // empty: the region's

	PollInterval  time.Duration // between GetRecords calls of an idle shard
	LeaseDuration time.Duration // a lease whose counter stood still for this long is free
	WorkerID      string        // empty: to be made of the host name and a random part
}

// Start is where a shard is read from when nothing is known of it yet.
type Start struct {
	Position StartPosition
	Time     time.Time // only with AtTimestamp
}

// StartPosition is a Kinesis shard iterator type.
type StartPosition string

// The positions that a file can name.
const (
	TrimHorizon StartPosition = "TRIM_HORIZON"
	Latest      StartPosition = "LATEST"
	AtTimestamp StartPosition = "AT_TIMESTAMP"
)

// Consumer is how records are fetched.
type Consumer string

// The ways to fetch records.
const (
	// Polling reads with GetRecords, within the 5 calls/s and 2 MB/s that all consumers of a shard share.
	Polling Consumer = "polling"
	// FanOut reads with SubscribeToShard, at 2 MB/s a shard of its own, as a consumer that is registered with the stream.
	FanOut Consumer = "fan-out"
)

// HashRangeFilter says what becomes of the user records of a KPL aggregate that lie outside of their shard's hash range, as
// they do for a while after a reshard.
type HashRangeFilter string

// The filters.
const (
	FilterNone   HashRangeFilter = "none"   // all are loaded
	FilterRecord HashRangeFilter = "record" // those outside are left out
	FilterKCL    HashRangeFilter = "kcl"    // an aggregate with one outside is left out, as KCL does
)

// Sink says which table is loaded, as whom, and how large a batch grows.
type Sink struct {
	Account string
	User    string // may be empty but with PrivateKey and Password

	// Exactly one way to log in is set: PrivateKey, WorkloadIdentity, SPCS, OAuthTokenFile, PAT or Password. Names of files are
	// of files that are read anew for each login; they are absolute, or start from the process's folder.
	PrivateKey           Secret // PEM
	PrivateKeyPassphrase Secret // only with an encrypted PrivateKey
	WorkloadIdentity     WorkloadIdentity
	WorkloadTokenFile    string   // with WorkloadOIDC, never empty then
	WorkloadPath         []string // with WorkloadAWS and WorkloadGCP: identities to take on
	WorkloadResource     string   // with WorkloadAzure; empty: the driver's own
	SPCS                 bool
	SPCSTokenFile        string // with SPCS, never empty then
	OAuthTokenFile       string
	PAT                  Secret
	PATFile              string // where PAT came from, if from a file
	Password             Secret

	Role      string // empty: the user's default role
	Warehouse string

	// Database, Schema and Table are names as they stand in Snowflake, case and all, without quotes.
	Database string
	Schema   string
	Table    string
	Key      []string // the record's keys by which the view beside the table shows the newest row; empty for no view

	URL      string // empty: the account's own
	Batch    Batch
	SpoolDir string // never empty
}

// WorkloadIdentity is the cloud whose word Snowflake takes for who the program is.
type WorkloadIdentity string

// The providers of a workload identity.
const (
	WorkloadAWS   WorkloadIdentity = "AWS"
	WorkloadGCP   WorkloadIdentity = "GCP"
	WorkloadAzure WorkloadIdentity = "AZURE"
	WorkloadOIDC  WorkloadIdentity = "OIDC"
)

// DefaultSPCSTokenFile is where Snowpark Container Services puts a service's token.
const DefaultSPCSTokenFile = "/snowflake/session/token"

// Batch says when the open batch is loaded: at whichever limit comes first. A single record may carry it over a limit.
type Batch struct {
	Interval time.Duration
	MaxBytes Size // of payload, before compression
	MaxRows  int
}

// FailedMessages says what of a message that could not become a row is logged.
type FailedMessages struct {
	Payload  PayloadLog
	MaxBytes Size // of payload, before base64; only with PayloadCut
}

// PayloadLog is how much of a failed message's payload is logged.
type PayloadLog string

// The choices for a failed message's payload.
const (
	PayloadFull PayloadLog = "full"
	PayloadCut  PayloadLog = "cut"
	PayloadNone PayloadLog = "none"
)

// Telemetry says what the program tells about itself, and where.
type Telemetry struct {
	Listen string // host:port; empty: no server
	Log    Log
}

// Log is the form and the least level of log lines.
type Log struct {
	Format LogFormat
	Level  LogLevel
}

// LogFormat is the form of a log line.
type LogFormat string

// The forms of a log line.
const (
	LogJSON      LogFormat = "json"
	LogText      LogFormat = "text"
	LogSnowflake LogFormat = "snowflake"
)

// LogLevel is the least level that is logged.
type LogLevel string

// The log levels.
const (
	LevelDebug LogLevel = "debug"
	LevelInfo  LogLevel = "info"
	LevelWarn  LogLevel = "warn"
	LevelError LogLevel = "error"
)
