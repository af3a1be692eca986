package table

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestColumnName(t *testing.T) {
	long := strings.Repeat("é", 255)
	for key, want := range map[string]string{
		"id": "ID", "orderId": "ORDERID", "straße": "STRAßE", "ÉCOLE": "ÉCOLE", "with space": "WITH SPACE", `a"b`: `A"B`, "1st": "1ST", "a.b": "A.B",
		"current_date": "CURRENT_DATE_", "Current_Time": "CURRENT_TIME_", "CURRENT_TIMESTAMP": "CURRENT_TIMESTAMP_", "current_user": "CURRENT_USER_",
		"localtime": "LOCALTIME_", "localtimestamp": "LOCALTIMESTAMP_", "constraint": "CONSTRAINT", "select": "SELECT",
		long: long, "\ufffd": "\ufffd", " ": " ", "line\nbreak": "LINE\nBREAK",
	} {
		if got, ok := ColumnName(key); got != want || !ok {
			t.Errorf("%q has column %q, %t; want %q", key, got, ok, want)
		}
	}
	for _, key := range []string{"", "_rescued", "_Rescued", "kinesisMetadata", "KINESISMETADATA", "a\x00", "\xed\xa0\x80", "\xff"} {
		if got, ok := ColumnName(key); ok || got != "" {
			t.Errorf("%q has column %q", key, got)
		}
	}
}

func TestLongNamesAreCutWithHash(t *testing.T) {
	const want = "_7E34E71002777AFE"
	a, _ := ColumnName(strings.Repeat("x", 256))
	b, _ := ColumnName(strings.Repeat("x", 257))
	c, _ := ColumnName(strings.Repeat("X", 256))
	if a == b || a != c || len(a) != MaxNameLength || !strings.HasPrefix(a, strings.Repeat("X", 238)+"_") {
		t.Errorf("%q\n%q\n%q", a, b, c)
	}
	if got := a[238:]; got != want {
		t.Errorf("hash %s, want %s: workers of two versions would disagree", got, want)
	}
}

func checkName(t interface{ Fatalf(string, ...any) }, key string) {
	name, ok := ColumnName(key)
	if again, ok2 := ColumnName(key); again != name || ok2 != ok {
		t.Fatalf("%q is not a function of the key", key)
	}
	if !ok {
		if upper := strings.ToUpper(key); key != "" && upper != RescuedColumn && upper != MetadataColumn && utf8.ValidString(key) && !strings.Contains(key, "\x00") {
			t.Fatalf("%q has no column", key)
		}
		return
	}
	if name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > 255 || strings.Contains(name, "\x00") {
		t.Fatalf("%q has column %q", key, name)
	}
	swap := func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 32
		case 'A' <= r && r <= 'Z':
			return r + 32
		}
		return r
	}
	if other, _ := ColumnName(strings.Map(swap, key)); other != name {
		t.Fatalf("%q has column %q, and %q in the other case", key, name, other)
	}
	if again, ok := ColumnName(name); again != name || !ok {
		t.Fatalf("column %q of %q is not its own name but %q", name, key, again)
	}
}

func TestColumnNameProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.OneOf(rapid.String(), rapid.StringN(250, 300, -1), rapid.SampledFrom(keyPool), rapid.StringN(0, 3, -1)).Draw(t, "key")
		checkName(t, key)
	})
}

func FuzzColumnName(f *testing.F) {
	for _, key := range append(keyPool, "K\u212a", "\u0130", strings.Repeat("é", 256), "ſ") {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) { checkName(t, key) })
}

func TestQuoting(t *testing.T) {
	if got := Qualified("RAW", `my "schema"`, "ORDERS$OFFSETS"); got != `"RAW"."my ""schema"""."ORDERS$OFFSETS"` {
		t.Error(got)
	}
	if got := Literal("it's a \\ and\nmore"); got != `'it''s a \\ and\nmore'` {
		t.Error(got)
	}
	if got := TableName("my-stream.v2_é"); got != "MY-STREAM.V2_é" {
		t.Error(got)
	}
}
