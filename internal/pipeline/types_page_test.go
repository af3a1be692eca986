package pipeline_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"kinesis-snowflake/config"
	"kinesis-snowflake/sink/table"
)

// typesPage is docs/types.md, whose tables are the cases of the tests. In it, code stands for itself, but
// ⟨300 × k⟩, which is 300 times k.
const typesPage = "../../docs/types.md"

// pageTables returns the rows of the tables of the page with exactly this header; their cells as Markdown.
func pageTables(t *testing.T, header ...string) (rows [][]string) {
	t.Helper()
	inTable := false
	for n, line := range strings.Split(string(typesFile(t, typesPage)), "\n") {
		if !strings.HasPrefix(line, "|") {
			inTable = false
			continue
		}
		cells := pageCells(line)
		switch {
		case strings.Join(cells, "|") == strings.Join(header, "|"):
			inTable = true
		case !inTable || strings.Trim(line, "|-") == "":
		case len(cells) != len(header):
			t.Fatalf("%s:%d: %d cells, want %d", typesPage, n+1, len(cells), len(header))
		default:
			rows = append(rows, cells)
		}
	}
	if len(rows) == 0 {
		t.Fatalf("%s has no table %q", typesPage, header)
	}
	return rows
}

// pageCells splits a table's line where a bar is not escaped, as GitHub does even within code.
func pageCells(line string) (cells []string) {
	const bar = "\x00"
	line = strings.ReplaceAll(strings.TrimSpace(line), `\|`, bar)
	for _, c := range strings.Split(strings.Trim(line, "|"), "|") {
		cells = append(cells, strings.ReplaceAll(strings.TrimSpace(c), bar, "|"))
	}
	return cells
}

// pageCode is a piece of code in a cell, and the words before it.
type pageCode struct{ before, code string }

// pageSpans returns the code of a cell.
func pageSpans(t *testing.T, cell string) (spans []pageCode) {
	t.Helper()
	for cell != "" {
		start := strings.IndexByte(cell, '`')
		if start < 0 {
			break
		}
		rest := strings.TrimLeft(cell[start:], "`")
		fence := cell[start : len(cell)-len(rest)]
		code, after, ok := strings.Cut(rest, fence)
		if !ok {
			t.Fatalf("%s: %s does not end in %q", typesPage, cell, fence)
		}
		if len(fence) > 1 {
			code = strings.TrimSuffix(strings.TrimPrefix(code, " "), " ")
		}
		spans = append(spans, pageCode{cell[:start], pageRepeat(code)})
		cell = after
	}
	return spans
}

var pageRepetition = regexp.MustCompile(`⟨([0-9]+) × (.)⟩`)

func pageRepeat(code string) string {
	return pageRepetition.ReplaceAllStringFunc(code, func(s string) string {
		m := pageRepetition.FindStringSubmatch(s)
		n, err := strconv.Atoi(m[1])
		if err != nil {
			panic(err)
		}
		return strings.Repeat(m[2], n)
	})
}

// pageBatches reads the records of a cell; "then" before a record begins another batch.
func pageBatches(t *testing.T, cell string) (batches [][][]byte) {
	t.Helper()
	for i, s := range pageSpans(t, cell) {
		if i == 0 || strings.Contains(s.before, "then") {
			batches = append(batches, nil)
		}
		last := &batches[len(batches)-1]
		*last = append(*last, []byte(s.code))
	}
	return batches
}

// pageTransform reads what a cell says of transform, as the pipeline file says it.
func pageTransform(t *testing.T, cell string) table.Config {
	t.Helper()
	p, err := config.Parse("p.yaml", []byte(`
source: {stream: records, region: eu-central-1, application: app}
sink: {account: testaccount, user: loader, password: secret, warehouse: WH, database: RAW, schema: KINESIS}
transform: `+pageSpans(t, cell)[0].code), nil)
	if err != nil {
		t.Fatal(err)
	}
	return p.Transform.Table()
}

// pageShort makes a long text fit for a message.
func pageShort(s string) string {
	if len(s) > 300 {
		return fmt.Sprintf("%s... (%d bytes)", s[:300], len(s))
	}
	return s
}
