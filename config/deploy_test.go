package config

import (
	"errors"
	"io"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// manifest is what of a Kubernetes object has to agree with the pipeline file within it.
type manifest struct {
	Kind string            `yaml:"kind"`
	Data map[string]string `yaml:"data"`
	Spec struct {
		Template struct {
			Spec struct {
				Grace int `yaml:"terminationGracePeriodSeconds"`
			} `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

func TestKubernetesManifestHoldsAGoodPipeline(t *testing.T) {
	file, err := os.Open("../deploy/kubernetes/kinesis-snowflake.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	objects := map[string]manifest{}
	for decoder := yaml.NewDecoder(file); ; {
		var m manifest
		if err := decoder.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		objects[m.Kind] = m
	}
	text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(objects["ConfigMap"].Data["pipeline.yaml"], "filled-in")
	key := func(string) ([]byte, error) { return []byte(somePrivateKey(t)), nil }
	p, d := parse("pipeline.yaml", []byte(text), vars(), key)
	if len(d.errs) > 0 {
		t.Fatal(d.errs)
	}
	if grace := time.Duration(objects["Deployment"].Spec.Template.Spec.Grace) * time.Second; grace <= p.ShutdownTimeout {
		t.Errorf("the pod is killed after %s, and needs %s to stop", grace, p.ShutdownTimeout)
	}
	if p.Telemetry.Listen != "0.0.0.0:9090" {
		t.Errorf("the probes cannot reach %s", p.Telemetry.Listen)
	}
}
