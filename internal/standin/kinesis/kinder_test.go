package kinesis_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/kinesis/kinesistest"
)

// mustFail judges a target by the named rules and complains of each that it passes.
func mustFail(t *testing.T, newTarget func() kinesistest.Target, names ...string) {
	t.Helper()
	rules := map[string]kinesistest.Rule{}
	for _, r := range kinesistest.Rules() {
		rules[r.Name] = r
	}
	for _, name := range names {
		rule, ok := rules[name]
		if !ok {
			t.Fatalf("no rule is called %q", name)
		}
		if kinesistest.Verdict(t, rule, newTarget()) == "" {
			t.Errorf("passes %q", name)
		}
	}
}

// rewriter changes requests and answers of one operation on their way.
type rewriter struct {
	next     http.RoundTripper
	op       string
	request  func(map[string]any)
	response func(map[string]any)
}

func (w rewriter) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+w.op) {
		return w.next.RoundTrip(r)
	}
	if w.request != nil {
		r = r.Clone(r.Context())
		r.Body = rewrite(r.Body, w.request)
	}
	resp, err := w.next.RoundTrip(r)
	if err == nil && resp.StatusCode == 200 && w.response != nil {
		resp.Body = rewrite(resp.Body, w.response)
		resp.ContentLength = -1
		resp.Header.Del("Content-Length")
	}
	return resp, err
}

func rewrite(body io.ReadCloser, change func(map[string]any)) io.ReadCloser {
	defer body.Close()
	var doc map[string]any
	d := json.NewDecoder(body)
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		panic(err) // both sides only speak JSON objects here
	}
	change(doc)
	out, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return io.NopCloser(bytes.NewReader(out))
}

// TestKinderIsFound runs the suite against services that are kinder than the real one, in ways that emulators are:
// each must fail at least the rules named.
func TestKinderIsFound(t *testing.T) {
	without := func(key string) func(map[string]any) { return func(d map[string]any) { delete(d, key) } }
	set := func(key string, v any) func(map[string]any) { return func(d map[string]any) { d[key] = v } }
	for name, c := range map[string]struct {
		kind rewriter
		want []string
	}{
		"always at the tip": {rewriter{op: "GetRecords", response: set("MillisBehindLatest", 0)}, []string{"MillisBehindLatest is true"}},
		"no children":       {rewriter{op: "GetRecords", response: without("ChildShards")}, []string{"a split shard ends in its children", "a merged shard names both parents"}},
		"no end":            {rewriter{op: "GetRecords", response: func(d map[string]any) { d["NextShardIterator"] = cmp.Or(d["NextShardIterator"], any("AAAA")) }}, []string{"a closed shard can be read from anywhere"}},
		"any limit":         {rewriter{op: "GetRecords", request: without("Limit")}, []string{"Limit has bounds", "reading goes on from answer to answer"}},
		"pages ignored":     {rewriter{op: "ListShards", request: without("MaxResults")}, []string{"lists come in pages"}},
		"filters ignored":   {rewriter{op: "ListShards", request: without("ShardFilter")}, []string{"filters", "filters have their parameters"}},
		"horizon filter ignored": {rewriter{op: "ListShards", request: func(d map[string]any) {
			if f, ok := d["ShardFilter"].(map[string]any); ok && f["Type"] == "AT_TRIM_HORIZON" {
				f["Type"] = "FROM_TRIM_HORIZON"
			}
		}}, []string{"filters"}},
		"hash keys ignored": {rewriter{op: "PutRecord", request: without("ExplicitHashKey")}, []string{"explicit hash keys override"}},
		"501 entries": {rewriter{op: "PutRecords", request: func(d map[string]any) {
			if r := d["Records"].([]any); len(r) > 500 {
				d["Records"] = r[:500]
			}
		}}, []string{"at most 500 entries"}},
		"future taken as now": {rewriter{op: "GetShardIterator", request: func(d map[string]any) {
			if d["ShardIteratorType"] == "AT_TIMESTAMP" {
				d["ShardIteratorType"] = "LATEST"
				delete(d, "Timestamp")
			}
		}}, []string{"AT_TIMESTAMP refuses the future", "AT_TIMESTAMP begins at the first record not before"}},
		"after taken as at": {rewriter{op: "GetShardIterator", request: func(d map[string]any) {
			if d["ShardIteratorType"] == "AFTER_SEQUENCE_NUMBER" {
				d["ShardIteratorType"] = "AT_SEQUENCE_NUMBER"
			}
		}}, []string{"iterators begin where they say"}},
		"strategy ignored": {rewriter{op: "CreateStream", request: without("RecordDistributionStrategy")}, []string{"AUTO needs no partition key"}},
		"always a key": {rewriter{op: "GetRecords", response: func(d map[string]any) {
			for _, r := range d["Records"].([]any) {
				r.(map[string]any)["PartitionKey"] = "k"
			}
		}}, []string{"AUTO needs no partition key"}},
		"provisioned whatever is said": {rewriter{op: "DescribeStreamSummary", response: func(d map[string]any) {
			d["StreamDescriptionSummary"].(map[string]any)["StreamModeDetails"] = map[string]any{"StreamMode": "PROVISIONED"}
		}}, []string{"a stream's mode changes"}},
		"short sequence numbers": {rewriter{op: "PutRecord", response: func(d map[string]any) {
			d["SequenceNumber"] = d["SequenceNumber"].(string)[20:]
		}}, []string{"sequence numbers grow and name their shard"}},
	} {
		t.Run(name, func(t *testing.T) {
			mustFail(t, func() kinesistest.Target {
				_, tg := target(kinesis.Options{})
				c.kind.next = tg.HTTP
				tg.HTTP = c.kind
				return tg
			}, c.want...)
		})
	}
}

// TestLaxIsFound runs the suite with limits off and with a clock that does not move: every rule about either must fail.
func TestLaxIsFound(t *testing.T) {
	t.Run("limits off", func(t *testing.T) {
		mustFail(t, func() kinesistest.Target {
			_, tg := target(kinesis.Options{Limits: &kinesis.Limits{}})
			return tg
		}, "five GetRecords a second", "five GetShardIterator a second", "2 MiB a second of reads", "an answer has at most 10 MiB and costs 5 seconds",
			"1,000 records a second of writes", "1 MiB a second of writes", "20 DescribeStreamSummary a second")
	})
	t.Run("time stands still", func(t *testing.T) {
		mustFail(t, func() kinesistest.Target {
			_, tg := target(kinesis.Options{Limits: &kinesis.Limits{}})
			tg.Advance = func(time.Duration) {}
			return tg
		}, "iterators expire after 5 minutes", "list tokens expire", "records end with the retention period", "closed shards expire",
			"ten scalings a day", "two changes of mode a day")
	})
}
