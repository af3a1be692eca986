package pipeline_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/sink/table"
)

// TestTypesPageTransform runs the rows of the page for what a pipeline file says of a new table.
func TestTypesPageTransform(t *testing.T) {
	account := newTypesAccount(t)
	for _, cells := range pageTables(t, "what", "transform", "JSON", "column type", "value in the column", "in _RESCUED") {
		t.Run(cells[0], func(t *testing.T) {
			tb := account.table()
			tb.shape = pageTransform(t, cells[1])
			testPageRow(t, tb, cells[0], cells[2:])
		})
	}
}

// TestTypesPageEvolution runs those for a table that is there.
func TestTypesPageEvolution(t *testing.T) {
	account := newTypesAccount(t)
	for _, cells := range pageTables(t, "what", "transform", "existing column", "JSON", "column then", "value in the column", "in _RESCUED") {
		t.Run(cells[0], func(t *testing.T) {
			tb := account.table()
			tb.shape = pageTransform(t, cells[1])
			account.mustExec(t, "CREATE TABLE "+table.Qualified("RAW", "KINESIS", tb.name)+` ("V" `+pageSpans(t, cells[2])[0].code+`)`)
			testPageRow(t, tb, cells[0], cells[3:])
		})
	}
}

// TestTypesPageMust runs those for values that must be there.
func TestTypesPageMust(t *testing.T) {
	account := newTypesAccount(t)
	for _, cells := range pageTables(t, "what", "transform", "JSON", "failed message") {
		t.Run(cells[0], func(t *testing.T) {
			tb := account.table()
			tb.shape, tb.failed = pageTransform(t, cells[1]), map[string]string{}
			loadInTurn(t, tb, pageBatches(t, cells[2]))
			want := map[string]string{}
			for i, s := range pageSpans(t, cells[3]) {
				if s.code != "none" {
					want[strconv.Itoa(i+1)] = s.code
				}
			}
			if diff := cmp.Diff(want, tb.failed); diff != "" {
				t.Errorf("failed messages (-want +got)\n%s", diff)
			}
			tb.read(t)
		})
	}
}
