package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kinesis-snowflake/config"
)

// Where messages must not reach the log, no part of a value may stand in a reason either: of whatever stage, and whether the
// message failed or was loaded with a warning.
func TestNoValueReachesTheLog(t *testing.T) {
	const canary = "Canary"
	const schema = `{"type":"object","required":["id"],"properties":{"id":{"type":["integer","string"],"maxLength":20},"at":{"format":"date-time"},"mail":{"pattern":"^x"},
		"kind":{"enum":["a"]},"const":{"const":1},"n":{"multipleOf":7},"least":{"minimum":10},"list":{"uniqueItems":true},"odd":false,"number":{"type":"number"},
		"more":{"type":"object","additionalProperties":false}}}`
	docs := []string{
		canary, `{"id":` + canary + `}`, `{"id":"` + canary, `"` + canary + `"`, `["` + canary + `"]`, // decode and shape
		`{"name":"` + canary + `"}`, `{"id":"` + canary + `01234567890123456789"}`, `{"id":["` + canary + `"]}`, `{"id":1,"at":"` + canary + `"}`,
		`{"id":1,"at":"is not valid ` + canary + `"}`, `{"id":1,"mail":"` + canary + `"}`, `{"id":1,"kind":"` + canary + `"}`, `{"id":1,"const":"` + canary + `"}`,
		`{"id":1,"n":4242421}`, `{"id":1,"n":1e4242420}`, `{"id":1,"least":-424242}`, `{"id":1,"list":["` + canary + `","` + canary + `"]}`,
		`{"id":1,"odd":"` + canary + `"}`, `{"id":1,"number":"` + canary + `"}`, `{"id":1,"more":{"key":"` + canary + `"}}`,
		`{"id":1,"text":"{\"a\":` + canary + `}"}`, `{"id":1,"count":"` + canary + `"}`, `{"id":1,"day":"` + canary + `"}`, `{"id":1,"left":"` + canary + `"}`,
	}
	for _, mode := range []config.SchemaMode{config.SchemaReject, config.SchemaWarn} {
		for _, payload := range []config.PayloadLog{config.PayloadNone, config.PayloadCut} {
			t.Run(fmt.Sprint(mode, " ", payload), func(t *testing.T) {
				transform := shaped(t, `
transform:
  json_schema: schema.json
  steps:
    - parse_json: text
    - cast: {count: NUMBER, day: DATE}
    - set: {right: left * 2}
`)
				if err := os.WriteFile(transform.JSONSchema, []byte(schema), 0o600); err != nil {
					t.Fatal(filepath.Dir(transform.JSONSchema), err)
				}
				transform.SchemaMode = mode
				inStack(t, 1, func(t *testing.T, s *stack) {
					s.putAll(docs...)
					cfg := s.config("worker")
					cfg.Transform, cfg.FailedMessages.Payload = transform, payload
					run := s.start(cfg, true)
					run.end(t)
					failed := append(run.log.lines(t, "message failed", "stage", "reason"), run.log.lines(t, "message violates", "stage", "reason")...)
					if len(failed) < 15 {
						t.Errorf("only %d failed: %q", len(failed), failed)
					}
					text := strings.Join(failed, "\n")
					quoted := strings.Contains(text, canary) || strings.Contains(text, "4242")
					if want := payload != config.PayloadNone; quoted != want {
						t.Errorf("a value is quoted: %t, want %t:\n%s", quoted, want, text)
					}
				})
			})
		}
	}
}
