package snowflake

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	sf "github.com/snowflakedb/gosnowflake/v2"
)

// TokenSource gives the token for one login. It is called at each of them, so that a token that was replaced is used at once.
type TokenSource func() (string, error)

// Token is a TokenSource of one token.
func Token(token string) TokenSource {
	return func() (string, error) { return token, nil }
}

// maxToken bounds what is read of a token's file; tokens have a few KiB.
const maxToken = 64 << 10

// TokenFile is a TokenSource that reads a file each time, without the white space around the token: the driver would send a
// newline along, and Snowflake refuse the token for it. (gosnowflake v2.1.0, observed)
func TokenFile(name string) TokenSource {
	return func() (string, error) {
		f, err := os.Open(name)
		if err != nil {
			return "", fmt.Errorf("read token: %w", err)
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxToken+1))
		if err != nil {
			return "", fmt.Errorf("read token: %w", err)
		}
		token := strings.TrimSpace(string(data))
		switch {
		case len(data) > maxToken:
			return "", fmt.Errorf("read token: %s is larger than 64 KiB", name)
		case token == "":
			return "", fmt.Errorf("read token: %s is empty", name)
		}
		return token, nil
	}
}

// Workload is an identity that the program has in its cloud, or with an OIDC provider.
type Workload struct {
	Provider string      // AWS, GCP, AZURE or OIDC
	Token    TokenSource // OIDC's ID token
	Path     []string    // AWS, GCP: identities to take on, one through the other
	Resource string      // AZURE: the Entra ID application that the token is for; empty is Snowflake's
}

// authenticate puts in what the driver needs to log in once.
func (l Login) authenticate(cfg *sf.Config) (err error) {
	switch {
	case l.PrivateKey != nil:
		cfg.Authenticator, cfg.PrivateKey = sf.AuthTypeJwt, l.PrivateKey
	case l.OAuth != nil:
		cfg.Authenticator = sf.AuthTypeOAuth
		cfg.Token, err = l.OAuth()
	case l.PAT != nil:
		cfg.Authenticator = sf.AuthTypePat
		cfg.Token, err = l.PAT()
	case l.Workload != nil:
		cfg.Authenticator = sf.AuthTypeWorkloadIdentityFederation
		cfg.WorkloadIdentityProvider = l.Workload.Provider
		cfg.WorkloadIdentityImpersonationPath = l.Workload.Path
		cfg.WorkloadIdentityEntraResource = l.Workload.Resource
		if l.Workload.Token != nil {
			cfg.Token, err = l.Workload.Token()
		}
	default:
		cfg.Authenticator, cfg.Password = sf.AuthTypeSnowflake, l.Password
	}
	return err
}

// classify sorts an error of a login. What Snowflake refuses here is permanent but for what it is known to take the next time:
// nothing was under way that could be in doubt.
func (l Login) classify(err error) error {
	out := classify("", err)
	e, ok := errors.AsType[*Error](out)
	if !ok {
		return out
	}
	if e.Code == 0 {
		l.unattested(e)
		if e.Hint == "" {
			e.Hint = "see that this machine reaches " + l.host() + ": sink.account, sink.url, network, proxy"
		}
		return out
	}
	switch {
	case slices.Contains([]int{390104, 390111, 390112, 390114, 390115}, e.Code):
		return out // a session that ended as it began
	case e.Code == 390318:
		e.Hint = "the token has expired; it is read again at the next login, so whatever writes its file must replace it"
	case e.Code == 390139:
		e.Class, e.Hint = Permanent, "the account or an authentication policy does not allow this way to log in"
	case e.Class == Gone && (e.Code/1000 == 390 || e.Code/1000 == 394):
		e.Class = Permanent
	}
	switch {
	case e.Class != Permanent:
	case l.Workload != nil && (e.Code == 390100 || e.Code == 390144 || e.Hint == ""):
		e.Hint = "check that a user of the account has WORKLOAD_IDENTITY = (TYPE = " + l.Workload.Provider + " ...) with this program's identity"
	case l.OAuth != nil && e.Code == 390303:
		e.Hint = "check the access token: the account must be its audience, and trust who issued it"
	case l.OAuth != nil && e.Code == 390309:
		e.Hint = "the access token is another user's: correct sink.user, or leave it out"
	case l.PAT != nil && e.Code == 394400:
		e.Hint = "the programmatic access token is wrong, expired or disabled, or not of sink.user: ALTER USER ... ROTATE PROGRAMMATIC ACCESS TOKEN, or ADD one"
	}
	return out
}

// unattested says what a workload identity needs where the program could not show one.
func (l Login) unattested(e *Error) {
	if l.Workload == nil {
		return
	}
	switch text := e.Err.Error(); {
	case strings.Contains(text, "no AWS region was found"), strings.Contains(text, "AWS attestation service could not be created"):
		e.Class, e.Hint = Permanent, "set AWS_REGION: workload_identity AWS needs a region, and the instance's metadata service told none"
	case strings.Contains(text, "AWS"), strings.Contains(text, "get credentials"), strings.Contains(text, "STS"):
		e.Hint = "workload_identity AWS uses the AWS default chain: environment, profile, web identity, container and instance roles"
	case strings.Contains(text, "no GCP token was found"), strings.Contains(text, "could not fetch Azure token"):
		e.Hint = "the cloud's metadata service gave no token: is this program's workload there, with an identity of its own?"
	case strings.Contains(text, "JWT"):
		e.Class, e.Hint = Permanent, "the token is no ID token (a JWT with iss and sub)"
	}
}

// host is where the log-in goes to, for messages.
func (l Login) host() string {
	if l.URL != "" {
		return l.URL
	}
	return l.Account + ".snowflakecomputing.com"
}
