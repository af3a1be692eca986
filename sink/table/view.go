package table

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// viewMark is what the comment of a view of this program's holds before the hash of its definition.
const viewMark = "kept by kinesis-snowflake, definition "

// View is a view as it is to be.
type View struct {
	Create  string // the statement
	Comment string // tells the definition from others
}

// OwnView reports whether a view's comment is one that [Latest] writes.
func OwnView(comment string) bool { return strings.Contains(comment, viewMark) }

// Latest returns the view that shows the newest row of each key, by a table's columns. keys are those of records. A row
// that lacks a part of its key is like no other, and is shown. It returns false as long as a key has no column.
//
// The columns are listed, because a view of * keeps those of its creation and fails once the table has more; for the same
// reason the view is to be made again whenever the table's columns or their types are others. Newer is what has the
// greater sequence number, which is compared as a number by its text of equal length: it grows within a shard, and
// from a shard to those that it was split or merged into.
func Latest(config *Config, view, target string, columns []Column, keys []string) (View, bool) {
	var parts, names, nulls []string
	w := newWants(config)
	has := func(name string) bool {
		for i := range columns {
			if columns[i].Name == name {
				return true
			}
		}
		return false
	}
	for _, key := range keys {
		part, column := "", RecordColumn
		if config.Variant {
			part = "GET(" + Quote(RecordColumn) + ", " + Literal(key) + ")::VARCHAR"
		} else {
			column, _ = w.column(key)
			part = Quote(column)
		}
		if !has(column) {
			return View{}, false
		}
		parts, names, nulls = append(parts, part), append(names, key), append(nulls, part+" IS NULL")
	}
	list := make([]string, len(columns))
	hash := sha256.New()
	for i := range columns {
		list[i] = Quote(columns[i].Name)
		hash.Write([]byte(list[i] + " " + columns[i].Type.String() + "\n"))
	}
	metadata := func(field, as string) string {
		return "GET(" + Quote(MetadataColumn) + ", " + Literal(field) + ")::" + as
	}
	query := "SELECT " + strings.Join(list, ", ") + " FROM " + target +
		" QUALIFY " + strings.Join(nulls, " OR ") + " OR ROW_NUMBER() OVER (PARTITION BY " + strings.Join(parts, ", ") +
		" ORDER BY LPAD(" + metadata("sequenceNumber", "VARCHAR") + ", 60, '0') DESC NULLS LAST, " +
		metadata("subSequenceNumber", "NUMBER(38,0)") + " DESC NULLS LAST, " + metadata("row", "NUMBER(38,0)") + " DESC NULLS LAST) = 1"
	hash.Write([]byte(query))
	v := View{Comment: "newest row of each " + strings.Join(names, ", ") + "; " + viewMark + hex.EncodeToString(hash.Sum(nil)[:8])}
	v.Create = "CREATE OR REPLACE VIEW " + view + " (" + strings.Join(list, ", ") + ") COPY GRANTS COMMENT = " + Literal(v.Comment) + " AS " + query
	return v, true
}
