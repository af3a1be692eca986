package dynamodb

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// An update of numbers and sets behaves as arithmetic on rationals and as set
// union and difference do.
func TestUpdateModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("%de%d", rapid.Int64Range(-999999, 999999).Draw(t, "digits"), rapid.IntRange(-8, 8).Draw(t, "exponent"))
		})
		members := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), 1, 4, rapid.ID)
		sum, set := new(big.Rat), map[string]bool{}
		row := Item{}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			values := wireItem{}
			var text string
			switch verb := rapid.SampledFrom([]string{"set", "plus", "minus", "add", "remove", "union", "difference"}).Draw(t, "verb"); verb {
			case "set", "plus", "minus", "add":
				n := number.Draw(t, "n")
				values[":v"] = wireValue{N: &n}
				r, _ := new(big.Rat).SetString(n)
				switch verb {
				case "set":
					text, sum = "SET n = :v", r
				case "plus":
					text = "SET n = if_not_exists(n, :z) + :v"
					sum = new(big.Rat).Add(sum, r)
				case "minus":
					text = "SET n = if_not_exists(n, :z) - :v"
					sum = new(big.Rat).Sub(sum, r)
				case "add":
					text = "ADD n :v"
					sum = new(big.Rat).Add(sum, r)
				}
				if strings.Contains(text, ":z") {
					zero := "0"
					values[":z"] = wireValue{N: &zero}
				}
			case "remove":
				text, values, sum = "REMOVE n", nil, new(big.Rat)
			case "union", "difference":
				m := members.Draw(t, "members")
				values[":v"] = wireValue{SS: &m}
				text = map[string]string{"union": "ADD s :v", "difference": "DELETE s :v"}[verb]
				for _, e := range m {
					if set[e] = true; verb == "difference" {
						delete(set, e)
					}
				}
			}
			sc, err := newScope(nil, values)
			if err != nil {
				t.Fatal(err)
			}
			actions, err := parseUpdate(text, sc)
			if err != nil {
				t.Fatalf("%s: %s", text, err.Message)
			}
			before := row.clone()
			next, err := applyUpdate(row, actions)
			if err != nil {
				t.Fatalf("%s: %s", text, err.Message)
			}
			if !(Value{Kind: KindM, Map: before}).equal(Value{Kind: KindM, Map: row}) {
				t.Fatalf("%s changed the stored item", text)
			}
			row = next
			got, _ := new(big.Rat).SetString("0" + strings.TrimPrefix(row["n"].Text, "-"))
			if strings.HasPrefix(row["n"].Text, "-") {
				got.Neg(got)
			}
			if got.Cmp(sum) != 0 {
				t.Fatalf("%s: n is %s, want %s", text, row["n"].Text, sum.RatString())
			}
			if want := slices.Sorted(maps.Keys(set)); !slices.Equal(slices.Sorted(slices.Values(row["s"].Set)), want) || row["s"].exists() != (len(want) > 0) {
				t.Fatalf("%s: s is %v, want %v", text, row["s"], want)
			}
		}
	})
}

// Whatever the text, the parsers answer with a tree or a ValidationException,
// and a tree can be evaluated.
func FuzzExpression(f *testing.F) {
	for _, s := range []string{
		"leaseCounter = :c AND attribute_not_exists(checkpointOwner)", "NOT (a = :c OR size(b) > :c) AND #n IN (:c, :s)", "a BETWEEN :c AND :c",
		"SET a = if_not_exists(a, :c) + :c, l[0] = :s REMOVE b, m.x[1] ADD n :c DELETE ss :set", "SET l = list_append(l, :l)", "a.b[0].#n, c", "((((", "a = ", "[[", ":", "#",
	} {
		f.Add(s)
	}
	one, text, members := "1", "x", []string{"x"}
	values := wireItem{":c": {N: &one}, ":s": {S: &text}, ":set": {SS: &members}, ":l": {L: &[]wireValue{{S: &text}}}}
	row := Item{"a": N("1"), "b": S("y"), "l": {Kind: KindL, List: []Value{N("1")}}, "m": {Kind: KindM, Map: Item{"x": {Kind: KindL, List: []Value{S("q")}}}}, "ss": {Kind: KindSS, Set: []string{"x"}}}
	f.Fuzz(func(t *testing.T, s string) {
		sc, err := newScope(map[string]string{"#n": "name"}, values)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := parseCondition("ConditionExpression", s, sc); err == nil {
			c.holds(row)
			c.holds(nil)
		}
		if actions, err := parseUpdate(s, sc); err == nil {
			before := row.clone()
			if after, err := applyUpdate(row, actions); err == nil && after.size() < 0 {
				t.Fatal("size is negative")
			}
			if !(Value{Kind: KindM, Map: before}).equal(Value{Kind: KindM, Map: row}) {
				t.Fatal("the stored item was changed")
			}
		}
		if paths, err := parseProjection(s, sc); err == nil {
			project(row, paths)
		}
	})
}

// A number's text is normalised: reading it again gives the same text.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"1", "-0.50", "1e125", "-1E-130", "+.5", "00", "1e99999999999", "--1", "1e+-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := parseNumber(s)
		if err != nil {
			return
		}
		again, err := parseNumber(n.String())
		if err != nil || again.String() != n.String() || again.cmp(n) != 0 {
			t.Fatalf("%q is read as %s and then as %s: %v", s, n, again, err)
		}
		if want, ok := new(big.Rat).SetString(s); ok {
			if got, _ := new(big.Rat).SetString(n.String()); got.Cmp(want) != 0 {
				t.Fatalf("%q is read as %s", s, n)
			}
		}
	})
}
