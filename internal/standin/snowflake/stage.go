package snowflake

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

// A stage is a named internal stage. Its files are kept in memory, or below dir.
type stage struct {
	name    TableName
	key     string // in upload URLs
	created time.Time
	dir     string

	mu    sync.Mutex
	files map[string]stagedFile
}

type stagedFile struct {
	path     string
	data     []byte // nil for a file below dir
	size     int64
	md5      string
	modified time.Time
}

// stageRef splits @"DB"."SCHEMA"."STAGE"/path and finds the stage. User and table stages are not offered.
func (st *execution) stageRef(ref string) (*stage, string, error) {
	rest := strings.TrimPrefix(ref, "@")
	if strings.HasPrefix(rest, "~") || strings.HasPrefix(rest, "%") {
		return nil, "", fmt.Errorf("%w: user and table stages", ErrUnsupported)
	}
	end, quoted := len(rest), false
	for i, c := range []byte(rest) {
		if c == '"' {
			quoted = !quoted
		} else if c == '/' && !quoted {
			end = i
			break
		}
	}
	n, err := syntax.ParseName(rest[:end])
	if err != nil {
		return nil, "", err
	}
	name, err := st.session.qualify(n)
	if err != nil {
		return nil, "", err
	}
	c := st.server.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stages[name]
	if s == nil {
		return nil, "", notFound("Stage", name)
	}
	return s, cleanPath(rest[end:]), nil
}

// cleanPath takes double and leading slashes out of a path; a slash at its end stays.
func cleanPath(p string) string {
	var parts []string
	for _, s := range strings.Split(p, "/") {
		if s != "" && s != "." && s != ".." {
			parts = append(parts, s)
		}
	}
	clean := strings.Join(parts, "/")
	if clean != "" && strings.HasSuffix(p, "/") {
		clean += "/"
	}
	return clean
}

func (st *execution) createStage(s *syntax.CreateStage) (*answer, error) {
	name, err := st.session.qualify(s.Name)
	if err != nil {
		return nil, err
	}
	if err := st.server.allowed("CREATE STAGE", "schema", schemaName{name.Database, name.Schema}); err != nil {
		return nil, err
	}
	for _, o := range s.Options {
		switch o.Name {
		case "ENCRYPTION":
			if kind := optionText(o.Options, "TYPE"); kind != "SNOWFLAKE_SSE" && kind != "SNOWFLAKE_FULL" {
				return nil, compileError("invalid value [%s] for parameter 'ENCRYPTION'", kind)
			}
		case "COMMENT", "FILE_FORMAT", "DIRECTORY", "COPY_OPTIONS":
		default:
			return nil, compileError("invalid property '%s' for 'STAGE'", o.Name)
		}
	}
	c := st.server.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.requireSchema(name); err != nil {
		return nil, err
	}
	if c.stages[name] != nil && !s.OrReplace {
		if s.IfNotExists {
			return status(typeDDL, "%s already exists, statement succeeded.", name.Table), nil
		}
		return nil, alreadyExists(name)
	}
	g := &stage{name: name, key: "s" + strconv.FormatInt(c.id(), 10), created: st.now, files: map[string]stagedFile{}}
	if root := st.server.options.StageDir; root != "" {
		g.dir = filepath.Join(root, g.key)
		if err := os.MkdirAll(g.dir, 0o755); err != nil {
			return nil, fmt.Errorf("create stage folder: %w", err)
		}
	}
	c.stages[name] = g
	return status(typeDDL, "Stage area %s successfully created.", name.Table), nil
}

// list gives the files whose path begins with prefix, sorted.
func (g *stage) list(prefix string) ([]stagedFile, error) {
	var out []stagedFile
	if g.dir != "" {
		err := filepath.WalkDir(g.dir, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel, err := filepath.Rel(g.dir, p)
			if err != nil || !strings.HasPrefix(filepath.ToSlash(rel), prefix) {
				return err
			}
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			out = append(out, stagedFile{path: filepath.ToSlash(rel), data: b, size: info.Size(), md5: digest(b), modified: info.ModTime()})
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("list stage folder: %w", err)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for p, f := range g.files {
		if strings.HasPrefix(p, prefix) {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b stagedFile) int { return strings.Compare(a.path, b.path) })
	return out, nil
}

func (g *stage) find(p string) (stagedFile, bool, error) {
	if g.dir == "" {
		g.mu.Lock()
		defer g.mu.Unlock()
		f, ok := g.files[p]
		return f, ok, nil
	}
	list, err := g.list(p)
	for _, f := range list {
		if f.path == p {
			return f, true, nil
		}
	}
	return stagedFile{}, false, err
}

func digest(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

func (g *stage) store(p string, data []byte, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.files[p] = stagedFile{path: p, data: data, size: int64(len(data)), md5: digest(data), modified: now}
}
