package snowflake

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
)

type object = map[string]any

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /session/v1/login-request", s.handleLogin)
	mux.HandleFunc("POST /session/token-request", s.handleRenew)
	mux.HandleFunc("POST /session/heartbeat", s.handleHeartbeat)
	mux.HandleFunc("POST /session", s.handleClose)
	mux.HandleFunc("POST /queries/v1/query-request", s.handleQuery)
	mux.HandleFunc("POST /queries/v1/abort-request", s.handleAbort)
	mux.HandleFunc("GET /queries/{id}/result", s.handleResult)
	mux.HandleFunc("POST /telemetry/send", func(w http.ResponseWriter, _ *http.Request) { reply(w, nil) })
	mux.HandleFunc("PUT /stage/{stage}/{path...}", s.handleUpload)
	return mux
}

func reply(w http.ResponseWriter, data any) {
	write(w, object{"success": true, "code": nil, "message": nil, "data": data})
}

// refuse answers an error the way the service does: HTTP 200, success false.
func refuse(w http.ResponseWriter, err error, queryID string) {
	e := asError(err)
	write(w, object{"success": false, "code": e.Code, "message": e.Message, "data": object{
		"errorCode": e.Code, "sqlState": e.State, "queryId": queryID, "internalError": false, "line": -1, "pos": -1, "type": "COMPILATION", "age": 0,
	}})
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(b) // a client that went away needs no answer
}

// applied carries out what a fault says about the answer, and says whether it did.
func applied(w http.ResponseWriter, f *Fault, queryID string) bool {
	switch {
	case f == nil:
		return false
	case f.Cut:
		panic(http.ErrAbortHandler)
	case f.Status != 0:
		http.Error(w, http.StatusText(f.Status), f.Status)
	case f.Err != nil:
		refuse(w, f.Err, queryID)
	default:
		return false
	}
	return true
}

func readJSON(r *http.Request, v any) error {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			return err
		}
		body = z
	}
	d := json.NewDecoder(body)
	d.UseNumber()
	if err := d.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func bearer(r *http.Request) string {
	return strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Authorization"), `Snowflake Token="`), `"`)
}

func (s *Server) handleRenew(w http.ResponseWriter, r *http.Request) {
	se, err := s.byMasterToken(bearer(r))
	if applied(w, s.fault(false, s.event("RENEW", "", se)), "") {
		return
	}
	if err != nil {
		refuse(w, err, "")
		return
	}
	s.issue(se)
	reply(w, object{"sessionToken": se.token, "validityInSecondsST": int(s.options.SessionToken.Seconds()), "masterToken": se.master,
		"validityInSecondsMT": int(s.options.MasterToken.Seconds()), "sessionId": se.id})
}

func (s *Server) handleHeartbeat(w http.ResponseWriter, r *http.Request) {
	se, err := s.bySessionToken(bearer(r))
	if err != nil {
		refuse(w, err, "")
		return
	}
	s.mu.Lock()
	se.masterExpires = s.now().Add(s.options.MasterToken)
	s.mu.Unlock()
	reply(w, nil)
}

func (s *Server) handleClose(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("delete") != "true" {
		http.NotFound(w, r)
		return
	}
	se, err := s.bySessionToken(bearer(r))
	if applied(w, s.fault(false, s.event("CLOSE", "", se)), "") {
		return
	}
	if err != nil {
		refuse(w, err, "")
		return
	}
	s.endSession(se)
	reply(w, nil)
}

// RoundTripper reaches the server without a socket. What a request's context cancels is only the wait for the answer, as
// with a real connection.
func (s *Server) RoundTripper() http.RoundTripper { return inProcess{s} }

type inProcess struct{ s *Server }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		if closeErr := r.Body.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return nil, err
		}
	}
	in := r.Clone(r.Context())
	in.Body = io.NopCloser(bytes.NewReader(body))
	in.ContentLength = int64(len(body))
	in.Host = r.URL.Host
	in.RequestURI = r.URL.RequestURI()
	type answer struct {
		w   *httptest.ResponseRecorder
		cut bool
	}
	done := make(chan answer, 1)
	go func() {
		a := answer{w: httptest.NewRecorder(), cut: true}
		defer func() {
			if p := recover(); p != nil && p != any(http.ErrAbortHandler) {
				panic(p)
			}
			done <- a
		}()
		t.s.handler.ServeHTTP(a.w, in)
		a.cut = false
	}()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case a := <-done:
		if a.cut {
			return nil, io.ErrUnexpectedEOF
		}
		resp := a.w.Result()
		resp.Request = r
		return resp, nil
	}
}
