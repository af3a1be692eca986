package plan

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"kinesis-snowflake/sink/table"
)

// mostLines bounds a list for people; the JSON has all of it.
const mostLines = 20

// Print writes the report for people.
func (r *Report) Print(out io.Writer) error {
	p := &printer{r: r}
	p.head()
	p.conflicts()
	p.failed()
	p.rescued()
	p.names()
	p.columns()
	p.rows()
	p.ddl()
	for _, note := range r.Notes {
		p.line("\nnote: %s", note)
	}
	if _, err := p.b.WriteTo(out); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

type printer struct {
	r *Report
	b bytes.Buffer
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(&p.b, format+"\n", args...) }

func (p *printer) head() {
	r, s := p.r, &p.r.Sample
	p.line("%s: stream %s in %s into table %s", r.Pipeline, r.Stream, r.Region, r.Table.Name)
	switch {
	case r.Table.Exists == nil:
		p.line("table   not looked at")
	case *r.Table.Exists:
		p.line("table   has %s", plural(r.Table.Columns, "column"))
	default:
		p.line("table   is not there yet")
	}
	from := plural(s.Shards, "shard")
	if s.From != "stream" {
		from = s.From
	}
	line := fmt.Sprintf("sample  %s of %s", plural(s.Records, "record"), from)
	if s.Whole {
		line += ", all there are"
	}
	if !s.First.IsZero() {
		line += fmt.Sprintf(", of %s to %s", s.First.Format(time.RFC3339), s.Last.Format(time.RFC3339))
	}
	p.line("%s", line)
	p.line("becomes %s", r.verdict())
	for _, problem := range r.Problems {
		p.line("PROBLEM %s", problem)
	}
}

// verdict sums the report up.
func (r *Report) verdict() string {
	parts := []string{plural(r.Sample.Rows, "row")}
	if n := r.Sample.LeftOut; n > 0 {
		parts = append(parts, plural(n, "record")+" left out by steps")
	}
	parts = append(parts, plural(r.Sample.Failed, "failed message"))
	rescued, beyond := 0, 0
	for _, v := range r.Rescued {
		rescued += v.Values
	}
	for _, k := range r.Beyond {
		beyond += k.Values
	}
	parts = append(parts, plural(rescued+beyond, "value")+" in "+table.RescuedColumn, plural(len(r.Conflicts), "type conflict"))
	return strings.Join(parts, ", ")
}

func (p *printer) table(header string, rows [][]string) {
	t := tabwriter.NewWriter(&p.b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, header)
	for _, row := range rows {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	_ = t.Flush() // into memory
}

func (p *printer) columns() {
	if len(p.r.Columns) == 0 {
		return
	}
	p.line("")
	var rows [][]string
	for _, c := range p.r.Columns {
		typ, filled := c.Type, share(c.Filled, p.r.Sample.Rows)
		if c.NotNull {
			typ += " NOT NULL"
		}
		if c.By == ByItself {
			filled = "-"
		}
		rows = append(rows, []string{identifier(c.Name), typ, dash(cut(strings.Join(c.Keys, ", "), 40)), string(c.By), filled, dash(cut(c.Example, 60))})
	}
	p.table("COLUMN\tTYPE\tKEY\tBY\tFILLED\tEXAMPLE", rows)
}

// share is n of all in whole per cent, of which neither end is claimed that is not quite reached.
func share(n, all int) string {
	switch percent := n * 100 / max(all, 1); {
	case n > 0 && percent == 0:
		return "<1%"
	default:
		return fmt.Sprintf("%d%%", percent)
	}
}

func (p *printer) conflicts() {
	r := p.r
	for i, c := range r.Conflicts {
		if i == 0 {
			p.line("\nTYPE CONFLICTS")
		}
		p.line("  %s (%s): %s", identifier(c.Column), c.By, c.Why)
		for _, k := range c.Values {
			p.line("      %s x %s %s, first in %s", thousands(k.Values), k.Kind, cut(k.Example, 60), where(k.Where))
		}
		if c.Advice != "" {
			p.line("      %s", c.Advice)
		}
	}
	if r.Fix != "" {
		p.line("  To settle them, add to %s:\n", r.Pipeline)
		p.b.WriteString(r.Fix)
	}
}

func (p *printer) failed() {
	for i, f := range p.r.Failed {
		if i == 0 {
			p.line("\nFAILED MESSAGES")
		}
		if i == mostLines {
			p.line("  and for %d reasons more", len(p.r.Failed)-i)
			break
		}
		p.line("  %s x %s: %s", thousands(f.Messages), f.Stage, cut(short(f.Reason), 200))
		p.line("      first in %s, row %d: %s", where(f.Where), f.Row, f.Payload)
	}
}

func (p *printer) rescued() {
	for i, v := range p.r.Rescued {
		if i == 0 {
			p.line("\nVALUES IN %s", table.RescuedColumn)
		}
		if i == mostLines {
			p.line("  and of %d columns more", len(p.r.Rescued)-i)
			break
		}
		p.line("  %s x %s: %s: %s, first in %s", thousands(v.Values), identifier(v.Name), v.Reason, cut(v.Example, 60), where(v.Where))
	}
	if n := len(p.r.Beyond); n > 0 {
		var keys []string
		for _, k := range p.r.Beyond[:min(n, mostLines)] {
			keys = append(keys, cut(short(k.Key), 40))
		}
		p.line("\nKEYS BEYOND THE LIMIT OF COLUMNS, whose values go to %s: %s", table.RescuedColumn, thousands(n))
		more := ""
		if n > len(keys) {
			more = " ..."
		}
		p.line("  %s%s", strings.Join(keys, ", "), more)
		p.line("  Pin those that matter in transform.columns, raise transform.max_columns, or keep whole records with transform.table_mode: variant.")
	}
}

// nameTexts say for people what became of a name.
var nameTexts = map[Why]string{
	WhyReserved: "Snowflake refuses the name", WhyCut: "cut, with a hash, since it is too long", WhyPinned: "by its pin",
	WhyQuotes: "to be quoted in SQL", WhyNone: "no column can be called so: its values go to " + table.RescuedColumn,
}

func (p *printer) names() {
	var lines, upper []string
	cased := 0
	for _, n := range p.r.Names {
		switch n.Why {
		case WhyCase:
			if !lostCase(n.Key) {
				continue
			}
			if cased++; len(upper) < 3 {
				upper = append(upper, short(n.Key)+" is "+n.Column)
			}
		case WhyShared:
			lines = append(lines, fmt.Sprintf("%q has the column %s of %q; where a row has both, the last one stands there and the other goes to %s",
				short(n.Key), identifier(n.Column), short(n.With), table.RescuedColumn))
		case WhyNone:
			lines = append(lines, fmt.Sprintf("%q: %s", short(n.Key), nameTexts[n.Why]))
		default:
			lines = append(lines, fmt.Sprintf("%q is %s: %s", short(n.Key), identifier(n.Column), nameTexts[n.Why]))
		}
	}
	if len(upper) > 0 {
		lines = append(lines, fmt.Sprintf("%s of words that run together in upper case: %s", plural(cased, "name"), strings.Join(upper, ", ")))
	}
	if len(lines) == 0 {
		return
	}
	p.line("\nNAMES")
	for i, l := range lines {
		if i == mostLines {
			p.line("  and %d more", len(lines)-i)
			break
		}
		p.line("  %s", l)
	}
}

func (p *printer) ddl() {
	if len(p.r.DDL) == 0 {
		return
	}
	p.line("\nDDL")
	for _, s := range p.r.DDL {
		p.line("  %s;", wrap(strings.Map(oneLine, s)))
	}
}

func oneLine(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

// wrap breaks a long statement before names of columns.
func wrap(s string) string {
	const width = 140
	var b strings.Builder
	used := 0
	for i, part := range strings.Split(s, `, "`) {
		switch {
		case i == 0:
		case used+len(part) > width:
			b.WriteString(",\n      \"")
			used = 0
		default:
			b.WriteString(`, "`)
		}
		b.WriteString(part)
		used += len(part) + len(`, "`)
	}
	return b.String()
}

func (p *printer) rows() {
	for i, row := range p.r.Rows {
		if i == 0 {
			p.line("\nROWS")
		}
		p.line("  %s", where(row.Where))
		cells := make([][]string, 0, len(row.Values)+2)
		for _, v := range row.Values {
			cells = append(cells, []string{identifier(v.Column), cut(short(string(v.Value)), 100)})
		}
		if row.Rescued != nil {
			cells = append(cells, []string{table.RescuedColumn, cut(short(string(row.Rescued)), 100)})
		}
		cells = append(cells, []string{table.MetadataColumn, strings.Map(oneLine, string(row.Metadata))})
		width := 0
		for _, c := range cells {
			width = max(width, min(utf8.RuneCountInString(c[0]), 30))
		}
		for _, c := range cells {
			p.line("    %-*s  %s", width, c[0], c[1])
		}
	}
}

func where(w Where) string {
	at := w.Shard + " " + w.Sequence
	if w.Subsequence > 0 {
		at += fmt.Sprintf(":%d", w.Subsequence)
	}
	return at
}

// identifier is a column's name as SQL has it.
func identifier(name string) string {
	if unquoted.MatchString(name) {
		return name
	}
	return cut(short(table.Quote(name)), 60)
}

func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Clean reports whether every value of the sample has a column that it fits, whichever records come first, and nothing would stop
// the pipeline.
func (r *Report) Clean() bool {
	return len(r.Conflicts)+len(r.Failed)+len(r.Rescued)+len(r.Beyond)+len(r.Problems) == 0
}
