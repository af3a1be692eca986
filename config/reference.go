package config

import (
	"fmt"
	"io"
	"strings"
)

const referenceHead = `# The pipeline file

<!-- Written from the program's own table of keys by ` + "`go generate ./config`" + `; edits here are lost. -->

A pipeline file is YAML and says everything about one pipeline: one Kinesis stream into one Snowflake table. A commented one
is [examples/pipeline.yaml](../examples/pipeline.yaml). ` + "`kinesis-snowflake check -c FILE`" + ` reads a file and reports every fault with its
line and column.

- **Keys** are exactly those below. An unknown key is an error, and so is a key given twice. Anchors, aliases, merge keys and
  tags are not read.
- **Empty**: a key whose value is empty, or null, is as if it were left out: its default holds. The ` + "`secret`" + ` of a ` + "`hash`" + ` step alone must not be empty.
- **Environment**: ` + "`${NAME}`" + ` in a value reads the environment variable; one that is not set is an error. ` + "`$${`" + ` is a plain ` + "`${`" + `. Inside
  a flow mapping (` + "`{interval: \"${INTERVAL}\"}`" + `) quote it, as any value with a comma. What a variable holds is never read as YAML.
- **Secrets** can stand in a file of their own: each has a key that ends in ` + "`_file`" + `. A relative name starts from the pipeline
  file's folder. Secrets are never printed. They are read once, at start; tokens (where it says so) anew for each login.
- **Durations** are a number and a unit, also joined: ` + "`500ms`, `90s`, `1h30m`, `2d`" + `. A day is 24 hours.
- **Sizes** are a whole number of bytes, or one with a unit: B, KB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB (powers of
  1024).
- **Several pipelines** run in one process, one file each (` + "`run -c a.yaml -c b.yaml`" + `). No two may have the same application and
  region, or load the same table.
`

// WriteReference writes the documentation of every key, in Markdown.
func WriteReference(w io.Writer) error {
	p := Default()
	if _, err := io.WriteString(w, referenceHead); err != nil {
		return err
	}
	return writeSection(w, schema(&p), "")
}

func writeSection(w io.Writer, s section, path string) error {
	title, intro := "`"+path+"`", s.doc
	if path == "" {
		title, intro = "Top level", "Beside the sections below:"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n%s\n", title, intro)
	if len(s.fields) > 0 {
		b.WriteString("\n| key | type | default | meaning | allowed |\n|---|---|---|---|---|\n")
	}
	for _, f := range s.fields {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", f.key, f.kind, f.standardCell(), cell(f.doc), cell(f.limits))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	for _, sub := range s.sections {
		if err := writeSection(w, sub, join(path, sub.key)); err != nil {
			return err
		}
	}
	return nil
}

func (f field) standardCell() string {
	switch {
	case f.required:
		return "required"
	case f.standard == "":
		return "none"
	case strings.Contains(f.standard, " "):
		return cell(f.standard)
	}
	return "`" + f.standard + "`"
}

// cell keeps a text within one cell of a table, and angle brackets from being read as HTML.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`, ">", `\>`, "\n", " ").Replace(s)
}
