package validate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// maxSchema is how large a schema file may be, in bytes. It is read whole.
const maxSchema = 16 << 20

// loader gives the library the schema's files, and nothing else.
type loader struct {
	dir   string            // absolute; empty: there are no other files
	base  *url.URL          // of the files as references may name them; nil if the schema has no $id
	texts map[string][]byte // by URL, as read; complete once the schema is compiled
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// text returns the file of an address, which may be that of the $id in it; nil if there is none.
func (l *loader) text(address string) []byte {
	if text, ok := l.texts[address]; ok {
		return text
	}
	for at, text := range l.texts {
		base, err := url.Parse(at)
		if err != nil {
			continue
		}
		for _, id := range ids(text) {
			if !id.IsAbs() {
				id = base.ResolveReference(id)
			}
			if withoutFragment(id) == address {
				return text
			}
		}
	}
	return nil
}

// load opens what a reference names.
func (l *loader) load(ref string) (io.ReadCloser, error) {
	if text, ok := l.texts[ref]; ok {
		return io.NopCloser(bytes.NewReader(text)), nil
	}
	name, err := l.file(ref)
	if err != nil {
		return nil, err
	}
	text, err := readInside(l.dir, name)
	if err != nil {
		return nil, fmt.Errorf("read the schema that $ref names, %s: %w", ref, err)
	}
	text = bytes.TrimPrefix(text, byteOrderMark)
	if err := checkNumbers(text); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	l.texts[ref] = text
	return io.NopCloser(bytes.NewReader(text)), nil
}

// file returns the file that a reference names, relative to the folder.
func (l *loader) file(ref string) (string, error) {
	u, err := url.Parse(ref)
	if err != nil {
		return "", fmt.Errorf("read $ref %.200q: %w", ref, err)
	}
	outside := fmt.Errorf("$ref leads to %s, and only files in the schema file's folder are read: copy that schema there and name it by its file name", ref)
	if l.dir == "" {
		return "", outside
	}
	root := filepath.ToSlash(l.dir)
	if u.Scheme != "file" {
		if u.Host == "json-schema.org" {
			return "", fmt.Errorf("$schema or $ref leads to %s: the drafts 4, 6, 7, 2019-09 and 2020-12 are known, and nothing is fetched", ref)
		}
		if l.base == nil || u.Scheme != l.base.Scheme || u.Host != l.base.Host || u.RawQuery != "" {
			return "", outside
		}
		root = path.Dir("/" + strings.TrimPrefix(l.base.Path, "/"))
	}
	name, found := strings.CutPrefix(path.Clean("/"+u.Path), strings.TrimSuffix(root, "/")+"/")
	if !found {
		return "", outside
	}
	return name, nil
}

// readInside reads a file below a folder, out of which no link leads.
func readInside(dir, name string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("not a file")}
	}
	if info.Size() > maxSchema {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("larger than %d bytes", maxSchema)}
	}
	return io.ReadAll(io.LimitReader(f, maxSchema))
}
