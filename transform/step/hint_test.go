package step_test

import (
	"slices"
	"testing"

	"kinesis-snowflake/transform/step"
)

// A column's type comes from what its key holds after the steps.
func TestHintsFollowTheirValues(tt *testing.T) {
	known := []step.Hint{{Key: "a", Type: "NUMBER(38,0)"}, {Key: "b", Type: "VARCHAR(3)"}}
	a, b := step.Hint{Key: "a", Type: "NUMBER(38,0)", Before: 0}, step.Hint{Key: "b", Type: "VARCHAR(3)", Before: 1}
	for _, c := range []struct {
		step step.Config
		want []step.Hint
	}{
		{step.Config{Name: "rename", Pairs: pairs("a", "c")}, []step.Hint{b, {Key: "c", Type: "NUMBER(38,0)", Before: 0}}},
		{step.Config{Name: "rename", Pairs: pairs("a", "b")}, []step.Hint{{Key: "b", Type: "NUMBER(38,0)", Before: 0}}},
		{step.Config{Name: "rename", Pairs: pairs("x", "b")}, []step.Hint{a}},
		{step.Config{Name: "rename", Pairs: pairs("x.y", "b")}, []step.Hint{a}},
		{step.Config{Name: "rename", Pairs: pairs("a", "x.y")}, []step.Hint{b}},
		{step.Config{Name: "unnest", Paths: texts("x"), As: t("a"), Index: t("b")}, nil},
		{step.Config{Name: "cast", Pairs: pairs("b", "DATE", "a.x", "DATE")}, []step.Hint{a, {Key: "b", Type: "DATE", Before: -1}}},
		{step.Config{Name: "cast", Pairs: pairs("a", "timestamp_ntz( 3 )", "b", "ARRAY")}, []step.Hint{{Key: "a", Type: "TIMESTAMP_NTZ(3)", Before: -1}, {Key: "b", Type: "ARRAY", Before: -1}}},
		{step.Config{Name: "hash", Paths: texts("a")}, []step.Hint{b}},
		{step.Config{Name: "keep", Paths: texts("b")}, []step.Hint{b}},
	} {
		if got := compile(tt, c.step).Hints(known); !slices.Equal(got, c.want) {
			tt.Errorf("%s %v: got %v, want %v", c.step.Name, c.step.Pairs, got, c.want)
		}
	}
}
