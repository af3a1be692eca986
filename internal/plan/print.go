package plan

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

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
	p.paths()
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

func (p *printer) conflicts() {
	r := p.r
	for i, c := range r.Conflicts {
		if i == 0 {
			p.line("\nTYPE CONFLICTS")
		}
		p.line("  %s (%s): %s", identifier(c.Column), c.By, c.Why)
		for _, k := range c.Values {
			p.line("      %s x %s %s, first in %s", thousands(k.Values), k.Kind, cut(k.Example, 60), p.where(k.Where))
		}
		if c.Advice != "" {
			p.line("      %s", c.Advice)
		}
	}
	if r.Fix != "" {
		which, left := "them", 0
		for _, c := range r.Conflicts {
			if len(c.Fix) == 0 {
				left++
			}
		}
		if left > 0 {
			which = fmt.Sprintf("%d of them", len(r.Conflicts)-left)
		}
		p.line("  To settle %s, add to %s:\n", which, r.Pipeline)
		p.b.WriteString(r.Fix)
	}
}

func (p *printer) failed() {
	p.faults("FAILED MESSAGES", p.r.Failed)
	p.faults("VIOLATIONS OF THE SCHEMA THAT ARE LOADED ALL THE SAME", p.r.Violations)
}

func (p *printer) faults(head string, all []Failed) {
	for i, f := range all {
		if i == 0 {
			p.line("\n%s", head)
		}
		if i == mostLines {
			p.line("  and for %d reasons more", len(all)-i)
			break
		}
		p.line("  %s x %s: %s", thousands(f.Messages), f.Stage, cut(short(f.Reason), 200))
		p.line("      first in %s, row %d: %s", p.where(f.Where), f.Row, f.Payload)
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
		p.line("  %s x %s: %s: %s, first in %s", thousands(v.Values), identifier(v.Name), v.Reason, cut(v.Example, 60), p.where(v.Where))
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

func (p *printer) paths() {
	for i, u := range p.r.Paths {
		if i == 0 {
			p.line("\nPATHS THAT LEAD TO NOTHING")
		}
		if i == mostLines {
			p.line("  and %d more", len(p.r.Paths)-i)
			break
		}
		what := "record"
		if u.Records > p.r.Sample.Records {
			what = "row"
		}
		p.line("  step %d, %s: %s is in none of the %s", u.Step, u.Name, cut(short(u.Path), 100), plural(u.Records, what))
	}
}

// where names a record: of a file by its line, or its number in an array.
func (p *printer) where(w Where) string {
	if p.r.Sample.From != "stream" {
		return cmp.Or(p.r.Sample.unit, "line") + " " + w.Sequence
	}
	at := w.Shard + " " + w.Sequence
	if w.Subsequence > 0 {
		at += fmt.Sprintf(":%d", w.Subsequence)
	}
	return at
}

// mostName is how many characters of a column's name are shown: a name may have 255.
const mostName = 60

// identifier is a column's name as SQL has it.
func identifier(name string) string {
	if plain(name) {
		return cut(name, mostName)
	}
	return cut(short(table.Quote(name)), mostName)
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

// Clean reports whether every value of the sample has a column that it fits, whichever records come first, every path of the steps
// leads to something, and nothing would stop the pipeline.
func (r *Report) Clean() bool {
	return len(r.Conflicts)+len(r.Failed)+len(r.Rescued)+len(r.Beyond)+len(r.Paths)+len(r.Problems) == 0
}
