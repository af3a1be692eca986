package step_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/transform/step"
)

// What a step names is looked for in what the steps before it leave, and watching changes nothing of what they do.
func TestWatched(tb *testing.T) {
	p, err := step.Compile([]step.Config{
		{Name: step.NameRename, Pairs: pairs("mail", "contact.mail", "phone", "contact.phone")},
		{Name: step.NameHash, Paths: texts("contact.mail", "contact.email", "list[*].x", "list[*].y", "list[-1]", "list[2]", `"odd key"`, "none")},
		{Name: step.NameSet, Pairs: pairs("made.here", `[contact.mail, $env["odd key"], custom.er]`)},
		{Name: step.NameDrop, Paths: texts("made.here", "mail")},
		{Name: step.NameUnnest, Paths: texts("list"), As: t("item")},
		{Name: step.NameCast, OnError: step.Keep, Pairs: pairs("item.x", "NUMBER", "list", "NUMBER")},
		{Name: step.NameFilter, Expression: t("item.x == 0 and any(tags, # == 1)")},
		{Name: step.NameHash, Paths: texts("never looked for")},
	})
	if err != nil {
		tb.Fatal(err)
	}
	const record = `{"mail":"a","list":[{"x":1},{"x":2}],"none":null,"odd key":"b"}`
	watched, watch := p.Watched()
	if diff := cmp.Diff(outcome(tb, p, record), outcome(tb, watched, record)); diff != "" {
		tb.Errorf("watched it does otherwise (-want +got):\n%s", diff)
	}
	outcome(tb, watched, `{"custom":{}}`)
	var got []string
	for _, u := range watch.Unmet() {
		got = append(got, fmt.Sprintf("%d %s %s %d", u.Step, u.Name, u.Path, u.Rows))
	}
	want := []string{"1 rename phone 2", "2 hash contact.email 2", "2 hash list[*].y 2", "2 hash list[2] 2", "3 set custom.er 2", "4 drop mail 2", "6 cast list 3", "7 filter tags 3"}
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("paths (-want +got):\n%s", diff)
	}
	if p, w := (*step.Program)(nil).Watched(); p != nil || w.Unmet() != nil {
		tb.Error("of no steps")
	}
}
