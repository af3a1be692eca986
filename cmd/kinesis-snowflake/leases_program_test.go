package main

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
)

// The program itself, in a process and over sockets: without a terminal on its standard input nobody is asked.
func TestLeasesByTheRealProgram(t *testing.T) {
	c := newClouds(t)
	c.stream("good")
	file := c.pipeline("good", staticKeys+", lease_duration: 1s", "user: loader, password: hunter2")
	if code, lines := c.real(nil, "run", "-c", file, "--until-caught-up"); code != 0 {
		t.Fatal(lines)
	}
	leases := func(args ...string) (int, string, string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"leases"}, args...)...)
		cmd.Env = append(os.Environ(), asProgram+"=real", "SNOWFLAKE_DISABLE_PLATFORM_DETECTION=true")
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run() // the exit code says it
		return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
	}
	code, out, stderr := leases("list", "-c", file, "--offsets")
	wants(t, 0, code, stderr)
	has(t, out, shard0+"  waiting", shard1+"  waiting", "stream good in us-east-1")
	code, out, stderr = leases("reset", "-c", file, "--to", "TRIM_HORIZON")
	wants(t, 2, code, stderr)
	has(t, out, `DELETE FROM "RAW"."KINESIS"."GOOD"`)
	has(t, stderr, "standard input is no terminal")
	c.loaded("good")
}
