package snowflake

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"testing"
	"time"
)

func TestATokenWithOneWrongPartIsRefused(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{})
	t.Cleanup(s.Close)
	s.AddUser("u", "", &key.PublicKey)
	now := time.Now().Unix()
	verify := func(alg, iss, sub string, iat, exp int64, spoil byte) error {
		e := base64.RawURLEncoding
		text := e.EncodeToString(fmt.Appendf(nil, `{"alg":%q}`, alg)) + "." + e.EncodeToString(fmt.Appendf(nil, `{"iss":%q,"sub":%q,"iat":%d,"exp":%d}`, iss, sub, iat, exp))
		sum := sha256.Sum256([]byte(text))
		sum[0] ^= spoil
		sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return s.verifyJWT(text+"."+e.EncodeToString(sig), "U", s.users["U"])
	}
	sub := "TESTACCOUNT.U"
	iss := sub + "." + fingerprint(&key.PublicKey)
	if err := verify("RS256", iss, sub, now, now+60, 0); err != nil {
		t.Fatalf("a good token was refused: %v", err)
	}
	for what, err := range map[string]error{
		"algorithm":      verify("none", iss, sub, now, now+60, 0),
		"fingerprint":    verify("RS256", sub+".SHA256:x", sub, now, now+60, 0),
		"subject":        verify("RS256", iss, "TESTACCOUNT.V", now, now+60, 0),
		"signature":      verify("RS256", iss, sub, now, now+60, 1),
		"expiry":         verify("RS256", iss, sub, now-120, now-60, 0),
		"life":           verify("RS256", iss, sub, now, now+3700, 0),
		"time of issue":  verify("RS256", iss, sub, now+600, now+660, 0),
		"number of dots": s.verifyJWT("a.b", "U", s.users["U"]),
	} {
		if err == nil {
			t.Errorf("a token with a wrong %s was accepted", what)
		}
	}
}
