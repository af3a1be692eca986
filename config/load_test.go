package config

import (
	"errors"
	"strings"
	"testing"
)

func TestPipelinesOfOneProcessKeepApart(t *testing.T) {
	other := with(t, "stream: orders", "stream: other", "orders-to-snowflake", "other-to-snowflake")
	for name, tt := range map[string]struct{ second, want string }{
		"apart":                         {other, ""},
		"same table elsewhere":          {strings.Replace(other, "RAW", "RAW2", 1) + "  table: ORDERS\n", ""},
		"same application elsewhere":    {strings.Replace(with(t, "stream: orders", "stream: other"), "eu-central-1", "us-east-1", 1), ""},
		"table in another case":         {other + "  table: orders\n", ""},
		"listeners apart":               {other + "telemetry: {listen: '127.0.0.2:9090'}\n", ""},
		"any port everywhere":           {other + "telemetry: {listen: ':0'}\n", ""},
		"no listener":                   {other + "telemetry: {listen: off}\n", ""},
		"listener everywhere":           {other + "telemetry: {listen: '0.0.0.0:9090'}\n", "b.yaml:12:13: telemetry.listen: has the port of another address in "},
		"same application":              {with(t, "stream: orders", "stream: other"), "b.yaml:4:3: source.application: is the same as in "},
		"same table":                    {other + "  table: ORDERS\n", "b.yaml:12:3: sink.table: is the same as in "},
		"same table by default":         {with(t, "stream: orders", "stream: Orders", "orders-to-snowflake", "other"), "b.yaml:5:1: sink.table: is the same as in "},
		"same table, account otherwise": {strings.Replace(other, "myorg-", "MYORG-", 1) + "  table: ORDERS\n", "b.yaml:12:3: sink.table"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{"a.yaml": minimal, "b.yaml": tt.second})
			got, err := Load(dir+"/a.yaml", dir+"/b.yaml")
			switch {
			case tt.want == "":
				if err != nil || len(got) != 2 || got[0].Source.Stream != "orders" || got[1].File != dir+"/b.yaml" {
					t.Errorf("got %v, %v", got, err)
				}
			case err == nil || !strings.Contains(err.Error(), tt.want):
				t.Errorf("got %v, want ... %s", err, tt.want)
			}
		})
	}
}

func TestLoadReportsEveryFile(t *testing.T) {
	dir := folder(t, map[string]string{"a.yaml": minimal + "memory: 1\n", "b.yaml": with(t, "LOADER", "''") + "x: 1\n"})
	_, err := Load(dir+"/none.yaml", dir+"/a.yaml", dir+"/b.yaml")
	var errs Errors
	if !errors.As(err, &errs) || len(errs) != 4 {
		t.Fatalf("got %v", err)
	}
	for i, want := range []string{"/none.yaml: cannot be read: no such file or directory", "/a.yaml:12:9: memory", "/b.yaml:7:3: sink.user", "/b.yaml:12:1: x"} {
		if !strings.Contains(errs[i].Error(), want) {
			t.Errorf("got %s, want ... %s", errs[i], want)
		}
	}
}

func TestLoadReadsTheEnvironment(t *testing.T) {
	t.Setenv("SNOWFLAKE_PASSWORD", "from the environment")
	dir := folder(t, map[string]string{"a.yaml": with(t, "hunter2", "${SNOWFLAKE_PASSWORD}")})
	got, err := Load(dir + "/a.yaml")
	if err != nil || got[0].Sink.Password.Reveal() != "from the environment" {
		t.Errorf("got %v, %v", got, err)
	}
}
