package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/aws/smithy-go/eventstream"
	"github.com/google/go-cmp/cmp"
)

func TestSizeIsToldBeforeTheEventIsRead(t *testing.T) {
	small, large := event(t, eventBody(`"5"`)), event(t, eventBody(`"6"`, `{"SequenceNumber":"1","Data":"`+strings.Repeat("QUJD", 10_000)+`"}`))
	s := subscription(t, small, large)
	a, stop := new(Answer), errors.New("no room")
	var told []int64
	err := s.Next(a, func(n int64) error { told = append(told, n); return nil })
	if err != nil || a.Size() != len(small) {
		t.Fatalf("%v, holds %d", err, a.Size())
	}
	if err := s.Next(a, func(n int64) error { told = append(told, n); return stop }); !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
	if want := []int64{int64(len(small)), int64(len(large))}; !cmp.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}

func TestFrameOfNoSenseIsRefusedUnread(t *testing.T) {
	prelude := func(size, headers, flip uint32) []byte {
		b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, size), headers)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)^flip)
	}
	for _, bad := range [][]byte{prelude(1<<20, 0, 1), prelude(mostFrame+1, 0, 0), prelude(15, 0, 0), prelude(100, 85, 0), prelude(1<<20, mostHeaders+1, 0)} {
		if err := subscription(t, bad).Next(new(Answer), func(int64) error { t.Errorf("asked for room for %x", bad); return nil }); err == nil {
			t.Errorf("%x is taken", bad)
		}
	}
}

// again is an endless stream of one frame.
type again struct {
	frame []byte
	at    int
}

func (r *again) Read(p []byte) (int, error) {
	if r.at == len(r.frame) {
		r.at = 0
	}
	n := copy(p, r.frame[r.at:])
	r.at += n
	return n, nil
}

func FuzzFrame(f *testing.F) {
	f.Add(initial(f))
	f.Add(event(f, eventBody(`"5"`, `{"SequenceNumber":"1","Data":"QUJD"}`)))
	f.Add(exception(f, "ResourceInUseException", `{"message":"taken"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		// The fuzzer cannot guess a checksum, so they are made good: what is inside is what is tried.
		if len(b) >= leastFrame {
			b = seal(b)
		}
		want, wantErr := eventstream.NewDecoder().Decode(bytes.NewReader(b), nil)
		s := &Subscription{body: io.NopCloser(bytes.NewReader(b))}
		got, err := s.frame(admitAll)
		if err != nil {
			return // stricter than the SDK here and there
		}
		defer got.buf.put()
		if wantErr != nil {
			t.Fatalf("a frame that the SDK refuses is taken: %v", wantErr)
		}
		if !bytes.Equal(got.payload, want.Payload) {
			t.Fatalf("payload %q, want %q", got.payload, want.Payload)
		}
		if v, ok := want.Headers.Get(":message-type").(eventstream.StringValue); ok && string(got.kind) != string(v) {
			t.Fatalf("type %q, want %q", got.kind, v)
		}
		a := new(Answer)
		a.buf, a.Body = got.buf, got.size
		if _, err := got.decode(a); err == nil {
			_ = fmt.Sprint(a.Records)
		}
	})
}
