package duck

import (
	"database/sql/driver"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"kinesis-snowflake/internal/standin/snowflake"
)

// A column lies in one to three columns of its table of rows: store, and for timestamps also store_n (nanoseconds)
// and store_o (the offset in minutes).
type column struct {
	snowflake.Column
	store string
}

// parts names the columns that hold it.
func (c column) parts() []string {
	switch c.Type.Kind {
	case snowflake.KindTimestampNTZ, snowflake.KindTimestampLTZ:
		return []string{c.store, c.store + "_n"}
	case snowflake.KindTimestampTZ:
		return []string{c.store, c.store + "_n", c.store + "_o"}
	default:
		return []string{c.store}
	}
}

func (c column) definitions() []string {
	var types []string
	switch c.Type.Kind {
	case snowflake.KindNumber:
		types = []string{fmt.Sprintf("DECIMAL(38,%d)", c.Type.Scale)}
	case snowflake.KindFloat:
		types = []string{"DOUBLE"} // DuckDB's FLOAT has 32 bits
	case snowflake.KindBoolean:
		types = []string{"BOOLEAN"}
	case snowflake.KindBinary:
		types = []string{"BLOB"}
	case snowflake.KindDate, snowflake.KindTime:
		types = []string{"BIGINT"}
	case snowflake.KindTimestampNTZ, snowflake.KindTimestampLTZ, snowflake.KindTimestampTZ:
		types = []string{"BIGINT", "INTEGER", "SMALLINT"}
	default:
		types = []string{"VARCHAR"}
	}
	parts := c.parts()
	for i := range parts {
		parts[i] += " " + types[i]
	}
	return parts
}

// shown is the column as the view has it.
func (c column) shown() string {
	micros := fmt.Sprintf("(%s * 1000000 + %s_n // 1000)", c.store, c.store)
	switch c.Type.Kind {
	case snowflake.KindVariant, snowflake.KindObject, snowflake.KindArray:
		return c.store + "::JSON"
	case snowflake.KindDate:
		return "(DATE '1970-01-01' + " + c.store + "::INTEGER)"
	case snowflake.KindTime:
		return "(TIME '00:00:00' + to_microseconds(" + c.store + " // 1000))"
	case snowflake.KindTimestampNTZ:
		return "make_timestamp(" + micros + ")"
	case snowflake.KindTimestampLTZ, snowflake.KindTimestampTZ:
		return "make_timestamptz(" + micros + ")"
	default:
		return c.store
	}
}

// store appends to row what the appender takes for v, one entry a part.
func (c column) append(row []driver.Value, v snowflake.Value) ([]driver.Value, error) {
	parts := 1
	switch c.Type.Kind {
	case snowflake.KindTimestampNTZ, snowflake.KindTimestampLTZ:
		parts = 2
	case snowflake.KindTimestampTZ:
		parts = 3
	}
	if v.IsNull() {
		for range parts {
			row = append(row, nil)
		}
		return row, nil
	}
	switch c.Type.Kind {
	case snowflake.KindNumber:
		n, err := unscaled(v.Text, c.Type.Scale)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
		return append(row, n), nil
	case snowflake.KindFloat:
		return append(row, v.Float()), nil
	case snowflake.KindBoolean:
		return append(row, v.Bool()), nil
	case snowflake.KindBinary:
		return append(row, []byte(v.Text)), nil
	case snowflake.KindDate, snowflake.KindTime:
		return append(row, v.Int), nil
	case snowflake.KindTimestampNTZ, snowflake.KindTimestampLTZ, snowflake.KindTimestampTZ:
		row = append(row, v.Int, v.Nanos)
		if parts == 3 {
			row = append(row, v.Offset)
		}
		return row, nil
	default:
		return append(row, v.Text), nil
	}
}

// value is the inverse of append: it takes the column's parts off a row that was read.
func (c column) value(row []any) (v snowflake.Value, rest []any, err error) {
	n := len(c.parts())
	cells, rest := row[:n], row[n:]
	if cells[0] == nil {
		return snowflake.Value{}, rest, nil
	}
	ok := true
	switch x := cells[0].(type) {
	case duckdb.Decimal:
		v = snowflake.NumberValue(decimal(x.Value, int(x.Scale)))
	case float64:
		v = snowflake.FloatValue(x)
	case bool:
		v = snowflake.BoolValue(x)
	case []byte:
		v = snowflake.Value{Kind: snowflake.KindBinary, Text: string(x)}
	case string:
		v = snowflake.Value{Kind: c.Type.Kind, Text: x}
	case int64:
		v = snowflake.Value{Kind: c.Type.Kind, Int: x}
		if n > 1 {
			v.Nanos, ok = cells[1].(int32)
		}
		if n > 2 && ok {
			v.Offset, ok = cells[2].(int16)
		}
	default:
		ok = false
	}
	if !ok {
		return v, rest, fmt.Errorf("column %s holds %v", c.Name, cells)
	}
	return v, rest, nil
}

// unscaled is text, which has exactly scale decimals, times 10^scale: an int64 where it fits, which the appender takes
// without a conversion, else a *big.Int.
func unscaled(text string, scale int) (driver.Value, error) {
	if scale > 0 {
		whole, decimals, _ := strings.Cut(text, ".")
		if len(decimals) != scale {
			return nil, fmt.Errorf("number %s has %d decimals, not %d", text, len(decimals), scale)
		}
		text = whole + decimals
	}
	if len(text) <= 18 {
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return nil, fmt.Errorf("number %q has no digits only", text)
	}
	return n, nil
}

// decimal writes an unscaled number with exactly scale decimals.
func decimal(n *big.Int, scale int) string {
	text := n.String()
	if scale == 0 {
		return text
	}
	sign := ""
	if text[0] == '-' {
		sign, text = "-", text[1:]
	}
	if len(text) <= scale {
		text = strings.Repeat("0", scale+1-len(text)) + text
	}
	return sign + text[:len(text)-scale] + "." + text[len(text)-scale:]
}
