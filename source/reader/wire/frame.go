package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/aws/smithy-go"
)

// A frame of Amazon's event stream encoding: a prelude (the frame's length, the headers' length, a CRC of both), the
// headers, the payload, and a CRC of all before it; numbers are big-endian.
const (
	preludeSize = 12
	leastFrame  = preludeSize + 4
	// An event has at most 10 MiB of records, 13.6 MiB in base64, and the keys of 10,000 records.
	mostFrame   = 32 << 20
	mostHeaders = 128 << 10
)

type frame struct {
	buf  *buffer
	size int // of the whole frame
	at   time.Time

	kind, event, exception, code, text []byte // headers; parts of buf
	payload                            []byte // a part of buf
}

var (
	errChecksum = errors.New("the checksum is wrong")
	errHeaders  = errors.New("the headers break off")
)

// frame reads one frame. The caller puts its buffer back.
func (s *Subscription) frame(admit func(size int64) error) (frame, error) {
	p := s.prelude[:]
	if _, err := io.ReadFull(s.body, p); err != nil {
		return frame{}, err // io.EOF only where a frame would begin
	}
	f := frame{size: int(binary.BigEndian.Uint32(p)), at: time.Now()}
	headers := int(binary.BigEndian.Uint32(p[4:]))
	switch {
	case crc32.ChecksumIEEE(p[:8]) != binary.BigEndian.Uint32(p[8:]):
		return frame{}, frameError(errChecksum)
	case headers > mostHeaders || f.size > mostFrame || f.size < leastFrame+headers:
		return frame{}, frameError(fmt.Errorf("a frame of %d bytes with %d of headers", f.size, headers))
	}
	if err := admit(int64(f.size)); err != nil {
		return frame{}, err
	}
	rest := f.size - preludeSize
	f.buf = getBuffer(rest)
	b := f.buf.b[:rest]
	if _, err := io.ReadFull(s.body, b); err != nil {
		f.buf.put()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return frame{}, err
	}
	end := rest - 4
	if crc32.Update(crc32.ChecksumIEEE(p), crc32.IEEETable, b[:end]) != binary.BigEndian.Uint32(b[end:]) {
		f.buf.put()
		return frame{}, frameError(errChecksum)
	}
	if err := f.headers(b[:headers]); err != nil {
		f.buf.put()
		return frame{}, frameError(err)
	}
	f.payload = b[headers:end]
	return f, nil
}

func frameError(err error) error {
	return &smithy.DeserializationError{Err: fmt.Errorf("read fan-out event: %w", err)}
}

// headers picks the ones that say what the frame is: a name, the type of the value, the value.
func (f *frame) headers(b []byte) error {
	for len(b) > 0 {
		n := int(b[0])
		if len(b) < 1+n+1 {
			return errHeaders
		}
		name, kind := b[1:1+n], b[1+n]
		value, rest, err := headerValue(kind, b[1+n+1:])
		if err != nil {
			return err
		}
		b = rest
		switch string(name) {
		case ":message-type":
			f.kind = value
		case ":event-type":
			f.event = value
		case ":exception-type":
			f.exception = value
		case ":error-code":
			f.code = value
		case ":error-message":
			f.text = value
		}
	}
	return nil
}

// headerValue splits a value of a type off b.
func headerValue(kind byte, b []byte) (value, rest []byte, err error) {
	const bytes, text = 6, 7
	sizes := [...]int{0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16} // true, false, int8, 16, 32, 64, a time, a UUID
	n := 0
	switch {
	case kind == bytes || kind == text:
		if len(b) < 2 {
			return nil, nil, errHeaders
		}
		n, b = int(binary.BigEndian.Uint16(b)), b[2:]
	case int(kind) < len(sizes):
		n = sizes[kind]
	default:
		return nil, nil, fmt.Errorf("a header of type %d", kind)
	}
	if len(b) < n {
		return nil, nil, errHeaders
	}
	return b[:n], b[n:], nil
}
