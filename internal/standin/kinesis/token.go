package kinesis

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"
)

// tokenLife is how long shard iterators and list tokens are good for: 300 s for both.
const tokenLife = 300 * time.Second

// sealer makes tokens that a client can neither read nor forge, and that no other server accepts.
type sealer struct {
	aead  cipher.AEAD
	count atomic.Uint64
}

// token is what every token carries; the meaning of the last three is its kind's.
type token struct {
	issued  int64 // milliseconds since the Unix epoch
	stream  uint64
	a, b, c uint64
}

const (
	iteratorToken = "iterator"
	listToken     = "list"
	consumerToken = "consumers"

	tokenWords  = 5
	tokenPad    = 96 // the service's iterators are some 200 characters
	tokenLength = 12 + 8*tokenWords + tokenPad + 16
)

func newSealer() *sealer {
	var key [16]byte
	rand.Read(key[:]) // never fails: crypto/rand aborts the program instead
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(fmt.Sprintf("make token cipher: %v", err)) // a 16-byte key is always accepted
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(fmt.Sprintf("make token cipher: %v", err)) // AES has GCM's block size
	}
	return &sealer{aead: aead}
}

func (s *sealer) seal(kind string, t token) string {
	buf := make([]byte, 12, tokenLength)
	binary.BigEndian.PutUint64(buf[4:], s.count.Add(1))
	plain := make([]byte, 0, 8*tokenWords+tokenPad)
	for _, w := range [tokenWords]uint64{uint64(t.issued), t.stream, t.a, t.b, t.c} {
		plain = binary.BigEndian.AppendUint64(plain, w)
	}
	plain = plain[:cap(plain)]
	return base64.StdEncoding.EncodeToString(s.aead.Seal(buf, buf, plain, []byte(kind)))
}

func (s *sealer) open(kind, text string) (token, bool) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != tokenLength {
		return token{}, false
	}
	plain, err := s.aead.Open(nil, raw[:12], raw[12:], []byte(kind))
	if err != nil {
		return token{}, false
	}
	w := func(i int) uint64 { return binary.BigEndian.Uint64(plain[8*i:]) }
	return token{int64(w(0)), w(1), w(2), w(3), w(4)}, true
}

func (t token) expired(now time.Time) bool {
	return now.UnixMilli()-t.issued > tokenLife.Milliseconds()
}
