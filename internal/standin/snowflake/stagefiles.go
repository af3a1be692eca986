package snowflake

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

// put answers where the client shall upload to. With OVERWRITE = FALSE a name that exists keeps its content, as on AWS and
// Azure; the driver reports SKIPPED only for a LOCAL_FS stage, as it does not look at what a presigned URL holds.
func (st *execution) put(s *syntax.Put) (*answer, error) {
	g, prefix, err := st.stageRef(s.Stage)
	if err != nil {
		return nil, err
	}
	if err := st.server.allowed("WRITE", "stage", g.name); err != nil {
		return nil, err
	}
	compress, overwrite, source := true, false, "auto_detect"
	for _, o := range s.Options {
		v := ""
		if len(o.Values) == 1 {
			v = strings.ToUpper(o.Values[0])
		}
		switch o.Name {
		case "AUTO_COMPRESS":
			compress = v == "TRUE"
		case "OVERWRITE":
			overwrite = v == "TRUE"
		case "PARALLEL":
		case "SOURCE_COMPRESSION":
			if !slices.Contains([]string{"AUTO_DETECT", "GZIP", "BZ2", "BROTLI", "ZSTD", "DEFLATE", "RAW_DEFLATE", "NONE"}, v) {
				return nil, compileError("invalid value [%s] for parameter 'SOURCE_COMPRESSION'", v)
			}
			source = strings.ToLower(v)
		default:
			return nil, compileError("invalid parameter '%s'", o.Name)
		}
	}
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	info := object{"locationType": "GCS", "location": "stage/" + g.key + "/" + prefix, "path": prefix, "region": "", "storageAccount": nil, "endPoint": nil, "isClientSideEncrypted": false, "creds": object{}}
	if g.dir != "" {
		dir := filepath.Join(g.dir, filepath.FromSlash(prefix))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("create stage folder: %w", err)
		}
		if overwrite { // gosnowflake's LOCAL_FS writer does not truncate an older, longer file
			if err := os.Remove(filepath.Join(dir, path.Base(s.File))); err != nil && !os.IsNotExist(err) {
				return nil, fmt.Errorf("overwrite staged file: %w", err)
			}
		}
		info["locationType"], info["location"] = "LOCAL_FS", dir
	} else {
		u := url.URL{Path: "/stage/" + g.key + "/" + prefix + path.Base(s.File)}
		q := url.Values{"signature": {"valid"}, "overwrite": {strconv.FormatBool(overwrite)}}
		info["presignedUrl"] = u.EscapedPath() + "?" + q.Encode()
	}
	return &answer{upload: object{"command": "UPLOAD", "operation": "Node", "src_locations": []string{s.File}, "parallel": 4, "autoCompress": compress, "overwrite": overwrite,
		"sourceCompression": source, "clientShowEncryptionParameter": false, "stageInfo": info, "encryptionMaterial": nil, "statementTypeId": 0x7102}}, nil
}

func (s *Server) handleUpload(w http.ResponseWriter, r *http.Request) {
	ev := s.event("UPLOAD", r.URL.Path, nil)
	if applied(w, s.fault(false, ev), "") {
		return
	}
	s.cat.mu.Lock()
	var g *stage
	for _, c := range s.cat.stages {
		if c.key == r.PathValue("stage") {
			g = c
		}
	}
	s.cat.mu.Unlock()
	if g == nil || r.URL.Query().Get("signature") == "" {
		http.Error(w, "no such bucket", http.StatusForbidden)
		return
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client broke off: nothing is stored, as an object store does it
	}
	p := cleanPath(r.PathValue("path"))
	_, exists, _ := g.find(p)
	if !exists || r.URL.Query().Get("overwrite") == "true" {
		g.store(p, b, s.now())
	}
	if applied(w, s.fault(true, ev), "") {
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (st *execution) matching(ref, pattern, privilege string) (*stage, []stagedFile, error) {
	g, prefix, err := st.stageRef(ref)
	if err != nil {
		return nil, nil, err
	}
	if err := st.server.allowed(privilege, "stage", g.name); err != nil {
		return nil, nil, err
	}
	files, err := g.list(prefix)
	if err != nil || pattern == "" {
		return g, files, err
	}
	re, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return nil, nil, compileError("invalid pattern '%s'", pattern)
	}
	return g, slices.DeleteFunc(files, func(f stagedFile) bool { return !re.MatchString(f.path) }), nil
}

func (st *execution) list(s *syntax.List) (*answer, error) {
	g, files, err := st.matching(s.Stage, s.Pattern, "READ")
	if err != nil {
		return nil, err
	}
	a := &answer{kind: typeList, columns: []Column{textColumn("name"), numberColumn("size"), textColumn("md5"), textColumn("last_modified")}}
	for _, f := range files {
		a.rows = append(a.rows, []Value{TextValue(strings.ToLower(g.name.Table) + "/" + f.path), IntValue(f.size), TextValue(f.md5), TextValue(f.modified.UTC().Format(http.TimeFormat))})
	}
	return a, nil
}

func (st *execution) remove(s *syntax.Remove) (*answer, error) {
	g, files, err := st.matching(s.Stage, s.Pattern, "WRITE")
	if err != nil {
		return nil, err
	}
	a := &answer{kind: typeRemove, columns: []Column{textColumn("name"), textColumn("result")}}
	for _, f := range files {
		if g.dir != "" {
			if err := os.Remove(filepath.Join(g.dir, filepath.FromSlash(f.path))); err != nil && !os.IsNotExist(err) {
				return nil, fmt.Errorf("remove staged file: %w", err)
			}
		}
		g.mu.Lock()
		delete(g.files, f.path)
		g.mu.Unlock()
		a.rows = append(a.rows, []Value{TextValue(strings.ToLower(g.name.Table) + "/" + f.path), TextValue("removed")})
	}
	return a, nil
}
