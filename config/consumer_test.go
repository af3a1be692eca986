package config

import (
	"strings"
	"testing"
)

func TestConsumersOfOneStreamKeepApart(t *testing.T) {
	fanOut := func(name, application, table string) string {
		return with(t, "source:", "source:\n  consumer: fan-out\n  consumer_name: "+name, "orders-to-snowflake", application) + "  table: " + table + "\n"
	}
	for name, tt := range map[string]struct{ first, second, want string }{
		"apart":       {fanOut("one", "a-1", "A"), fanOut("two", "b-1", "B"), ""},
		"the same":    {fanOut("one", "a-1", "A"), fanOut("one", "b-1", "B"), "b.yaml:3:3: source.consumer_name: is the same as in "},
		"by default":  {fanOut("''", "one", "A"), fanOut("one", "b-1", "B"), "b.yaml:3:3: source.consumer_name: is the same as in "},
		"one polling": {fanOut("one", "a-1", "A"), strings.Replace(fanOut("one", "b-1", "B"), "fan-out", "polling", 1), ""},
		"elsewhere":   {fanOut("one", "a-1", "A"), strings.Replace(fanOut("one", "b-1", "B"), "stream: orders", "stream: other", 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{"a.yaml": tt.first, "b.yaml": tt.second})
			switch _, err := Load(dir+"/a.yaml", dir+"/b.yaml"); {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want ... %s", err, tt.want)
			}
		})
	}
}
