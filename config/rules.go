package config

import (
	"cmp"
	"fmt"
	"net"
	"strings"
)

// rules checks what spans keys, and fills in what one key takes from another. A key whose own value is bad was reported
// already and is not reported again.
func (d *decoder) rules(p *Pipeline) {
	d.region(&p.Source)
	d.consumerName(&p.Source)
	d.oneOf("source", "access_key_id", "secret_access_key", "session_token")
	d.awsKeys()
	d.role()
	d.oneOf("sink", "private_key", "private_key_passphrase", "pat", "password")
	d.login(&p.Sink)
	d.columnRules(p)
	if decode := &p.Transform.Decode; decode.Envelope == EnvelopeCloudWatchLogs && !d.given("transform.decode.compression") {
		decode.Compression = CompressionAuto // CloudWatch Logs compresses whatever it sends
	}
	if p.Sink.Table == "" {
		p.Sink.Table = strings.ToUpper(p.Source.Stream)
	}
	if p.Telemetry.Listen == "off" {
		p.Telemetry.Listen = ""
	}
}

// region takes the region and the name out of a stream's ARN.
func (d *decoder) region(s *Source) {
	if !d.set["source.stream"] {
		return
	}
	arn := streamParts.FindStringSubmatch(s.Stream)
	if arn == nil {
		if s.Region == "" && !d.faulty("source.region") {
			d.fail(d.place("source.region", "source"), "source.region", "is required and missing",
				"a region's name, for example eu-central-1 or ${AWS_REGION}; it may be left out where source.stream is an ARN")
		}
		return
	}
	region, name := arn[1], arn[2]
	s.StreamARN, s.Stream = s.Stream, name
	if s.Region != "" && s.Region != region {
		d.fail(d.at["source.region"], "source.region", "is not the region in the ARN of source.stream", "the ARN's region, or leave the key out")
		return
	}
	s.Region = region
}

// place is a key's position, or that of the nearest section around it that the file has.
func (d *decoder) place(keys ...string) position {
	for _, k := range keys {
		if where, ok := d.at[k]; ok {
			return where
		}
	}
	return position{1, 1}
}

// given says whether a secret was given in either way, good or bad.
func (d *decoder) given(path string) bool {
	return d.set[path] || d.set[path+"_file"] || d.faulty(path) || d.faulty(path+"_file")
}

// oneOf refuses a secret that is given both ways.
func (d *decoder) oneOf(path string, keys ...string) {
	for _, k := range keys {
		plain := join(path, k)
		if d.set[plain] && d.set[plain+"_file"] {
			d.fail(d.at[plain+"_file"], plain+"_file", "cannot be given together with "+plain, "one of the two")
		}
	}
}

func (d *decoder) awsKeys() {
	const id, key, token = "source.access_key_id", "source.secret_access_key", "source.session_token"
	const allowed = "access_key_id and secret_access_key together, or neither for the AWS default chain"
	switch {
	case d.given(id) && !d.given(key):
		d.fail(d.place(id, id+"_file"), id, "is given without "+key, allowed)
	case !d.given(id) && d.given(key):
		d.fail(d.place(key, key+"_file"), key, "is given without "+id, allowed)
	}
	if d.given(token) && !d.given(id) && !d.given(key) {
		d.fail(d.place(token, token+"_file"), token, "is given without "+id, allowed+", and no session_token then")
	}
}

// consumerName asks for a name where the application's is longer than Kinesis lets a consumer's be.
func (d *decoder) consumerName(s *Source) {
	const key, most = "source.consumer_name", 128
	if s.Consumer == FanOut && !d.given(key) && len(s.Application) > most {
		d.fail(d.place(key, "source.application"), key, "is required and missing: source.application is too long for a consumer's name", limitsName)
	}
}

// role refuses an external ID that nobody would ask for.
func (d *decoder) role() {
	const role, id = "source.role_arn", "source.external_id"
	if d.given(id) && !d.given(role) {
		d.fail(d.at[id], id, "is given without "+role, "an external_id only beside a role_arn")
	}
}

// conflicts finds pipelines of one process that would get into each other's way.
func conflicts(all []*decoder, pipelines []*Pipeline) Errors {
	type claim struct{ file, key string }
	var errs Errors
	owners := map[string]claim{}
	take := func(d *decoder, what, key, remedy string, where position) {
		if first, ok := owners[what]; ok {
			errs = append(errs, &Error{File: d.file, Line: where.line, Column: where.column, Key: key,
				Problem: fmt.Sprintf("is the same as in %s", first.file), Allowed: remedy})
			return
		}
		owners[what] = claim{d.file, key}
	}
	for i, d := range all {
		s, t := pipelines[i].Source, pipelines[i].Sink
		take(d, fmt.Sprintf("lease table %q %q", s.Region, s.Application), "source.application",
			"an application of its own for each pipeline of a region: two would share one lease table", d.place("source.application"))
		if s.Consumer == FanOut {
			take(d, fmt.Sprintf("consumer %q %q %q", s.Region, s.Stream, cmp.Or(s.ConsumerName, s.Application)), "source.consumer_name",
				"a consumer of its own for each pipeline of a stream: two would take each other's subscriptions", d.place("source.consumer_name", "source.consumer"))
		}
		take(d, fmt.Sprintf("table %q %q %q %q", strings.ToLower(t.Account), t.Database, t.Schema, t.Table), "sink.table",
			"a table of its own for each pipeline", d.place("sink.table", "sink"))
		for j, other := range pipelines[:i] {
			if meet(other.Telemetry.Listen, pipelines[i].Telemetry.Listen) {
				where := d.place("telemetry.listen")
				errs = append(errs, &Error{File: d.file, Line: where.line, Column: where.column, Key: "telemetry.listen",
					Problem: fmt.Sprintf("has the port of another address in %s, of which one is every address of the machine", all[j].file),
					Allowed: "the same address in both, another port, or off"})
				break
			}
		}
	}
	return errs
}

// meet reports whether two addresses cannot both be listened at although they differ: one of them is all that the machine has.
// Pipelines with one address share it.
func meet(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	every := func(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }
	return errA == nil && errB == nil && a != b && portA == portB && portA != "0" && (every(hostA) || every(hostB))
}
