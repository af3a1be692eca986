package jsonscan_test

import (
	"encoding/json"
	"testing"

	"kinesis-snowflake/transform/jsonscan"
)

func TestAppendText(t *testing.T) {
	for _, raw := range []string{
		``, `plain`, `a\"b\\c\/d\b\f\n\r\t`, `\u0041\u00e4\u20ac`, `\ud83d\ude00`, `\uD83D`, `\ude00`, `\ud83d\u0041`, `\ud83dx`, `\ud83d\n`, `\ud83d\ud83d\ude00`, `\u0000`, `é\u00e9`,
	} {
		var want string
		if err := json.Unmarshal([]byte(`"`+raw+`"`), &want); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if got := string(jsonscan.AppendText([]byte("x"), []byte(raw))); got != "x"+want {
			t.Errorf("%s: %q, want %q", raw, got, "x"+want)
		}
	}
}
