package snowflake

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

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
