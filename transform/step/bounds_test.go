package step_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/jsonscan"
	"kinesis-snowflake/transform/step"
)

// No record makes steps take memory without end: each of these would be terabytes. What does not fit fails, alone.
func TestStepsDoNotGrowWithoutEnd(tt *testing.T) {
	long := strings.Repeat("k", 1<<20)
	many := func(element string) string { return "[" + strings.Repeat(element+",", 1<<20) + element + "]" }
	for name, c := range map[string]struct {
		record string
		step   step.Config
		want   string
	}{
		"the long key of many members": {
			`{"` + long + `":{` + strings.Repeat(`"a":1,`, 60_000) + `"z":1}}`, step.Config{Name: "flatten"},
			"! 0 step 1, flatten: " + long[:100] + "... makes more than 128 MiB of the row",
		},
		"a long value in many places": {
			`{"v":"` + long + `","l":` + many("{}") + `}`, step.Config{Name: "set", Pairs: pairs("l[*].v", "v")},
			"! 0 step 1, set: l[*].v makes more than 128 MiB of the row",
		},
		"many digests, kept": {`{"l":` + many("1,1") + `}`, step.Config{Name: "hash", Paths: texts("l[*]"), OnError: step.Keep}, `{"l":` + many("1,1") + `}`},
		"many digests, null": {`{"l":` + many("1,1") + `}`, step.Config{Name: "hash", Paths: texts("l[*]"), OnError: step.Null}, `{"l":` + many("null,null") + `}`},
	} {
		if got := strings.Join(outcome(tt, compile(tt, c.step), c.record), "\n"); got != c.want {
			tt.Errorf("%s: got %.200q, want %.200q", name, got, c.want)
		}
	}
}

// What one record took does not stay allocated after it.
func TestAHugeRecordLeavesNothing(tt *testing.T) {
	const n = 200_000
	x := compile(tt, step.Config{Name: "flatten"}).Runner()
	var s jsonscan.Scanner
	run := func(data string) {
		fields, err := s.Object([]byte(data), nil)
		if err != nil {
			tt.Fatal(err)
		}
		err = x.Run(&row.Row{Fields: fields}, func(*row.Row) error { return nil }, func(_ uint32, f *row.Failure) { tt.Error(f.Reason) })
		if err != nil {
			tt.Fatal(err)
		}
	}
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	run(`{"o":{"a":1}` + strings.Repeat(`,"b":1`, n) + `}`)
	if grown := heap() - before; grown > 4<<20 {
		tt.Errorf("%d bytes are held after a record of %d fields", grown, n)
	}
	runtime.KeepAlive(x)
}

// A pattern of many states costs more a byte; all evaluations for a document are bounded together, too.
func TestWorkIsCountedAsItCosts(tt *testing.T) {
	set := func(expr string) step.Config { return step.Config{Name: "set", Pairs: pairs("v", expr)} }
	text := `{"t":"` + strings.Repeat("x", 100_000) + `"}`
	for expr, want := range map[string]bool{`t matches "(x{1,500}){1,2}y"`: false, `t matches "^[a-z]+y$"`: true, `t matches "^(a|b|xx|[0-9]{2})+$"`: true} {
		got := outcome(tt, compile(tt, set(expr)), text)
		if ok := !strings.HasPrefix(got[0], "!"); ok != want || !ok && !strings.Contains(got[0], "takes too long") {
			tt.Errorf("%s: %.100q", expr, got)
		}
	}
	record := fmt.Sprintf(`{"i":[1%s],"t":"%s"}`, strings.Repeat(",1", 19_999), strings.Repeat("x", 8<<10))
	got := outcome(tt, compile(tt, step.Config{Name: "unnest", Paths: texts("i")}, set(`count(1..500, t contains "y")`), step.Config{Name: "keep", Paths: texts("i", "v")}), record)
	rows := 0
	for _, g := range got {
		if !strings.HasPrefix(g, "!") {
			rows++
		}
	}
	if len(got) != 20_000 || rows < 500 || rows > 2000 {
		tt.Errorf("%d rows of %d: %.200s", rows, len(got), got[0])
	}
}
