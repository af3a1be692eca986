package kpl_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"kinesis-snowflake/source/kpl"
	"kinesis-snowflake/source/kpl/kpltest"
)

// user is a user record as a test sees it.
type user struct {
	key, hash, data string
	reason          string
}

// expand opens data and copies what it yields. It checks that the decoder keeps its promises.
func expand(t interface{ Fatalf(string, ...any) }, data []byte) ([]user, error) {
	var d kpl.Decoder
	if _, err := d.Open(sample); err != nil { // what was there before must not show
		t.Fatalf("open sample: %v", err)
	}
	data = data[:len(data):len(data)]
	n, err := d.Open(data)
	if err != nil {
		var r kpl.Record
		if n != 0 || d.Next(&r) {
			t.Fatalf("%d user records of what is none", n)
		}
		return nil, err
	}
	var out []user
	var r kpl.Record
	for d.Next(&r) {
		if r.Index != len(out) {
			t.Fatalf("user record %d has index %d", len(out), r.Index)
		}
		for _, part := range [][]byte{r.PartitionKey, r.ExplicitHashKey, r.Data} {
			if !within(data[4:len(data)-16], part) || cap(part) != len(part) {
				t.Fatalf("user record %d has bytes from outside of the message", r.Index)
			}
		}
		out = append(out, user{string(r.PartitionKey), string(r.ExplicitHashKey), string(r.Data), r.Reason})
	}
	if len(out) != n || n > kpl.MaxRecords {
		t.Fatalf("%d user records, said to be %d", len(out), n)
	}
	d.Close()
	if d.Next(&r) {
		t.Fatalf("a user record after Close")
	}
	return out, nil
}

func within(outer, inner []byte) bool {
	if len(inner) == 0 {
		return true
	}
	from := uintptr(unsafe.Pointer(unsafe.SliceData(outer)))
	at := uintptr(unsafe.Pointer(unsafe.SliceData(inner)))
	return at >= from && at+uintptr(len(inner)) <= from+uintptr(len(outer))
}

func users(records []kpltest.Record) (out []user) {
	for _, r := range records {
		out = append(out, user{key: r.PartitionKey, hash: r.ExplicitHashKey, data: string(r.Data)})
	}
	return out
}

func TestAggregatesAreExpandedAsTheyWereMade(t *testing.T) {
	record := rapid.Custom(func(t *rapid.T) kpltest.Record {
		return kpltest.Record{
			PartitionKey:    rapid.OneOf(rapid.SampledFrom([]string{"a", "b", "ü"}), rapid.String()).Draw(t, "key"),
			ExplicitHashKey: rapid.SampledFrom([]string{"", "0", "340282366920938463463374607431768211455", "x"}).Draw(t, "hash"),
			Data:            rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "data"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(record, 1, 50).Draw(t, "records")
		got, err := expand(t, kpltest.Aggregate(want...))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(users(want)) {
			t.Fatalf("got %v, %v; want %v", got, err, users(want))
		}
	})
}

var sample = kpltest.Aggregate(
	kpltest.Record{PartitionKey: "one", Data: []byte(`{"id":1}`)},
	kpltest.Record{PartitionKey: "two", ExplicitHashKey: "17", Data: []byte(`{"id":2}`)},
	kpltest.Record{PartitionKey: "one", Data: []byte{}},
)

func TestWhatIsDamagedIsAPlainRecord(t *testing.T) {
	if _, err := expand(t, sample); err != nil {
		t.Fatal(err)
	}
	for n := range len(sample) {
		if _, err := expand(t, sample[:n]); !errors.Is(err, kpl.ErrPlain) {
			t.Errorf("the first %d of %d bytes: %v", n, len(sample), err)
		}
		for bit := range 8 {
			bad := bytes.Clone(sample)
			bad[n] ^= 1 << bit
			if _, err := expand(t, bad); !errors.Is(err, kpl.ErrPlain) {
				t.Errorf("bit %d of byte %d flipped: %v", bit, n, err)
			}
		}
	}
	if _, err := expand(t, append(bytes.Clone(sample), 0)); !errors.Is(err, kpl.ErrPlain) {
		t.Errorf("one byte more: %v", err)
	}
}

func TestMessages(t *testing.T) {
	const wrong = "plain"
	key := func(keys ...string) (msg []byte) {
		for _, k := range keys {
			msg = kpltest.Bytes(msg, 1, []byte(k))
		}
		return msg
	}
	rec := func(fields ...[]byte) []byte { return kpltest.Bytes(nil, 3, bytes.Join(fields, nil)) }
	index := func(v uint64) []byte { return kpltest.Varint(nil, 1, v) }
	hash := func(v uint64) []byte { return kpltest.Varint(nil, 2, v) }
	data := func(s string) []byte { return kpltest.Bytes(nil, 3, []byte(s)) }
	tag := func(msg []byte) []byte { return kpltest.Bytes(nil, 4, msg) }
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	one := join(key("k"), rec(index(0), data("d")))
	group := []byte{9<<3 | 3, 1 << 3, 5, 9<<3 | 4}

	for name, tt := range map[string]struct {
		msg  []byte
		want string
	}{
		"one":                               {one, "k=d"},
		"nothing":                           {nil, wrong},
		"a table alone":                     {key("k"), ""},
		"table behind the records":          {join(rec(index(0), data("d")), key("k")), "k=d"},
		"data before its key":               {join(key("k"), rec(data("d"), index(0))), "k=d"},
		"no data":                           {join(key("k"), rec(index(0))), wrong},
		"empty data":                        {join(key("k"), rec(index(0), data(""))), "k="},
		"no partition key index":            {join(key("k"), rec(data("d"))), wrong},
		"an empty record":                   {join(key("k"), rec()), wrong},
		"the last index counts":             {join(key("a", "b"), rec(index(0), index(1), data("d"))), "b=d"},
		"the last data count":               {join(key("k"), rec(index(0), data("d"), data("e"))), "k=e"},
		"unknown fields":                    {join(kpltest.Varint(nil, 9, 1), key("k"), rec(index(0), kpltest.Bytes(nil, 77, []byte("x")), data("d")), group, []byte{9<<3 | 5, 1, 2, 3, 4}), "k=d"},
		"field number 0":                    {join(one, []byte{0, 1}), wrong},
		"a group without end":               {join(one, []byte{9<<3 | 3}), wrong},
		"an end without group":              {join(one, []byte{9<<3 | 4}), wrong},
		"a wire type that is none":          {join(one, []byte{9<<3 | 7, 1}), wrong},
		"packed index":                      {join(key("k"), rec(kpltest.Bytes(nil, 1, []byte{0}), data("d"))), wrong},
		"packed hash index":                 {join(key("k"), rec(index(0), kpltest.Bytes(nil, 2, []byte{0}), data("d"))), wrong},
		"fixed index":                       {join(key("k"), rec([]byte{1<<3 | 5, 0, 0, 0, 0}, data("d"))), wrong},
		"data as a number":                  {join(key("k"), rec(index(0), kpltest.Varint(nil, 3, 7))), wrong},
		"a table of numbers":                {join(kpltest.Varint(nil, 1, 7), rec(index(0), data("d"))), wrong},
		"records as numbers":                {join(one, kpltest.Varint(nil, 3, 7)), wrong},
		"a record that breaks off":          {join(key("k"), kpltest.Bytes(nil, 3, join(index(0), data("d"), []byte{1 << 3}))), wrong},
		"a length beyond the end":           {join(one, []byte{3<<3 | 2, 200}), wrong},
		"a length of 64 bits":               {join(one, []byte{3<<3 | 2, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}), wrong},
		"a number of over 64 bits":          {join(key("k"), rec([]byte{1 << 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2}, data("d"))), wrong},
		"a key index out of range":          {join(one, rec(index(1), data("e")), rec(index(0), data("f"))), "k=d|partition key 1 is not in its table of 1=e|k=f"},
		"the largest index":                 {join(one, rec(index(1<<64-1), data("e"))), "k=d|partition key 18446744073709551615 is not in its table of 1=e"},
		"a hash index out of range":         {join(one, rec(index(0), hash(0), data("e")), rec(index(0), data("f"))), "k=d|k explicit hash key 0 is not in its table of 0=e|k=f"},
		"a hash":                            {join(key("k"), kpltest.Bytes(nil, 2, []byte("17")), rec(index(0), hash(0), data("d"))), "k#17=d"},
		"tags":                              {join(key("k"), rec(index(0), tag(join(kpltest.Bytes(nil, 1, []byte("t")), kpltest.Bytes(nil, 2, []byte("v")))), data("d"))), "k=d"},
		"a tag without a value":             {join(key("k"), rec(index(0), data("d"), tag(kpltest.Bytes(nil, 1, nil)))), "k=d"},
		"a tag without a key":               {join(key("k"), rec(index(0), data("d"), tag(kpltest.Bytes(nil, 2, nil)))), wrong},
		"a tag's key as a number":           {join(key("k"), rec(index(0), data("d"), tag(kpltest.Varint(nil, 1, 1)))), wrong},
		"a tag that breaks off":             {join(key("k"), rec(index(0), data("d"), tag([]byte{1<<3 | 2, 9}))), wrong},
		"tags as a number":                  {join(key("k"), rec(index(0), data("d"), kpltest.Varint(nil, 4, 1))), wrong},
		"an aggregate inside":               {join(key("k"), rec(index(0), data(string(sample)))), "k=" + string(sample)},
		"a key that is no UTF-8":            {join(key("\xff"), rec(index(0), data("d"))), "\xff=d"},
		"an empty key":                      {join(key(""), rec(index(0), data("d"))), "=d"},
		"a varint longer than it need be":   {join(key("k"), rec([]byte{1 << 3, 0x80, 0}, data("d"))), "k=d"},
		"unknown field inside a tag":        {join(key("k"), rec(index(0), data("d"), tag(join(kpltest.Bytes(nil, 1, nil), kpltest.Varint(nil, 5, 1))))), "k=d"},
		"a record after one that is broken": {join(key("k"), rec(index(0)), rec(index(0), data("d"))), wrong},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := expand(t, kpltest.Seal(tt.msg))
			if errors.Is(err, kpl.ErrPlain) {
				if tt.want != wrong {
					t.Errorf("a plain record, want %q", tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var texts []string
			for _, u := range list {
				text := u.key
				if u.hash != "" {
					text += "#" + u.hash
				}
				if u.reason != "" {
					text = strings.TrimSpace(text + " " + strings.TrimPrefix(u.reason, "KPL aggregate: "))
				}
				texts = append(texts, text+"="+u.data)
			}
			if got := strings.Join(texts, "|"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAnAggregateOfTooMany(t *testing.T) {
	msg := kpltest.Bytes(nil, 1, nil)
	one := kpltest.Bytes(nil, 3, kpltest.Bytes(kpltest.Varint(nil, 1, 0), 3, nil))
	most := append(bytes.Clone(msg), bytes.Repeat(one, kpl.MaxRecords)...)
	var d kpl.Decoder
	if n, err := d.Open(kpltest.Seal(most)); n != kpl.MaxRecords || err != nil {
		t.Errorf("the most: %d, %v", n, err)
	}
	for name, msg := range map[string][]byte{
		"records": append(bytes.Clone(most), one...),
		"keys":    bytes.Repeat(msg, kpl.MaxRecords+1),
		"hashes":  bytes.Repeat(kpltest.Bytes(nil, 2, nil), kpl.MaxRecords+1),
	} {
		if _, err := expand(t, kpltest.Seal(msg)); !errors.Is(err, kpl.ErrTooMany) {
			t.Errorf("too many %s: %v", name, err)
		}
	}
}

func TestSuspect(t *testing.T) {
	if !kpl.Suspect(sample) {
		t.Error("an aggregate is not suspected")
	}
	for _, data := range []string{"", `{"id":1}`, "ü" + strings.Repeat("x", 30), "\xf3"} {
		if kpl.Suspect([]byte(data)) {
			t.Errorf("%q is suspected", data)
		}
	}
}
