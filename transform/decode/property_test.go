package decode_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/decode"
)

// What is encoded, framed and compressed in any way comes back.
func TestRoundTrip(t *testing.T) {
	object := rapid.StringMatching(`\{"a":("[]{}, x]*(\\"|\\\\|\\n|é)?[]{},]*"|\[[0-9], \[\]\]|\{"b": \{\}\})\}`)
	space := rapid.StringMatching(`[ \t]?[ \t]?`)
	rapid.Check(t, func(t *rapid.T) {
		docs := rapid.SliceOfN(object, 1, 10).Draw(t, "docs")
		framings := []decode.Framing{decode.Lines, decode.Array, decode.AnyFrames}
		if len(docs) == 1 {
			framings = append(framings, decode.Single)
		}
		framing := rapid.SampledFrom(framings).Draw(t, "framing")
		between, before, after := "\n", "", ""
		switch {
		case framing == decode.Array || framing == decode.AnyFrames && rapid.Bool().Draw(t, "array"):
			between, before, after = ",", "[", "]"
		case framing == decode.Single:
		default:
			between = rapid.SampledFrom([]string{"\n", "\r\n", "\n\n", "", " "}).Draw(t, "between")
		}
		if framing != decode.Single && strings.Trim(between, " ") != "" {
			between = space.Draw(t, "space before") + between + space.Draw(t, "space after")
		}
		data := []byte(before + strings.Join(docs, between) + after)
		if rapid.Bool().Draw(t, "byte order mark") {
			data = append([]byte("\xef\xbb\xbf"), data...)
		}
		o := decode.Options{Framing: framing, Compression: rapid.SampledFrom([]decode.Compression{decode.None, decode.Gzip, decode.Zstd}).Draw(t, "compression")}
		cut := rapid.IntRange(0, len(data)).Draw(t, "cut")
		switch o.Compression {
		case decode.Gzip:
			data = slices.Concat(gz(data[:cut]), gz(data[cut:]))
		case decode.Zstd:
			data = slices.Concat(zst(data[:cut]), zstStream(data[cut:]))
		}
		if rapid.Bool().Draw(t, "auto") {
			o.Compression = decode.Auto
		}
		d, err := decode.New(o)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		err = d.Documents(data, func(_ uint32, doc []byte, bad *row.Failure) error {
			if bad != nil {
				t.Fatalf("%s", bad.Reason)
			}
			got = append(got, strings.TrimSpace(string(doc)))
			return nil
		})
		if err != nil || !slices.Equal(got, docs) {
			t.Fatalf("%q\nwant\n%q", got, docs)
		}
	})
}

func FuzzDocuments(f *testing.F) {
	for _, seed := range []string{
		`{"a":1}`, "{}\n{}", `[{},{"a":"]"}]`, `{"messageType":"DATA_MESSAGE","logEvents":[{"message":"{\"a\":1}"},{"message":"b"}]}`, "{\n}{", "[{\"a\":\"\\",
	} {
		f.Add([]byte(seed), uint8(0))
		f.Add(gz([]byte(seed)), uint8(1))
		f.Add(zst([]byte(seed)), uint8(7))
		f.Add(zstStream([]byte(seed)), uint8(13))
	}
	compressions := []decode.Compression{decode.Auto, decode.None, decode.Gzip, decode.Zstd}
	framings := []decode.Framing{decode.Single, decode.Lines, decode.Array, decode.AnyFrames}
	envelopes := []decode.Envelope{decode.NoEnvelope, decode.CloudWatchLogs}
	f.Fuzz(func(t *testing.T, data []byte, o uint8) {
		const limit = 2 << 20
		d, err := decode.New(decode.Options{Compression: compressions[o&3], Framing: framings[o>>2&3], Envelope: envelopes[o>>4&1], MaxDecoded: limit})
		if err != nil {
			t.Fatal(err)
		}
		var first [][]byte
		for pass := range 2 {
			n := 0
			err = d.Documents(data, func(index uint32, doc []byte, bad *row.Failure) error {
				switch {
				case int(index) != n:
					t.Errorf("document %d has the index %d", n, index)
				case bad != nil && (bad.Stage != row.StageDecode || bad.Reason == ""):
					t.Errorf("failure %+v", bad)
				case bad == nil && len(doc) > max(3*limit, len(data)): // a message and its envelope, and their escapes
					t.Errorf("document of %d bytes", len(doc))
				}
				if pass == 0 && n < 100 {
					first = append(first, slices.Clone(doc))
				} else if n < 100 && !slices.Equal(doc, first[n]) {
					t.Errorf("document %d is %q the second time, %q the first", n, doc, first[n])
				}
				n++
				return nil
			})
			if err != nil || pass == 1 && n < len(first) {
				t.Errorf("%d documents, %v", n, err)
			}
		}
	})
}
