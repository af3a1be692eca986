//go:build !race

// The race detector makes sync.Pool, which the libraries keep their memory in, forget at random.

package decode_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/decode"
)

func TestAllocations(t *testing.T) {
	var text bytes.Buffer
	for i := range 100 {
		fmt.Fprintf(&text, `{"number":%d,"text":"some text"}`+"\n", i)
	}
	var record struct {
		MessageType string           `json:"messageType"`
		Owner       string           `json:"owner"`
		LogEvents   []map[string]any `json:"logEvents"`
	}
	record.MessageType, record.Owner = "DATA_MESSAGE", "1"
	for line := range strings.Lines(text.String()) {
		record.LogEvents = append(record.LogEvents, map[string]any{"id": "1", "timestamp": 2, "message": line})
	}
	logs, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		o    decode.Options
		data []byte
	}{
		{"gzip", decode.Options{Compression: decode.Auto, Framing: decode.Lines}, gz(text.Bytes())},
		{"zstd", decode.Options{Compression: decode.Auto, Framing: decode.AnyFrames}, zst(text.Bytes())},
		{"zstd of unknown size", decode.Options{Compression: decode.Auto, Framing: decode.Lines}, zstStream(text.Bytes())},
		{"cloudwatch", decode.Options{Compression: decode.Auto, Envelope: decode.CloudWatchLogs}, gz(logs)},
	} {
		d := newDecoder(t, c.o)
		docs := 0
		emit := func(_ uint32, _ []byte, bad *row.Failure) error {
			if bad != nil {
				t.Error(bad.Reason)
			}
			docs++
			return nil
		}
		n := testing.AllocsPerRun(100, func() { _ = d.Documents(c.data, emit) })
		if n != 0 || docs != 101*100 {
			t.Errorf("%s: %v allocations, %d documents", c.name, n, docs)
		}
	}
}
