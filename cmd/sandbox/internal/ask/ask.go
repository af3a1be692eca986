// Package ask puts questions to Snowflake, or its stand-in, with the ordinary driver, and writes the answers down.
package ask

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	sf "github.com/snowflakedb/gosnowflake/v2"

	"kinesis-snowflake/cmd/sandbox/internal/stack"
)

// Client is one pool of sessions.
type Client struct{ db *sql.DB }

// Dial logs in as the stack's analyst. address is host:port or a URL.
func Dial(ctx context.Context, address string) (*Client, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("read address: %w", err)
	}
	host, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		return nil, fmt.Errorf("read address: %w", err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("read address: port: %w", err)
	}
	if err := reach(ctx, u.Host); err != nil {
		return nil, fmt.Errorf("log in to %s: %w; is the sandbox there? (sandbox serve)", address, err)
	}
	off := "false"
	db := sql.OpenDB(sf.NewConnector(sf.SnowflakeDriver{}, sf.Config{
		Account: stack.Account, User: stack.Analyst, Password: stack.Password, Protocol: u.Scheme, Host: host, Port: n, Authenticator: sf.AuthTypeSnowflake,
		Database: stack.Database, Schema: stack.Schema, Warehouse: stack.Warehouse, DisableOCSPChecks: true,
		Params: map[string]*string{"CLIENT_TELEMETRY_ENABLED": &off},
	}))
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("log in to %s: %w", address, err)
	}
	return &Client{db}, nil
}

// reachTimeout bounds the wait for a connection.
const reachTimeout = 5 * time.Second

// reach tells at once of an address at which nobody listens: the driver would try again for minutes.
func reach(ctx context.Context, address string) error {
	conn, err := (&net.Dialer{Timeout: reachTimeout}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err //nolint:wrapcheck // the caller says what for
	}
	return conn.Close()
}

// Close ends the sessions.
func (c *Client) Close() error { return c.db.Close() }

// Cell is one value as the service writes it; a null is not valid.
type Cell = sql.NullString

// Answer is one result.
type Answer struct {
	Columns []string
	types   []string // Snowflake's type names, in upper case
	scales  []int64
	Rows    [][]Cell
}

// Query runs one statement.
func (c *Client) Query(ctx context.Context, statement string) (*Answer, error) {
	rows, err := c.db.QueryContext(ctx, statement)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	defer rows.Close()
	a := &Answer{}
	if a.Columns, err = rows.Columns(); err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	for _, t := range types {
		_, scale, _ := t.DecimalSize()
		a.types, a.scales = append(a.types, strings.ToUpper(t.DatabaseTypeName())), append(a.scales, scale)
	}
	for rows.Next() {
		cells := make([]any, len(a.Columns))
		pointers := make([]any, len(a.Columns))
		for i := range cells {
			pointers[i] = &cells[i]
		}
		if err := rows.Scan(pointers...); err != nil {
			return nil, fmt.Errorf("query: %w", err)
		}
		row := make([]Cell, len(cells))
		for i, v := range cells {
			row[i] = a.cell(v, i)
		}
		a.Rows = append(a.Rows, row)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	return a, nil
}

// WriteTable writes an answer as a table; cells of more than width characters are cut.
func (a *Answer) WriteTable(w io.Writer, width int) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(cells []string) { fmt.Fprintln(tw, "  "+strings.Join(cells, "\t")) }
	line(a.Columns)
	rule := make([]string, len(a.Columns))
	for i, c := range a.Columns {
		rule[i] = strings.Repeat("-", len([]rune(c)))
	}
	line(rule)
	for _, r := range a.Rows {
		cells := make([]string, len(r))
		for i, c := range r {
			cells[i] = "NULL"
			if c.Valid {
				cells[i] = cut(c.String, width)
			}
		}
		line(cells)
	}
	return tw.Flush()
}

func cut(s string, width int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s
}

// WriteJSON writes one object a row. Numbers and semi-structured values are written with the very characters that the service
// sent, everything else as strings; keys stand in the order of the columns.
func (a *Answer) WriteJSON(w io.Writer) error {
	for _, r := range a.Rows {
		var b strings.Builder
		b.WriteByte('{')
		for i, c := range r {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(quoted(a.Columns[i]))
			b.WriteByte(':')
			b.Write(a.json(c, i))
		}
		b.WriteString("}\n")
		if _, err := io.WriteString(w, b.String()); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
	}
	return nil
}

func (a *Answer) json(c Cell, i int) []byte {
	if !c.Valid {
		return []byte("null")
	}
	switch a.types[i] {
	case "FIXED", "NUMBER", "REAL", "FLOAT", "BOOLEAN", "VARIANT", "OBJECT", "ARRAY":
		if json.Valid([]byte(c.String)) { // a FLOAT may be NaN or inf
			return []byte(strings.NewReplacer("\n", " ", "\r", " ").Replace(c.String))
		}
	}
	return quoted(c.String)
}

// quoted writes a JSON string without the escapes that only HTML needs.
func quoted(s string) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil { // a string always encodes
		return nil
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}
