package config

import "time"

const (
	limitsName = "1 to 128 letters, digits, _, . or -"
	limitsURL  = "http:// or https:// with a host, and nothing after it"
	limitsSQL  = "1 to 255 characters, no control characters"
	limitsText = "any text without control characters"

	limitsAccount = "an account identifier alone, without https:// and .snowflakecomputing.com: myorg-myaccount, or a locator such as xy12345.eu-central-1"
)

// schema is every key of a pipeline file, bound to p. The defaults it documents are p's values, so p comes from [Default].
func schema(p *Pipeline) section {
	return section{
		sections: []section{
			sourceSchema(&p.Source),
			transformSchema(&p.Transform),
			sinkSchema(&p.Sink),
			{
				key: "failed_messages",
				doc: "A message that cannot become a row (not JSON, not an object) is logged and counted, and the stream goes on. Its log line always names stream, shard and sequence number, so that the record can be read again.",
				fields: []field{
					choice("payload", &p.FailedMessages.Payload, "How much of the message itself its log line holds, in base64: all of it, the first `max_bytes`, or none. Choose `none` where messages must not reach the logs: then the reasons quote no values either, but keys, and the character at which JSON breaks off.",
						PayloadFull, PayloadCut, PayloadNone),
					size("max_bytes", &p.FailedMessages.MaxBytes, 1, 10<<20, "With `payload: cut`: how much of a message is logged. 10MiB is the largest record Kinesis takes."),
				},
			},
			{
				key: "telemetry",
				doc: "What the program tells about itself.",
				fields: []field{
					text("listen", &p.Telemetry.Listen, "host:port, with a port from 0 to 65535", isListen,
						"Where `/healthz` and `/readyz` are served, without authentication. `off` serves nothing. In a container that probes reach from outside: `0.0.0.0:9090`. Pipelines of one process may share an address."),
				},
				sections: []section{{
					key: "log",
					doc: "Log lines go to standard error.",
					fields: []field{
						choice("format", &p.Telemetry.Log.Format, "The form of a line. `snowflake` is the shape that an event table reads when the container runs in Snowpark Container Services.",
							LogJSON, LogText, LogSnowflake),
						choice("level", &p.Telemetry.Log.Level, "The least level that is logged. Failed messages are logged at `warn`.",
							LevelDebug, LevelInfo, LevelWarn, LevelError),
					},
				}},
			},
		},
		fields: []field{
			size("memory", &p.Memory, 64<<20, 1<<40, "Bytes in flight, all shards together. Reading waits while it is used up."),
			duration("shutdown_timeout", &p.ShutdownTimeout, time.Second, time.Hour, "After a stop was asked for: how long the last flush, commit, checkpoint and release of leases may take. Give the container's own grace period more."),
		},
	}
}

func sourceSchema(s *Source) section {
	var fields []field
	fields = append(fields,
		like("stream", &s.Stream, limitsName+"; or a stream's ARN, arn:aws:kinesis:<region>:<account>:stream/<name>", streamName+"|"+streamARN,
			"The Kinesis data stream.").require(),
		like("region", &s.Region, "a region's name, for example eu-central-1", `[a-z0-9-]{1,64}`,
			"The stream's AWS region, and that of the lease table.").orElse("the region in the stream's ARN; required with a plain name"),
		like("application", &s.Application, "3 to 255 letters, digits, _, . or -", `[a-zA-Z0-9_.-]{3,255}`,
			"The name of the DynamoDB lease table, which the workers of one pipeline share. Same meaning as the Kinesis Client Library's application name: a stopped KCL application of this name is taken over where it stood.").require(),
		startField(&s.Start),
		choice("consumer", &s.Consumer, "How records are fetched. `polling` reads with GetRecords and shares a shard's 5 calls/s and 2 MB/s with the stream's other consumers. `fan-out` has 2 MB/s a shard of its own and gets records as they come, for a price per shard and hour and per GB, and needs three more IAM actions: [fan-out.md](fan-out.md).",
			Polling, FanOut),
		like("consumer_name", &s.ConsumerName, limitsName, `[a-zA-Z0-9_.-]{1,128}`,
			"With `consumer: fan-out`: the consumer that is registered with the stream, once for all workers. No other application may use it on this stream.").orElse("`application`, as the Kinesis Client Library has it"),
		choice("hash_range_filter", &s.HashRangeFilter, "What becomes of the user records of a KPL aggregate that do not belong into the shard they came in, as happens for a while after a reshard: `none` loads them all, so that one which the producer sends again is there twice; `record` leaves out those outside of the shard's hash range; `kcl` leaves out each aggregate that has one, as the Kinesis Client Library does. Either may lose records whose producer does not send them again: [delivery.md](delivery.md#kpl-aggregates). A stream with service-managed distribution has no such ranges: all are loaded.",
			FilterNone, FilterRecord, FilterKCL),
	)
	fields = append(fields, secret("access_key_id", &s.AccessKeyID, "an access key ID", isLine,
		"A static AWS key, together with `secret_access_key`. Left out: the AWS default chain, that is environment, profile, web identity, container and instance roles.")...)
	fields = append(fields, secret("secret_access_key", &s.SecretAccessKey, "a secret access key", isLine,
		"The secret of `access_key_id`.")...)
	fields = append(fields, secret("session_token", &s.SessionToken, "a session token", isLine,
		"The session token of a temporary `access_key_id`.")...)
	fields = append(fields,
		like("role_arn", &s.RoleARN, "an IAM role's ARN, arn:aws:iam::<account>:role/<name>", roleARN,
			"The IAM role to assume with AWS STS, for a stream in another account for instance. The credentials above, or else those of the default chain, assume it, and do so again before its session ends; stream and lease table are then used as the role."),
		like("external_id", &s.ExternalID, "2 to 1224 letters, digits and _+=,.@:/-", `[a-zA-Z0-9_+=,.@:/-]{2,1000}[a-zA-Z0-9_+=,.@:/-]{0,224}`,
			"The external ID that the trust policy of `role_arn` asks for."),
		text("kinesis_endpoint", &s.KinesisEndpoint, limitsURL, isEndpoint, "URL of Kinesis, for a private link or a local stand-in.").orElse("the region's"),
		text("dynamodb_endpoint", &s.DynamoDBEndpoint, limitsURL, isEndpoint, "URL of DynamoDB, likewise.").orElse("the region's"),
		duration("poll_interval", &s.PollInterval, 200*time.Millisecond, 5*time.Minute,
			"Time between two reads of a shard that has nothing new. At 200ms one consumer uses up all of a shard's 5 calls/s. A shard with a backlog is read as fast as Kinesis allows."),
		duration("lease_duration", &s.LeaseDuration, time.Second, 10*time.Minute,
			"A shard whose worker has not renewed its lease for this long is taken over by another. Next to a running KCL fleet it must equal the fleet's failover time."),
		like("worker_id", &s.WorkerID, "1 to 128 letters, digits, _, . or -, the first a letter or digit", `[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}`,
			"This worker's name in the lease table and in the stage's paths. No two running workers may share one.").orElse("the host's name and a random part"),
	)
	return section{key: "source", doc: "The stream that is read.", fields: fields}
}

func sinkSchema(s *Sink) section {
	var fields []field
	fields = append(fields,
		text("account", &s.Account, limitsAccount, isAccount,
			"The Snowflake account.").orElse("required; with `spcs` the account that the service runs in"),
		text("user", &s.User, limitsSQL, isIdentifier,
			"The user to log in as. Where the token itself says who that is, it may be left out; with `workload_identity` it has no say.").orElse("required with a key pair and a password"),
	)
	fields = append(fields, secret("private_key", &s.PrivateKey, "a private key in PEM form (PKCS#8), beginning with -----BEGIN", isPEM,
		"Key-pair login. Exactly one way to log in must be given: `private_key`, `workload_identity`, `spcs`, `oauth_token_file`, `pat` or `password`.")...)
	fields = append(fields, secret("private_key_passphrase", &s.PrivateKeyPassphrase, "the passphrase", isLine,
		"The passphrase of an encrypted private key.")...)
	fields = append(fields,
		choice("workload_identity", &s.WorkloadIdentity, "Workload identity federation, the login without a secret: the program shows Snowflake who it is in its cloud, or the token in `workload_identity_token_file` (OIDC). The user is made with CREATE USER ... TYPE = SERVICE WORKLOAD_IDENTITY = (TYPE = ...). `AWS` uses the AWS default chain, not the keys of `source`, and needs AWS_REGION in the environment.",
			WorkloadAWS, WorkloadGCP, WorkloadAzure, WorkloadOIDC),
		tokenFile("workload_identity_token_file", &s.WorkloadTokenFile, "an ID token",
			"With `workload_identity: OIDC`: the file that holds the ID token, such as a projected Kubernetes service account token. Read anew for each login."),
		list("workload_identity_impersonation_path", &s.WorkloadPath, "a list of role ARNs (AWS) or service accounts (GCP)", `\S+`,
			"With `workload_identity: AWS` or `GCP`: the identities to take on, one through the other; Snowflake sees the last."),
		like("workload_identity_entra_resource", &s.WorkloadResource, "an application ID URI", `\S+`,
			"With `workload_identity: AZURE`: the Entra ID application that the token is for.").orElse("Snowflake's own application"),
		yes("spcs", &s.SPCS, "Log in as the service that this container belongs to, in Snowpark Container Services: with the token that Snowflake puts there, to the host and account in SNOWFLAKE_HOST and SNOWFLAKE_ACCOUNT. No user."),
		tokenFile("spcs_token_file", &s.SPCSTokenFile, "the service's token",
			"With `spcs`: the token's file, where the service's specification sets another one with sessionTokenConfig. Read anew for each login.").orElse(DefaultSPCSTokenFile),
		tokenFile("oauth_token_file", &s.OAuthTokenFile, "an access token",
			"OAuth login: a file in which something else keeps an access token that is good. Read anew for each login, so a token may be replaced while the program runs."),
	)
	fields = append(fields, secret("pat", &s.PAT, "a programmatic access token", isLine,
		"Login with a programmatic access token. A service user needs a network policy for it.")...)
	fields[len(fields)-1].path = &s.PATFile
	fields[len(fields)-1].doc += " Read anew for each login."
	fields = append(fields, secret("password", &s.Password, "the password", isLine,
		"Password login, for stand-ins and trials: Snowflake asks human users for a second factor and refuses passwords of service users.")...)
	fields = append(fields,
		text("role", &s.Role, limitsSQL, isIdentifier, "The role to use. It needs USAGE on warehouse, database and schema, and CREATE TABLE and CREATE STAGE on the schema.").orElse("the user's default role"),
		text("warehouse", &s.Warehouse, limitsSQL, isIdentifier, "The warehouse that loads. A batch wakes it; a stream without records does not.").require(),
		text("database", &s.Database, limitsSQL, isIdentifier, "The table's database, in the case in which it exists: a name made without quotes is in upper case. The same holds for `schema` and `table`.").require(),
		text("schema", &s.Schema, limitsSQL, isIdentifier, "The table's schema.").require(),
		text("table", &s.Table, "1 to 247 characters, no control characters", isTable,
			"The table to load. It is created when the first record arrives; beside it stands a table of the same name with $OFFSETS at its end.").orElse("the stream's name in upper case"),
		list("key", &s.Key, "a list of a record's keys", `[^\x00]+`,
			"What makes two rows the same to you, for instance `[event_id]`: beside the table the view of its name with $LATEST at its end is kept, which shows the newest row of each key, and every row that lacks a part of it. A producer that sends a record again makes two rows of it. See [types.md](types.md#the-newest-row-of-each-key). The role needs CREATE VIEW on the schema."),
		text("url", &s.URL, limitsURL, isEndpoint, "URL of Snowflake, for a private link or a local stand-in.").orElse("the account's"),
		text("spool_dir", &s.SpoolDir, limitsText, isLine,
			"Folder for files on their way to Snowflake: batches, raw and compressed. Give it room for several times `batch.max_bytes`; it needs not outlive the process.").orElse("the system's temporary folder"),
	)
	return section{
		key: "sink", doc: "The Snowflake table that is loaded.", fields: fields,
		sections: []section{{
			key: "batch",
			doc: "A batch is loaded when it reaches the first of these limits. A single record may carry it over one.",
			fields: []field{
				duration("interval", &s.Batch.Interval, 100*time.Millisecond, day, "How old a batch's first record grows. The main setting for cost: each load keeps the warehouse awake for at least its auto-suspend time."),
				size("max_bytes", &s.Batch.MaxBytes, 1<<20, 4<<30, "Payload in a batch, before compression. Snowflake loads best from files of 100 to 250 MB, compressed."),
				count("max_rows", &s.Batch.MaxRows, 1, 100_000_000, "Rows in a batch."),
			},
		}},
	}
}
