package snowflake

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// StatementOf reads the SQL of a client's request and leaves its body as it was, for a transport that loses or delays
// chosen requests before they reach a server. It is "UPLOAD" for a file on its way to a stage, "LOGIN" for a log-in, and
// the path of any other request without SQL.
func StatementOf(r *http.Request) (string, error) {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/stage/"):
		return "UPLOAD", nil
	case strings.HasPrefix(path, "/session/v1/login-request"):
		return "LOGIN", nil
	case path != "/queries/v1/query-request":
		return path, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return "", err
		}
		if body, err = io.ReadAll(z); err != nil {
			return "", err
		}
	}
	var q struct {
		SQL string `json:"sqlText"`
	}
	err = json.Unmarshal(body, &q)
	return q.SQL, err
}
