package sts

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Role is a role that can be assumed.
type Role struct {
	ARN string
	// Trusted are the access keys whose owners may assume the role.
	Trusted []string
	// ExternalID is what the trust policy asks for, if anything.
	ExternalID string
	// WebIdentity is the token that may assume the role without a key; empty: none may.
	WebIdentity string
}

// Credentials are what the service gave for one call.
type Credentials struct {
	Role, Session, CallerKey         string // CallerKey is empty for a web identity
	AccessKeyID, Secret, Token       string
	Expires                          time.Time
	ExternalID, Region, CallersToken string // as the caller sent them
}

// Server is one STS. Its methods may be called from any goroutine.
type Server struct {
	now func() time.Time

	mu    sync.Mutex
	roles map[string]Role
	given []Credentials
}

// New makes a server; now may be nil.
func New(now func() time.Time) *Server {
	if now == nil {
		now = time.Now
	}
	return &Server{now: now, roles: map[string]Role{}}
}

// AddRole makes a role, or replaces it.
func (s *Server) AddRole(r Role) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.roles[r.ARN] = r
}

// Given lists the credentials that were given so far.
func (s *Server) Given() []Credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.given)
}

type fault struct {
	status        int
	code, message string
}

type credentialsXML struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

var (
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	signer      = regexp.MustCompile(`Credential=([^/]+)/[0-9]{8}/([a-z0-9-]+)/sts/aws4_request`)
)

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	action := r.Form.Get("Action")
	c, f := s.assume(action, r)
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("x-amzn-RequestId", "00000000-0000-0000-0000-000000000000")
	if f != nil {
		w.WriteHeader(f.status)
		fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code><Message>`, f.code)
		_ = xml.EscapeText(w, []byte(f.message))
		fmt.Fprint(w, `</Message></Error><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>`)
		return
	}
	fmt.Fprintf(w, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult>`, action)
	_ = xml.NewEncoder(w).EncodeElement(credentialsXML{c.AccessKeyID, c.Secret, c.Token, c.Expires.UTC().Format(time.RFC3339)},
		xml.StartElement{Name: xml.Name{Local: "Credentials"}})
	fmt.Fprintf(w, `<AssumedRoleUser><Arn>%s/%s</Arn><AssumedRoleId>AROA:%s</AssumedRoleId></AssumedRoleUser>`, c.Role, c.Session, c.Session)
	fmt.Fprintf(w, `</%[1]sResult><ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata></%[1]sResponse>`, action)
}

func (s *Server) assume(action string, r *http.Request) (Credentials, *fault) {
	form := r.Form
	c := Credentials{Role: form.Get("RoleArn"), Session: form.Get("RoleSessionName"), ExternalID: form.Get("ExternalId"),
		CallersToken: r.Header.Get("X-Amz-Security-Token")}
	if m := signer.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		c.CallerKey, c.Region = m[1], m[2]
	}
	duration := time.Hour
	if d := form.Get("DurationSeconds"); d != "" {
		n, err := strconv.Atoi(d)
		if err != nil || n < 900 || n > 43200 {
			return c, &fault{http.StatusBadRequest, "ValidationError", "1 validation error detected: Value at 'durationSeconds' failed to satisfy constraint"}
		}
		duration = time.Duration(n) * time.Second
	}
	if !sessionName.MatchString(c.Session) {
		return c, &fault{http.StatusBadRequest, "ValidationError", "1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint: [\\w+=,.@-]*"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	role, ok := s.roles[c.Role]
	switch action {
	case "AssumeRole":
		switch {
		case c.CallerKey == "":
			return c, &fault{http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token"}
		case !ok || !slices.Contains(role.Trusted, c.CallerKey) || role.ExternalID != "" && role.ExternalID != c.ExternalID:
			// The service does not say which of these it was.
			return c, &fault{http.StatusForbidden, "AccessDenied", "User: " + c.CallerKey + " is not authorized to perform: sts:AssumeRole on resource: " + c.Role}
		}
	case "AssumeRoleWithWebIdentity":
		switch {
		case !ok || role.WebIdentity == "":
			return c, &fault{http.StatusForbidden, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
		case strings.TrimSpace(form.Get("WebIdentityToken")) != role.WebIdentity:
			return c, &fault{http.StatusBadRequest, "InvalidIdentityToken", "The ID Token provided is not a valid JWT."}
		}
		c.CallerKey = ""
	default:
		return c, &fault{http.StatusBadRequest, "InvalidAction", "Could not find operation " + action + " for version 2011-06-15"}
	}
	n := len(s.given) + 1
	c.AccessKeyID, c.Secret, c.Token = fmt.Sprintf("ASIA%016d", n), fmt.Sprintf("secret-%d", n), fmt.Sprintf("token-%d", n)
	c.Expires = s.now().Add(duration)
	s.given = append(s.given, c)
	return c, nil
}
