package plan

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"kinesis-snowflake/sink/table"
)

// What the table would be: its columns and their names, rows, and the DDL.

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
		if c.By == ByItself && c.Filled == 0 {
			filled = "-"
		}
		rows = append(rows, []string{cut(identifier(c.Name), 40), typ, dash(cut(strings.Join(c.Keys, ", "), 40)), string(c.By), filled, dash(cut(c.Example, 60))})
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

func (p *printer) rows() {
	for i, row := range p.r.Rows {
		if i == 0 {
			p.line("\nROWS")
		}
		p.line("  %s", p.where(row.Where))
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
