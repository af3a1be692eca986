package decode_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/decode"
)

// The example of the CloudWatch Logs user guide, "Log group-level subscription filters", and events of three more kinds.
func TestCloudWatchLogs(t *testing.T) {
	record, err := os.ReadFile("testdata/cloudwatch-logs.json")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("testdata/cloudwatch-logs.golden")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(string(golden)), "\n")
	for name, data := range map[string][]byte{"plain": record, "gzip": gz(record), "zstd of gzip": zst(gz(record))} {
		d := newDecoder(t, decode.Options{Compression: decode.Auto, Envelope: decode.CloudWatchLogs})
		if got := documents(t, d, data); !slices.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if d.Controls() != 0 {
			t.Errorf("%d control messages", d.Controls())
		}
	}
	d := newDecoder(t, decode.Options{Compression: decode.Gzip, Envelope: decode.CloudWatchLogs})
	if got := documents(t, d, gz(record)); !slices.Equal(got, want) {
		t.Errorf("gzip: %q", got)
	}
}

// Without a word of compression nobody would guess from JSON's complaint about a byte what is missing.
func TestCloudWatchCompressedThoughNoneIsSaid(t *testing.T) {
	d := newDecoder(t, decode.Options{Compression: decode.None, Envelope: decode.CloudWatchLogs})
	want := []string{"! the record is gzip, though transform.decode.compression is none"}
	if got := documents(t, d, gz([]byte(`{"messageType":"DATA_MESSAGE"}`))); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestCloudWatchControlMessage(t *testing.T) {
	d := newDecoder(t, decode.Options{Compression: decode.Auto, Envelope: decode.CloudWatchLogs})
	control := gz([]byte(`{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],` +
		`"logEvents":[{"id":"","timestamp":1510109208016,"message":"CWL CONTROL MESSAGE: Checking health of destination Kinesis stream."}]}`))
	for i := range 3 {
		if got := documents(t, d, control); len(got) != 0 || d.Controls() != uint64(i+1) {
			t.Errorf("%d documents, %d control messages", len(got), d.Controls())
		}
	}
}

func TestCloudWatchOdd(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{`{"a":1}`, []string{`! not a record of CloudWatch Logs: it has no messageType`}},
		{`{"messageType":7}`, []string{`! not a record of CloudWatch Logs: it has no messageType`}},
		{`{"messageType":"AUDIT"}`, []string{`! not a record of CloudWatch Logs that is known: its messageType is "AUDIT"`}},
		{`[]`, []string{`! not a record of CloudWatch Logs: a JSON array, not an object`}},
		{`{`, []string{`! not a record of CloudWatch Logs: unexpected end at byte 1, where a key in quotes or '}' should be`}},
		{`{"messageType":"DATA_MESSAGE"}`, []string{`! not a record of CloudWatch Logs: its logEvents are no array`}},
		{`{"messageType":"DATA_MESSAGE","logEvents":{}}`, []string{`! not a record of CloudWatch Logs: its logEvents are no array`}},
		{`{"messageType":"DATA_MESSAGE","logEvents":[ ]}`, nil},
		{
			`{"messageType":"DATA_MESSAGE","logEvents":[{"message":"a"},5,{"id":"7"},{"message":null}],"a\"b":1,"\u0000":2}`,
			[]string{
				`{"message":"a","cloudwatch":{"a\"b":1,"\u0000":2}}`,
				`! a log event is a JSON number, not an object`,
				`! a log event has no message`,
				`{"message":null,"cloudwatch":{"a\"b":1,"\u0000":2}}`,
			},
		},
		{
			`{"messageType":"DATA_MESSAGE","logEvents":[{"message":"{}\n"},{"message":{"a":1}},{"message":{}},{"message":"{\"a\":1} x"},{"message":"{\u0000}"},{"message":"[1]"},{"message":" {\"cloudwatch\":1}"}]}`,
			[]string{
				`{"cloudwatch":{}}`,
				`{"a":1,"cloudwatch":{}}`,
				`{"cloudwatch":{}}`,
				`{"message":"{\"a\":1} x","cloudwatch":{}}`,
				`{"message":"{\u0000}","cloudwatch":{}}`,
				`{"message":"[1]","cloudwatch":{}}`,
				`{"cloudwatch":1,"cloudwatch":{}}`,
			},
		},
	} {
		d := newDecoder(t, decode.Options{Envelope: decode.CloudWatchLogs})
		if got := documents(t, d, []byte(c.text)); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", c.text, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

func TestCloudWatchInLines(t *testing.T) {
	const record = `{"messageType":"DATA_MESSAGE","logEvents":[{"message":"a"},{"message":"b"}]}`
	d := newDecoder(t, decode.Options{Framing: decode.Lines, Envelope: decode.CloudWatchLogs})
	got := documents(t, d, []byte(record+"\nx\n"+record))
	if len(got) != 5 || got[2][0] != '!' || got[4] != `{"message":"b","cloudwatch":{}}` {
		t.Errorf("%q", got)
	}
}

// Each log event repeats what the envelope says, so that a large log group's name beside a million events would be terabytes.
func TestCloudWatchEnvelopeIsNotRepeatedWithoutEnd(t *testing.T) {
	const group, events = 1 << 20, 20_000 // 20 GiB
	record := `{"messageType":"DATA_MESSAGE","logGroup":"` + strings.Repeat("g", group) + `","logEvents":[` + strings.Repeat(`{"message":""},`, events) + `{"message":""}]}`
	d := newDecoder(t, decode.Options{Framing: decode.Lines, Envelope: decode.CloudWatchLogs})
	for range 2 {
		documents, size, failures := 0, 0, []string{}
		err := d.Documents([]byte(record+"\n"+record), func(_ uint32, doc []byte, bad *row.Failure) error {
			if bad != nil {
				failures = append(failures, bad.Reason)
				return nil
			}
			documents++
			size += len(doc)
			return nil
		})
		if err != nil || size < decode.MaxMade || size > decode.MaxMade+2*group || documents != size/group || len(failures) != 1 || !strings.Contains(failures[0], "all after it are left out") {
			t.Fatalf("%d documents of %d bytes, failures %q, %v", documents, size, failures, err)
		}
	}
}
