package source

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// An instance's metadata service without sessions makes the SDK say so. That is a line of the program's log, in its form.
func TestTheSDKSpeaksThroughTheLog(t *testing.T) {
	bare(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := strings.TrimPrefix(r.URL.Path, "/latest/meta-data/iam/security-credentials/"); {
		case r.Method == http.MethodPut:
			w.WriteHeader(http.StatusMethodNotAllowed)
		case path == "":
			fmt.Fprint(w, "loader")
		default:
			fmt.Fprintf(w, `{"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIAOLD", "SecretAccessKey": "s", "Token": "t", "Expiration": %q}`,
				time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.URL)
	var log strings.Builder
	got, err := prepared(t, func(o *Options) {
		o.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	})
	if err != nil || got.key != "ASIAOLD" {
		t.Fatalf("%+v, %v", got, err)
	}
	var line struct{ Level, Msg string }
	if err := json.Unmarshal([]byte(log.String()), &line); err != nil || line.Level != "WARN" || !strings.HasPrefix(line.Msg, "the AWS SDK says: falling back to IMDSv1: ") {
		t.Errorf("%v, log %s", err, log.String())
	}
}
