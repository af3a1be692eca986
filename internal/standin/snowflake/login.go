package snowflake

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

type loginRequest struct {
	Data struct {
		AccountName   string         `json:"ACCOUNT_NAME"`
		LoginName     string         `json:"LOGIN_NAME"`
		Password      string         `json:"PASSWORD"`
		Authenticator string         `json:"AUTHENTICATOR"`
		Token         string         `json:"TOKEN"`
		Provider      string         `json:"PROVIDER"`
		Parameters    map[string]any `json:"SESSION_PARAMETERS"`
	} `json:"data"`
}

func fingerprint(key *rsa.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return "SHA256:" + base64.StdEncoding.EncodeToString(sum[:])
}

func (s *Server) handleLogin(w http.ResponseWriter, r *http.Request) {
	var req loginRequest
	if err := readJSON(r, &req); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ev := s.event("LOGIN", "", nil)
	ev.User = strings.ToUpper(req.Data.LoginName)
	if applied(w, s.fault(false, ev), "") {
		return
	}
	se, err := s.login(r, &req)
	ev.Err = err
	if applied(w, s.fault(true, ev), "") {
		return
	}
	if err != nil {
		e := asError(err)
		write(w, object{"success": false, "code": e.Code, "message": e.Message, "data": object{"authnMethod": req.Data.Authenticator}})
		return
	}
	var parameters []object
	for name, def := range parameterDefaults {
		var v any = se.parameter(name)
		if def == "true" || def == "false" {
			v = se.flag(name)
		}
		parameters = append(parameters, object{"name": name, "value": v})
	}
	reply(w, object{
		"token": se.token, "masterToken": se.master, "validityInSeconds": int(s.options.SessionToken.Seconds()), "masterValidityInSeconds": int(s.options.MasterToken.Seconds()),
		"displayUserName": se.user, "serverVersion": serverVersion, "firstLogin": false, "healthCheckInterval": 45, "sessionId": se.id, "parameters": parameters,
		"sessionInfo": object{"databaseName": se.database, "schemaName": se.schema, "warehouseName": se.warehouse, "roleName": se.role},
	})
}

func (s *Server) login(r *http.Request, req *loginRequest) (*session, error) {
	u, err := s.authenticate(req)
	if err != nil {
		return nil, err
	}
	se := s.newSession(u.name)
	for name, v := range req.Data.Parameters {
		if known := strings.ToUpper(name); parameterDefaults[known] == "" && !otherParameters[known] && known != "QUERY_TAG" {
			continue // drivers send parameters of their own, which the service does not refuse at login
		}
		if err := se.set(name, fmt.Sprint(v)); err != nil {
			s.endSession(se)
			return nil, err
		}
	}
	q := r.URL.Query()
	if err := s.defaults(se, q.Get("databaseName"), q.Get("schemaName"), q.Get("warehouse"), q.Get("roleName")); err != nil {
		s.endSession(se)
		return nil, err
	}
	s.issue(se)
	return se, nil
}

func (s *Server) authenticate(req *loginRequest) (*user, error) {
	d := &req.Data
	name := strings.ToUpper(d.LoginName)
	switch d.Authenticator {
	case "", "SNOWFLAKE":
		u := s.userOf(name)
		if u == nil || u.password == "" || subtle.ConstantTimeCompare([]byte(u.password), []byte(d.Password)) == 0 {
			return nil, failf("390100", "08001", "Incorrect username or password was specified.")
		}
		return u, nil
	case "SNOWFLAKE_JWT":
		if name == "" { // the driver names the user in the token alone
			name = s.subject(d.Token)
		}
		u := s.userOf(name)
		if err := s.verifyJWT(d.Token, name, u); err != nil {
			return nil, failf("390144", "08001", "JWT token is invalid. %v", err)
		}
		return u, nil
	case "OAUTH", "PROGRAMMATIC_ACCESS_TOKEN", "WORKLOAD_IDENTITY":
		return s.bearer(d.Authenticator, d.Provider, d.Token, name)
	}
	return nil, failf("390139", "08001", "The specified authenticator is not accepted by your Snowflake account configuration.  Please contact your local system administrator to get the correct URL to use.")
}

func (s *Server) userOf(name string) *user {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[name]
}

// subject reads a token's user, which is believed only once the signature is verified with that user's key.
func (s *Server) subject(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	var claims struct{ Sub string }
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(b, &claims) != nil {
		return ""
	}
	return strings.TrimPrefix(claims.Sub, s.options.Account+".")
}

// verifyJWT checks a key-pair token: RS256, iss ACCOUNT.USER.SHA256:fingerprint, sub ACCOUNT.USER, and times (Snowflake docs, "SQL API: key pair
// authentication"; a token lives at most one hour).
func (s *Server) verifyJWT(token, name string, u *user) error {
	if u == nil || u.key == nil {
		return fmt.Errorf("the user has no public key")
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return fmt.Errorf("it has not three parts")
	}
	var header struct{ Alg string }
	var claims struct {
		Iss, Sub string
		Iat, Exp float64
	}
	for i, v := range []any{&header, &claims} {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return err
		}
		if err := json.Unmarshal(b, v); err != nil {
			return err
		}
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	sub := s.options.Account + "." + name
	now := float64(s.now().Unix())
	switch {
	case header.Alg != "RS256":
		return fmt.Errorf("the algorithm is not RS256")
	case rsa.VerifyPKCS1v15(u.key, crypto.SHA256, sum[:], sig) != nil:
		return fmt.Errorf("the signature is wrong")
	case claims.Iss != sub+"."+u.fingerprint:
		return fmt.Errorf("the issuer is wrong")
	case claims.Sub != sub:
		return fmt.Errorf("the subject is wrong")
	case claims.Exp <= now, claims.Exp-claims.Iat > 3600:
		return fmt.Errorf("it has expired")
	case claims.Iat > now+60:
		return fmt.Errorf("it was issued in the future")
	}
	return nil
}

// defaults sets a new session's database, schema, warehouse and role. Missing ones are refused, as the driver asks for by
// ValidateDefaultParameters (390201), and an unknown role is refused in any case (390189).
func (s *Server) defaults(se *session, database, schema, warehouse, role string) error {
	s.cat.mu.Lock()
	defer s.cat.mu.Unlock()
	missing := func(what, name string) error {
		return failf("390201", "08004", "The requested %s does not exist or not authorized.", what+" '"+name+"'")
	}
	if database != "" {
		se.database = foldName(database)
		if _, ok := s.cat.databases[se.database]; !ok {
			return missing("database", database)
		}
		if schema == "" {
			se.schema = "PUBLIC"
		}
	}
	if schema != "" {
		se.schema = foldName(schema)
		if _, ok := s.cat.schemas[schemaName{se.database, se.schema}]; !ok {
			return missing("schema", schema)
		}
	}
	if warehouse != "" {
		se.warehouse = foldName(warehouse)
		if len(s.cat.warehouses) > 0 && !s.cat.warehouses[se.warehouse] {
			return missing("warehouse", warehouse)
		}
	}
	se.role = "PUBLIC"
	if role != "" {
		se.role = foldName(role)
		if len(s.cat.roles) > 0 && !s.cat.roles[se.role] {
			return failf("390189", "08001", "Role '%s' specified in the connect string does not exist or not authorized. Contact your local system administrator, or attempt to login with another role, e.g. PUBLIC.", role)
		}
	}
	return nil
}

// foldName folds a name that came outside of SQL: quotes keep its case.
func foldName(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return strings.ReplaceAll(s[1:len(s)-1], `""`, `"`)
	}
	return strings.ToUpper(s)
}
