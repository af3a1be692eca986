package snowflake

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

// copyRecord is what a COPY's transform reads: one document of a file.
type copyRecord struct {
	node     node
	file     *stagedFile
	number   int64
	start    time.Time
	contents string
}

// maxCopyFiles is how many names FILES may have (Snowflake docs, "COPY INTO <table>": 1,000).
const maxCopyFiles = 1000

// dollar compiles $1, the record of COPY.
func (c *compiler) dollar(x *syntax.Dollar) (compiled, error) {
	if !c.copy {
		return compiled{}, invalidIdentifier(fmt.Sprintf("$%d", x.N))
	}
	if x.Table != "" && x.Table != c.alias {
		return compiled{}, invalidIdentifier(fmt.Sprintf("%s.$%d", x.Table, x.N))
	}
	if x.N != 1 {
		return compiled{}, failf("001131", "42601", "SQL compilation error:\nJSON file format can produce one and only one column of variant, object, or array type. Load data into separate columns using the MATCH_BY_COLUMN_NAME copy option or copy with transformation.")
	}
	return compiled{Type{Kind: KindVariant}, func(e *env) (Value, error) { return JSONValue(KindVariant, e.record.node.raw), nil }}, nil
}

// metadata compiles METADATA$..., the only columns that a transform may name.
func (c *compiler) metadata(x *syntax.Column) (compiled, error) {
	name := x.Name[len(x.Name)-1].Name
	if len(x.Name) == 1 || len(x.Name) == 2 && x.Name[0].Name == c.alias {
		switch name {
		case "METADATA$FILENAME":
			return compiled{defaultType(KindVarchar), func(e *env) (Value, error) { return TextValue(e.record.file.path), nil }}, nil
		case "METADATA$FILE_ROW_NUMBER":
			return compiled{defaultType(KindNumber), func(e *env) (Value, error) { return IntValue(e.record.number), nil }}, nil
		case "METADATA$FILE_CONTENT_KEY":
			return compiled{defaultType(KindVarchar), func(e *env) (Value, error) { return TextValue(e.record.file.md5), nil }}, nil
		case "METADATA$FILE_LAST_MODIFIED":
			return compiled{defaultType(KindTimestampNTZ), func(e *env) (Value, error) {
				return TimestampValue(KindTimestampNTZ, e.record.file.modified.UTC()), nil
			}}, nil
		case "METADATA$START_SCAN_TIME":
			return compiled{defaultType(KindTimestampLTZ), func(e *env) (Value, error) { return TimestampValue(KindTimestampLTZ, e.record.start), nil }}, nil
		}
	}
	return compiled{}, invalidIdentifier(x.Name.String())
}

func (st *execution) copy(c *syntax.Copy) (*answer, error) {
	t, columns, err := st.target(c.Table, "INSERT")
	if err != nil {
		return nil, err
	}
	opts, err := st.copyOptions(c)
	if err != nil {
		return nil, err
	}
	st.formats = opts.format.formats
	into, err := columnIndexes(columns, c.Columns)
	if err != nil {
		return nil, err
	}
	transform, err := st.transform(c, columns, into)
	if err != nil {
		return nil, err
	}
	rows, err := st.newRows(columns, into)
	if err != nil {
		return nil, err
	}
	g, prefix, err := st.stageRef(c.Stage)
	if err != nil {
		return nil, err
	}
	if err := st.server.allowed("READ", "stage", g.name); err != nil {
		return nil, err
	}
	files, err := copyFiles(g, prefix, opts)
	if err != nil {
		return nil, err
	}
	a := &answer{kind: typeCopy, columns: []Column{textColumn("file"), textColumn("status"), numberColumn("rows_parsed"), numberColumn("rows_loaded"), numberColumn("error_limit"), numberColumn("errors_seen"),
		textColumn("first_error"), nullableNumber("first_error_line"), nullableNumber("first_error_character"), textColumn("first_error_column_name")}}
	var loaded [][]Value
	loads := map[string]string{}
	for i := range files {
		f := &files[i]
		key := g.name.String() + "/" + f.path
		if !opts.force && st.alreadyLoaded(t, key, f.md5) {
			continue
		}
		got, err := st.copyFile(f, &opts.format, transform, rows)
		if err != nil {
			return nil, err
		}
		loaded = append(loaded, got...)
		loads[key] = f.md5
		n := IntValue(int64(len(got)))
		a.rows = append(a.rows, []Value{TextValue(f.path), TextValue("LOADED"), n, n, IntValue(1), IntValue(0), {}, {}, {}, {}})
	}
	if hold := st.server.slow.Load(); hold != nil {
		select {
		case <-*hold:
		case <-st.tx.gone:
			return nil, st.tx.abortedError()
		case <-st.ctx.Done():
			return nil, st.cause()
		}
	}
	if len(a.rows) == 0 {
		return status(typeCopy, "Copy executed with 0 files processed."), nil
	}
	st.add(t, columns, loaded)
	if st.tx.loads[t] == nil {
		st.tx.loads[t] = map[string]string{}
	}
	for k, v := range loads {
		st.tx.loads[t][k] = v
	}
	return a, nil
}

// alreadyLoaded looks into the table's load metadata: a file of the same name and content is not loaded again (Snowflake docs,
// "Considerations when loading data": load metadata).
func (st *execution) alreadyLoaded(t *table, key, sum string) bool {
	st.server.cat.mu.Lock()
	defer st.server.cat.mu.Unlock()
	return t.loads[key] == sum || st.tx.loads[t][key] == sum
}

// transform compiles the select list. Without one, the table must have one column, of JSON.
func (st *execution) transform(c *syntax.Copy, columns []tableColumn, into []int) ([]compiled, error) {
	if c.Items == nil {
		if len(into) != 1 || !columns[into[0]].Type.Kind.Semistructured() {
			return nil, failf("001131", "42601", "SQL compilation error:\nJSON file format can produce one and only one column of variant, object, or array type. Load data into separate columns using the MATCH_BY_COLUMN_NAME copy option or copy with transformation.")
		}
		c = &syntax.Copy{Items: []syntax.SelectItem{{Expr: &syntax.Dollar{N: 1}}}}
	}
	if len(c.Items) != len(into) {
		return nil, failf("002020", "21S01", "SQL compilation error:\nInsert value list does not match column list expecting %d but got %d", len(into), len(c.Items))
	}
	k := &compiler{st: st, copy: true, alias: c.Alias}
	out := make([]compiled, len(c.Items))
	for i, it := range c.Items {
		var err error
		if out[i], err = k.expr(it.Expr); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// copyFiles picks the files: the path is a plain prefix, in front of the names of FILES too. A named file that is not there is an error.
func copyFiles(g *stage, prefix string, opts copyOptions) ([]stagedFile, error) {
	if !opts.named {
		files, err := g.list(prefix)
		return slices.DeleteFunc(files, func(f stagedFile) bool { return opts.pattern != nil && !opts.pattern.MatchString(f.path) }), err
	}
	var out []stagedFile
	for _, n := range opts.files {
		f, ok, err := g.find(cleanPath(prefix + n))
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, failf("091016", "22000", "Remote file '%s/%s' was not found. There are several potential causes. The file might not exist. The required credentials may be missing or invalid. If you are running a copy command, please make sure files are not deleted when they are being loaded or files are not being loaded into two different tables concurrently with auto purge option.", strings.ToLower(g.name.Table), prefix+n)
		}
		out = append(out, f)
	}
	return out, nil
}
