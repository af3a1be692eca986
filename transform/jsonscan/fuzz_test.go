package jsonscan_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"kinesis-snowflake/transform/internal/sample"
	"kinesis-snowflake/transform/jsonscan"
)

func FuzzScan(f *testing.F) {
	for _, c := range suite(f) {
		if len(c.Text) < 1000 {
			f.Add(c.Text)
			f.Add(wrap(c.Text))
		}
	}
	for _, shape := range sample.Shapes() {
		f.Add(sample.Records(shape, 1)[0])
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var s jsonscan.Scanner
		check(t, &s, text)
	})
}

// Bytes that a mutation puts in: all that has a meaning in JSON, and what UTF-8 may break on.
var mutations = []string{
	"{", "}", "[", "]", `"`, ",", ":", `\`, "/", " ", "\n", "\t", "\x00", "\x1f", "\x7f", "t", "f", "n", "u", "0", "1", "9", "-", "+", ".", "e", "E",
	"\xff", "\xc3", "\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "é", "\u2028", "😀", `\u0000`, `\ud800`, `\udc00`, `\ud83d\ude00`, `\u00e9`, "null", "NaN", "1e999", `"":0,`, "[[[[",
}

func TestMutatedRecords(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var s jsonscan.Scanner
	for _, shape := range sample.Shapes() {
		recs := sample.Records(shape, 100)
		for range 3000 {
			p := bytes.Clone(recs[r.IntN(len(recs))])
			for range r.IntN(4) {
				i, m := r.IntN(len(p)), mutations[r.IntN(len(mutations))]
				switch r.IntN(4) {
				case 0:
					p[i] = m[0]
				case 1:
					p = slices.Delete(p, i, i+1)
				case 2:
					p = slices.Insert(p, i, []byte(m)...)
				case 3:
					if r.IntN(10) == 0 {
						p = p[:i+1]
					}
				}
			}
			check(t, &s, p)
		}
	}
}
