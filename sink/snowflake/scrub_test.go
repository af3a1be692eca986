package snowflake

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	sf "github.com/snowflakedb/gosnowflake/v2"
)

func TestErrorsOfATransferShowNoSignedURL(t *testing.T) {
	for _, at := range []string{
		"https://x.blob.core.windows.net/stage/f?sv=2024-08-04&sig=AbCd%2Fsecret%2BvalueXYZ%3D&se=2026-01-01",
		"https://x.s3.amazonaws.com/f?X-Amz-Credential=AKIAsecret%2F20260101&X-Amz-Security-Token=FwoGsecret&X-Amz-Signature=0secret9",
		"https://storage.googleapis.com/f?X-Goog-Credential=me%40secret&X-Goog-Signature=0secret9",
		"https://storage.googleapis.com/f?GoogleAccessId=me&Signature=se%2Fsecret%3D",
		"https://x.blob.core.windows.net/stage/f?sig****AbCd%2Fsecret", // as the driver masks it
	} {
		cut := &url.Error{Op: "Put", URL: at, Err: errors.New("connection reset by peer")}
		for _, err := range []error{cut, fmt.Errorf("upload: %w", cut), &sf.SnowflakeError{Number: 264003, Message: cut.Error()}} {
			text := fmt.Errorf("load: %w", classify("PUT 'file:///f' '@s'", err)).Error()
			if strings.Contains(strings.ReplaceAll(text, "<secret>", ""), "secret") {
				t.Errorf("%s", text)
			}
			if !strings.Contains(text, "connection reset by peer") {
				t.Errorf("the cause is gone: %s", text)
			}
		}
		var out bytes.Buffer
		line := driverLog{slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))}
		line.Errorf("failed: %v", cut)
		if strings.Contains(strings.ReplaceAll(out.String(), "<secret>", ""), "secret") {
			t.Errorf("%s", out.String())
		}
	}
}
