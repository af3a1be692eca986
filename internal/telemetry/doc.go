// Package telemetry is what the program tells about itself: log lines, and an HTTP server for probes.
//
// Loggers are made from the file's telemetry.log and passed in; there is no global one. A pipeline reports its state to its
// [PipelineHealth]; the [Health] of the process answers /healthz and /readyz.
//
// /healthz is liveness: would a restart help? Only a registered check can say so, such as a goroutine that stands still. A
// pipeline that cannot reach Snowflake, or has ended, is not dead: a restart would only interrupt the process's other pipelines.
// /readyz is the judgement on the pipelines: 200 only when each of them is running or has ended well.
//
// The server's routes are those of the handler it is given, so that metrics and a status page can join on the same listener.
package telemetry
