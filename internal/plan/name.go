package plan

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"kinesis-snowflake/sink/table"
)

var unquoted = regexp.MustCompile(`^[A-Z_][A-Z0-9_$]*$`)

// reserved are the words that cannot stand for a column without quotes: Snowflake's documentation, "Reserved & limited keywords". The
// names that it refuses even in quotes are none of them, nor are those that are reserved for tables only.
var reserved = strings.Fields(`
ALL ALTER AND ANY AS BETWEEN BY CASE CAST CHECK COLUMN CONNECT CONSTRAINT CREATE CURRENT DELETE DISTINCT DROP ELSE EXISTS FALSE FOLLOWING FOR FROM
GRANT GROUP HAVING ILIKE IN INCREMENT INSERT INTERSECT INTO IS LIKE MINUS NOT NULL OF ON OR ORDER QUALIFY REGEXP REVOKE RLIKE ROW ROWS SAMPLE SELECT
SET SOME START TABLE TABLESAMPLE THEN TO TRIGGER TRUE TRY_CAST UNION UNIQUE UPDATE VALUES WHEN WHENEVER WHERE WINDOW WITH`)

// plain reports whether a column's name stands in SQL without quotes.
func plain(name string) bool { return unquoted.MatchString(name) && !slices.Contains(reserved, name) }

// names lists the keys whose columns are called otherwise, or need quotes.
func (a *analysis) names() []Name {
	all := []Name{}
	first := map[string]string{} // by column: the first key that has it
	for _, key := range a.order {
		n := a.naming[key]
		name := Name{Key: key, Column: n.column}
		other, shared := first[n.column]
		switch {
		case !n.ok:
			name.Why = WhyNone
		case shared:
			name.Why, name.With = WhyShared, other
		case a.named(key):
			name.Why = WhyPinned
		case utf8.RuneCountInString(key) > table.MaxNameLength:
			name.Why = WhyCut
		case table.FoldKey(key) != n.column:
			name.Why = WhyReserved
		case !plain(n.column):
			name.Why = WhyQuotes
		case key != n.column:
			name.Why = WhyCase
		}
		if n.ok && !shared {
			first[n.column] = key
		}
		if name.Why != "" {
			all = append(all, name)
		}
	}
	return all
}

// named reports whether a pin names the key's column.
func (a *analysis) named(key string) bool {
	return slices.ContainsFunc(a.target.config.Pins, func(s table.Spec) bool {
		return s.Name != "" && table.FoldKey(s.Key) == table.FoldKey(key)
	})
}

// lostCase reports whether words of a key run together in upper case.
func lostCase(key string) bool { return strings.ToLower(key) != key && strings.ToUpper(key) != key }
