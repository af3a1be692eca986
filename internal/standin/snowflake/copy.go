package snowflake

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

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

type copyFormat struct {
	compression                                      string
	multiLine, allowDuplicate, stripOuter, stripNull bool
	nullIf                                           []string
	dateFormat, timeFormat, timestampFormat          string
	formats                                          timeFormats
}

type copyOptions struct {
	files   []string
	named   bool
	pattern *regexp.Regexp
	force   bool
	purge   bool
	format  copyFormat
}

func boolOption(o syntax.Option) (bool, error) {
	if len(o.Values) == 1 {
		switch strings.ToUpper(o.Values[0]) {
		case "TRUE":
			return true, nil
		case "FALSE":
			return false, nil
		}
	}
	return false, compileError("invalid value %v for parameter '%s'", o.Values, o.Name)
}

func (st *execution) copyOptions(c *syntax.Copy) (copyOptions, error) {
	var out copyOptions
	out.format = copyFormat{compression: "AUTO", multiLine: true, formats: st.formats}
	typed := false
	for _, o := range c.Options {
		var err error
		switch o.Name {
		case "FILES":
			out.files, out.named = o.Values, true
			if len(o.Values) > maxCopyFiles {
				err = compileError("number of files in FILES exceeds the limit of %d", maxCopyFiles)
			}
		case "PATTERN":
			if out.pattern, err = regexp.Compile("^(?:" + strings.Join(o.Values, "") + ")$"); err != nil {
				err = compileError("invalid pattern")
			}
		case "FORCE":
			out.force, err = boolOption(o)
		case "PURGE":
			out.purge, err = boolOption(o)
		case "ON_ERROR":
			if len(o.Values) != 1 || !strings.EqualFold(o.Values[0], "ABORT_STATEMENT") {
				err = fmt.Errorf("%w: ON_ERROR other than ABORT_STATEMENT", ErrUnsupported)
			}
		case "FILE_FORMAT":
			typed = true
			err = out.format.read(o.Options)
		case "ENFORCE_LENGTH", "TRUNCATECOLUMNS", "LOAD_UNCERTAIN_FILES", "RETURN_FAILED_ONLY", "SIZE_LIMIT":
		case "MATCH_BY_COLUMN_NAME":
			switch {
			case len(o.Values) == 1 && strings.EqualFold(o.Values[0], "NONE"):
			case c.Items != nil:
				err = failf("002300", "0A000", "SQL compilation error:\nmatch_by_column_name is not supported with copy transform.")
			default:
				err = fmt.Errorf("%w: MATCH_BY_COLUMN_NAME", ErrUnsupported)
			}
		default:
			err = compileError("invalid parameter '%s'", o.Name)
		}
		if err != nil {
			return out, err
		}
	}
	if !typed {
		return out, fmt.Errorf("%w: COPY of anything but TYPE = JSON", ErrUnsupported)
	}
	out.format.formats = out.format.times(st.formats)
	return out, nil
}

// read takes the options of TYPE = JSON (Snowflake docs, "CREATE FILE FORMAT") and refuses any other.
func (f *copyFormat) read(opts []syntax.Option) error {
	kind := strings.ToUpper(optionText(opts, "TYPE"))
	if kind != "JSON" {
		return fmt.Errorf("%w: COPY of TYPE = %s", ErrUnsupported, kind)
	}
	for _, o := range opts {
		var err error
		switch o.Name {
		case "TYPE":
		case "COMPRESSION":
			f.compression = strings.ToUpper(strings.Join(o.Values, ""))
			switch f.compression {
			case "AUTO", "GZIP", "ZSTD", "NONE":
			case "BZ2", "BROTLI", "DEFLATE", "RAW_DEFLATE":
				err = fmt.Errorf("%w: COMPRESSION = %s", ErrUnsupported, f.compression)
			default:
				err = compileError("invalid value [%s] for parameter 'COMPRESSION'", f.compression)
			}
		case "MULTI_LINE":
			f.multiLine, err = boolOption(o)
		case "ALLOW_DUPLICATE":
			f.allowDuplicate, err = boolOption(o)
		case "STRIP_OUTER_ARRAY":
			f.stripOuter, err = boolOption(o)
		case "STRIP_NULL_VALUES":
			f.stripNull, err = boolOption(o)
		case "NULL_IF":
			f.nullIf = o.Values
		case "DATE_FORMAT":
			f.dateFormat = strings.Join(o.Values, "")
		case "TIME_FORMAT":
			f.timeFormat = strings.Join(o.Values, "")
		case "TIMESTAMP_FORMAT":
			f.timestampFormat = strings.Join(o.Values, "")
		case "TRIM_SPACE", "ENABLE_OCTAL", "REPLACE_INVALID_CHARACTERS", "IGNORE_UTF8_ERRORS":
			var on bool
			if on, err = boolOption(o); on {
				err = fmt.Errorf("%w: %s = TRUE", ErrUnsupported, o.Name)
			}
		case "SKIP_BYTE_ORDER_MARK":
			_, err = boolOption(o)
		case "BINARY_FORMAT", "FILE_EXTENSION":
		default:
			err = compileError("invalid parameter '%s' for file format type JSON", o.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *copyFormat) times(t timeFormats) timeFormats {
	for _, p := range []struct {
		from string
		to   *string
	}{{f.dateFormat, &t.date}, {f.timeFormat, &t.time}, {f.timestampFormat, &t.timestamp}} {
		if p.from != "" {
			*p.to = p.from
		}
	}
	return t
}

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

func decompress(b []byte, kind string) ([]byte, error) {
	if kind == "AUTO" {
		switch {
		case bytes.HasPrefix(b, []byte{0x1f, 0x8b}):
			kind = "GZIP"
		case bytes.HasPrefix(b, []byte{0x28, 0xb5, 0x2f, 0xfd}):
			kind = "ZSTD"
		}
	}
	switch kind {
	case "GZIP":
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	case "ZSTD":
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		return z.DecodeAll(b, nil)
	}
	return b, nil
}

// copyFile turns one file into rows, or fails as a whole.
func (st *execution) copyFile(f *stagedFile, format *copyFormat, transform []compiled, rows *newRows) ([][]Value, error) {
	b, err := decompress(f.data, format.compression)
	if err != nil {
		return nil, failf("100078", "22000", "Invalid data encountered during decompression for file: '%s', compression type used: '%s', cause: '%v'", f.path, format.compression, err)
	}
	rec := &copyRecord{file: f, start: st.now, contents: strings.TrimPrefix(string(b), "\ufeff")}
	e := &env{record: rec}
	var out [][]Value
	values := make([]Value, len(transform))
	one := func(n node) error {
		rec.node = n
		rec.number++
		for i, x := range transform {
			var err error
			if values[i], err = x.run(e); err != nil {
				return err
			}
		}
		row, err := rows.row(values)
		out = append(out, row)
		return err
	}
	line := 0
	err = documents(rec.contents, format, &line, func(n node) error {
		if len(out)%1024 == 0 && st.ctx.Err() != nil {
			return st.cause()
		}
		if len(n.raw) > MaxVariant {
			return failf("100069", "22P02", "Error parsing JSON: document is too large, max size %d bytes", MaxVariant)
		}
		if format.stripOuter && n.kind == '[' {
			for _, item := range n.items {
				if err := one(item); err != nil {
					return err
				}
			}
			return nil
		}
		return one(n)
	})
	var bad *Error
	if errors.As(err, &bad) && bad.Code != "000604" && bad.Code != "000630" {
		return nil, &Error{Code: bad.Code, State: bad.State, Message: fmt.Sprintf("%s\n  File '%s', line %d, character 1\n  Row %d\n  If you would like to continue loading when an error is encountered, use other values such as 'SKIP_FILE' or 'CONTINUE' for the ON_ERROR option.", bad.Message, f.path, line, max(rec.number, 1))}
	}
	return out, err
}

// documents calls fn for each document of a file, and keeps in line where it begins. With MULTI_LINE = FALSE a document ends with its line.
func documents(s string, format *copyFormat, line *int, fn func(n node) error) error {
	if !format.multiLine {
		for rest := s; rest != ""; {
			*line++
			var text string
			text, rest, _ = strings.Cut(rest, "\n")
			if strings.TrimSpace(text) == "" {
				continue
			}
			n, err := parseJSON(text, format.allowDuplicate)
			if err != nil {
				return err
			}
			if err := fn(format.reshape(n)); err != nil {
				return err
			}
		}
		return nil
	}
	p := jsonParser{src: s, dup: format.allowDuplicate}
	counted := 0
	*line = 1
	for {
		if p.space(); p.pos >= len(s) {
			return nil
		}
		*line += strings.Count(s[counted:p.pos], "\n")
		counted = p.pos
		n, err := p.value()
		if err != nil {
			return err
		}
		if err := fn(format.reshape(n)); err != nil {
			return err
		}
	}
}

// reshape applies NULL_IF and STRIP_NULL_VALUES to a document's own members.
func (f *copyFormat) reshape(n node) node {
	if len(f.nullIf) == 0 && !f.stripNull {
		return n
	}
	items, keys := n.items[:0:0], n.keys[:0:0]
	for i, item := range n.items {
		if item.kind == '"' && slices.Contains(f.nullIf, unquoteJSON(item.raw)) {
			item = node{kind: 'n', raw: "null"}
		}
		if f.stripNull && item.kind == 'n' && n.kind == '{' {
			continue
		}
		items = append(items, item)
		if n.kind == '{' {
			keys = append(keys, n.keys[i])
		}
	}
	n.items, n.keys = items, keys
	return n
}
