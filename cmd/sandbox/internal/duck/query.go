package duck

import (
	"context"
	"database/sql"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"kinesis-snowflake/internal/standin/snowflake"
)

// Query implements [snowflake.Engine]; the package comment says what it understands.
func (e *Engine) Query(ctx context.Context, text string, session snowflake.SessionInfo) (*snowflake.ResultSet, error) {
	query, labels, err := e.translate(text, session, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", snowflake.ErrUnsupported, err)
	}
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	defer conn.Close()
	set, err := run(ctx, conn, query, session.Timezone)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", snowflake.ErrUnsupported, err)
	}
	if len(labels) == len(set.Columns) {
		for i, l := range labels {
			if l != "" {
				set.Columns[i].Name = l
			}
		}
	}
	return set, nil
}

// maxViews is how deep views may stand in views.
const maxViews = 20

func (e *Engine) translate(text string, session snowflake.SessionInfo, depth int) (query string, labels []string, err error) {
	t := &translator{
		src: text, session: session, column: e.hasColumn,
		lookup: func(parts []string) (string, string, bool) { return e.find(parts, session) },
		view: func(parts []string) (string, error) {
			name, ok := fullName(parts, session)
			if !ok || session.View == nil {
				return "", nil
			}
			v, ok := session.View(name)
			if !ok {
				return "", nil
			}
			if depth == maxViews {
				return "", fmt.Errorf("view %s: over %d views in views", name, maxViews)
			}
			inner := session
			inner.Database, inner.Schema, inner.Binds = v.Database, v.Schema, nil
			query, _, err := e.translate(v.Query, inner, depth+1)
			if err != nil {
				return "", fmt.Errorf("view %s: %w", name, err)
			}
			columns := make([]string, len(v.Columns))
			for i, c := range v.Columns {
				columns[i] = quote(c)
			}
			return fmt.Sprintf("(SELECT * FROM (%s) AS v(%s))", query, strings.Join(columns, ", ")), nil
		},
	}
	return t.translate()
}

func fullName(parts []string, session snowflake.SessionInfo) (name snowflake.TableName, ok bool) {
	name = snowflake.TableName{Database: session.Database, Schema: session.Schema}
	switch len(parts) {
	case 1:
		name.Table = parts[0]
	case 2:
		name.Schema, name.Table = parts[0], parts[1]
	case 3:
		name = snowflake.TableName{Database: parts[0], Schema: parts[1], Table: parts[2]}
	default:
		return name, false
	}
	return name, true
}

// find looks a table up, with the session's database and schema for what the name leaves out.
func (e *Engine) find(parts []string, session snowflake.SessionInfo) (schema, view string, ok bool) {
	name, ok := fullName(parts, session)
	if !ok {
		return "", "", false
	}
	t, err := e.table(name)
	if err != nil {
		return "", "", false
	}
	return name.Database + "." + name.Schema, t.view, true
}

func (e *Engine) hasColumn(name string) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, t := range e.tables {
		if _, err := t.index(name); err == nil {
			return true
		}
	}
	return false
}

// run runs a query in DuckDB's dialect. What the driver would decode by itself, JSON above all, is asked for as text.
func run(ctx context.Context, conn *sql.Conn, query, timezone string) (*snowflake.ResultSet, error) {
	if timezone == "" {
		timezone = "UTC"
	}
	if _, err := conn.ExecContext(ctx, "SET TimeZone = "+literal(timezone)); err != nil {
		return nil, err
	}
	set, shown, err := describe(ctx, conn, query)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(shown))
	for i := range names {
		names[i] = fmt.Sprintf("c%d", i)
		shown[i] = fmt.Sprintf(shown[i], names[i])
	}
	rows, err := conn.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM (%s) AS q(%s)", strings.Join(shown, ", "), query, strings.Join(names, ", ")))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	cells, pointers := make([]any, len(names)), make([]any, len(names))
	for i := range cells {
		pointers[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(pointers...); err != nil {
			return nil, err
		}
		row := make([]snowflake.Value, len(cells))
		for i, c := range cells {
			if row[i], err = value(c, set.Columns[i].Type); err != nil {
				return nil, fmt.Errorf("column %s: %w", set.Columns[i].Name, err)
			}
		}
		set.Rows = append(set.Rows, row)
	}
	return set, rows.Err()
}

var decimalName = regexp.MustCompile(`^DECIMAL\((\d+),\s*(\d+)\)$`)

// describe gives the result's columns and, for each, the expression that reads it, with %s for its name.
func describe(ctx context.Context, conn *sql.Conn, query string) (*snowflake.ResultSet, []string, error) {
	rows, err := conn.QueryContext(ctx, "DESCRIBE "+query)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	set := &snowflake.ResultSet{}
	var shown []string
	for rows.Next() {
		var name, typ string
		var ignored any
		if err := rows.Scan(&name, &typ, &ignored, &ignored, &ignored, &ignored); err != nil {
			return nil, nil, err
		}
		as := "%s"
		t := snowflake.Type{Kind: snowflake.KindVarchar, Length: snowflake.MaxVarchar}
		switch typ {
		case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT":
			t = snowflake.Type{Kind: snowflake.KindNumber, Precision: 38}
		case "FLOAT", "DOUBLE":
			t = snowflake.Type{Kind: snowflake.KindFloat}
		case "BOOLEAN":
			t = snowflake.Type{Kind: snowflake.KindBoolean}
		case "VARCHAR":
		case "BLOB":
			t = snowflake.Type{Kind: snowflake.KindBinary, Length: snowflake.MaxVarchar / 2}
		case "JSON":
			t, as = snowflake.Type{Kind: snowflake.KindVariant}, "CAST(%s AS VARCHAR)"
		case "DATE":
			t = snowflake.Type{Kind: snowflake.KindDate}
		case "TIME":
			t = snowflake.Type{Kind: snowflake.KindTime, Scale: 9}
		case "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S":
			t = snowflake.Type{Kind: snowflake.KindTimestampNTZ, Scale: 9}
		case "TIMESTAMP WITH TIME ZONE":
			t = snowflake.Type{Kind: snowflake.KindTimestampLTZ, Scale: 9}
		default:
			if m := decimalName.FindStringSubmatch(typ); m != nil {
				t = snowflake.Type{Kind: snowflake.KindNumber}
				t.Precision, _ = strconv.Atoi(m[1])
				t.Scale, _ = strconv.Atoi(m[2])
				break
			}
			as = "CAST(%s AS VARCHAR)"
			if strings.HasSuffix(typ, "[]") || strings.HasPrefix(typ, "STRUCT") || strings.HasPrefix(typ, "MAP") {
				t, as = snowflake.Type{Kind: snowflake.KindVariant}, "CAST(to_json(%s) AS VARCHAR)"
			}
		}
		set.Columns = append(set.Columns, snowflake.Column{Name: name, Type: t})
		shown = append(shown, as)
	}
	return set, shown, rows.Err()
}

// value makes a Snowflake value of what the driver gave.
func value(cell any, t snowflake.Type) (snowflake.Value, error) {
	switch x := cell.(type) {
	case nil:
		return snowflake.Value{}, nil
	case duckdb.Decimal:
		return snowflake.NumberValue(decimal(x.Value, int(x.Scale))), nil
	case *big.Int:
		return snowflake.NumberValue(x.String()), nil
	case int8, int16, int32, int64, uint8, uint16, uint32, uint64:
		return snowflake.NumberValue(fmt.Sprint(x)), nil
	case float32:
		return snowflake.FloatValue(float64(x)), nil
	case float64:
		return snowflake.FloatValue(x), nil
	case bool:
		return snowflake.BoolValue(x), nil
	case []byte:
		return snowflake.Value{Kind: snowflake.KindBinary, Text: string(x)}, nil
	case string:
		return snowflake.Value{Kind: t.Kind, Text: x}, nil
	case time.Time:
		switch t.Kind {
		case snowflake.KindDate:
			return snowflake.Value{Kind: t.Kind, Int: x.Unix() / 86400}, nil
		case snowflake.KindTime:
			clock := time.Duration(x.Hour())*time.Hour + time.Duration(x.Minute())*time.Minute + time.Duration(x.Second())*time.Second
			return snowflake.Value{Kind: t.Kind, Int: int64(clock) + int64(x.Nanosecond())}, nil
		default:
			return snowflake.TimestampValue(t.Kind, x), nil
		}
	}
	return snowflake.Value{}, fmt.Errorf("a value of type %T", cell)
}
