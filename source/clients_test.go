package source

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/internal/standin/kinesis"
)

func TestCertificatesOfAWSCABundle(t *testing.T) {
	server := kinesis.New(kinesis.Options{})
	if err := server.CreateStream(stream, 1); err != nil {
		t.Fatal(err)
	}
	https := httptest.NewTLSServer(server.Handler())
	defer https.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: https.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	s, err := New(Options{Stream: stream, Region: "us-east-1", Application: application, AccessKeyID: "key", SecretAccessKey: "secret", KinesisEndpoint: https.URL})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := s.Prepare(t.Context()); err != nil || info.Name != stream {
		t.Fatalf("%+v, %v", info, err)
	}
}

func TestOptions(t *testing.T) {
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_REGION", "")
	good := Options{Stream: stream, Region: "eu-central-1", Application: application}
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"no stream":        {func(o *Options) { o.Stream = "" }, "stream"},
		"no application":   {func(o *Options) { o.Application = "" }, "application"},
		"no region":        {func(o *Options) { o.Region = "" }, "source.region"},
		"fast poll":        {func(o *Options) { o.PollInterval = 100 * time.Millisecond }, "200ms"},
		"half credentials": {func(o *Options) { o.AccessKeyID = "key" }, "go together"},
		"ARN of a consumer": {func(o *Options) {
			o.Stream = "arn:aws:kinesis:eu-central-1:123456789012:stream/s/consumer/c:1"
		}, "ARN"},
		"ARN of a table": {func(o *Options) { o.Stream = "arn:aws:dynamodb:eu-central-1:123456789012:table/s" }, "ARN"},
	} {
		o := good
		c.change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", name, err, c.want)
		}
	}

	byName, err := New(good)
	if err != nil {
		t.Fatal(err)
	}
	if got := byName.control.stream; got.Name != stream || got.ARN != "" {
		t.Errorf("called by %+v, want by name", got)
	}
	if o := byName.opt; o.PollInterval != time.Second || o.LeaseDuration != 10*time.Second || o.Start != row.TrimHorizon || o.WorkerID == "" {
		t.Errorf("defaults %+v", o)
	}
	again, err := New(good)
	if err != nil || again.WorkerID() == byName.WorkerID() {
		t.Errorf("two sources have one worker id %s, %v", again.WorkerID(), err)
	}

	o := good
	o.Stream, o.Region = "arn:aws-us-gov:kinesis:us-gov-west-1:123456789012:stream/s", ""
	byARN, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if got := byARN.control; got.stream.ARN != o.Stream || got.client.Options().Region != "us-gov-west-1" {
		t.Errorf("called by %+v in %s", got.stream, got.client.Options().Region)
	}
}
