package config

import (
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
)

// logins are the ways to log in to Snowflake, each by its key in section sink. A file has exactly one.
var logins = []string{"private_key", "workload_identity", "spcs", "oauth_token_file", "pat", "password"}

const limitsLogin = "exactly one of private_key, workload_identity, spcs, oauth_token_file, pat, password; private_key, pat and password may each end in _file"

// belongs names the keys that have a meaning beside one login alone, and for workload_identity beside some of its providers.
var belongs = []struct {
	key, login string
	providers  []WorkloadIdentity
}{
	{"private_key_passphrase", "private_key", nil},
	{"workload_identity_token_file", "workload_identity", []WorkloadIdentity{WorkloadOIDC}},
	{"workload_identity_impersonation_path", "workload_identity", []WorkloadIdentity{WorkloadAWS, WorkloadGCP}},
	{"workload_identity_entra_resource", "workload_identity", []WorkloadIdentity{WorkloadAzure}},
	{"spcs_token_file", "spcs", nil},
}

// login checks that a file says in one way how to log in, and all that this way needs.
func (d *decoder) login(s *Sink) {
	if d.faulty("sink") {
		return
	}
	var given []string
	for _, l := range logins {
		if d.given("sink."+l) && (l != "spcs" || s.SPCS || d.faulty("sink.spcs")) {
			given = append(given, l)
		}
	}
	if len(given) == 1 {
		d.loginAlone(given[0], s)
		return
	}
	d.needAccount()
	d.needUser()
	if len(given) == 0 {
		d.fail(d.place("sink"), "sink", "has no way to log in", limitsLogin)
		return
	}
	for _, l := range given[1:] {
		key := "sink." + l
		d.fail(d.place(key, key+"_file"), key, "cannot be given together with sink."+given[0], limitsLogin)
	}
}

func (d *decoder) loginAlone(login string, s *Sink) {
	d.strangers(login, s.WorkloadIdentity)
	if login == "spcs" {
		d.spcs(s)
	} else {
		d.needAccount()
	}
	switch login {
	case "private_key":
		d.needUser()
		d.encrypted(s)
	case "password":
		d.needUser()
	case "workload_identity":
		const key = "sink.workload_identity_token_file"
		if s.WorkloadIdentity == WorkloadOIDC && !d.given(key) {
			d.fail(d.place(key, "sink.workload_identity"), key, "is required with workload_identity: OIDC, and missing", "the name of the file that holds the ID token")
		}
	}
}

// strangers refuses the keys that belong to another login.
func (d *decoder) strangers(login string, provider WorkloadIdentity) {
	for _, b := range belongs {
		key := "sink." + b.key
		if !d.given(key) {
			continue
		}
		only := "only with " + b.login
		if b.providers != nil {
			var names []string
			for _, p := range b.providers {
				names = append(names, string(p))
			}
			only += ": " + strings.Join(names, " or ")
		}
		switch {
		case login != b.login:
			d.fail(d.place(key, key+"_file"), key, "is given without sink."+b.login, only)
		case b.providers != nil && provider != "" && !slices.Contains(b.providers, provider):
			d.fail(d.at[key], key, fmt.Sprintf("has no meaning with workload_identity: %s", provider), only)
		}
	}
}

// need reports a key that is missing although, this time, it is required.
func (d *decoder) need(key, limits string) {
	if !d.set[key] && !d.faulty(key) {
		d.fail(d.place(key, "sink"), key, "is required and missing", limits)
	}
}

func (d *decoder) needAccount() { d.need("sink.account", limitsAccount) }

func (d *decoder) needUser() { d.need("sink.user", limitsSQL) }

func (d *decoder) encrypted(s *Sink) {
	const key, phrase = "sink.private_key", "sink.private_key_passphrase"
	if block, _ := pem.Decode([]byte(s.PrivateKey.Reveal())); block != nil && block.Type == "ENCRYPTED PRIVATE KEY" && !d.given(phrase) {
		d.fail(d.place(key+"_file", key), key, "is encrypted and has no passphrase", "private_key_passphrase or private_key_passphrase_file beside it")
	}
}

// spcs takes account and host from what Snowpark Container Services tells its containers; the token is good at that host alone.
func (d *decoder) spcs(s *Sink) {
	const key = "sink.spcs"
	if d.faulty(key) {
		return
	}
	if s.SPCSTokenFile == "" && !d.faulty("sink.spcs_token_file") {
		s.SPCSTokenFile = DefaultSPCSTokenFile
		if _, err := d.content(s.SPCSTokenFile); err != nil {
			d.fail(d.at[key], key, fmt.Sprintf("reads the file %s, which %s", s.SPCSTokenFile, err), "true inside Snowpark Container Services; elsewhere another way to log in")
		}
	}
	fill := func(dst *string, key, name, value string, good func(string) bool) {
		if *dst != "" || d.faulty("sink."+key) {
			return
		}
		if v, ok := d.env(name); !ok || v == "" {
			d.fail(d.at["sink.spcs"], "sink."+key, "is missing, and so is the environment variable "+name+", which Snowpark Container Services sets", "the key itself where the variable is not passed on")
		} else if value += v; !good(value) {
			d.fail(d.at["sink.spcs"], "sink."+key, "is taken from the environment variable "+name+", which does not have the right form", "the key itself")
		} else {
			*dst = value
		}
	}
	fill(&s.Account, "account", "SNOWFLAKE_ACCOUNT", "", isAccount)
	fill(&s.URL, "url", "SNOWFLAKE_HOST", "https://", isEndpoint)
}
