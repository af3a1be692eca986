package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"kinesis-snowflake/internal/row"
)

var (
	errTooLarge = errors.New("too large") // larger than it may be
	errTooEarly = errors.New("it ends too early")
	errMore     = errors.New("something else stands after it")
)

// startSize is how large a buffer begins, in bytes.
const startSize = 64 << 10

// decompress undoes the layers of compression around a record's text.
func (d *Decoder) decompress(data []byte) ([]byte, *row.Failure) {
	text := data
	for layer := range d.layers {
		found := compressionOf(text)
		if layer == 0 && d.o.Compression != Auto && found != d.o.Compression {
			if found == None {
				return nil, failure("the record is not %s, though transform.decode.compression is %[1]s", d.o.Compression)
			}
			return nil, failure("the record is %s, though transform.decode.compression is %s", found, d.o.Compression)
		}
		if found == None {
			break
		}
		limit := d.limit(len(data))
		expand := d.gunzip
		if found == Zstd {
			expand = d.unzstd
		}
		out, err := expand(d.buffers[layer][:0], text, limit)
		d.buffers[layer] = out
		switch {
		case errors.Is(err, errTooLarge):
			d.giveBack()
			return nil, d.tooLarge(found, limit)
		case err != nil:
			d.giveBack()
			return nil, failure("damaged %s: %v", found, err)
		}
		text = out
	}
	return text, nil
}

// limit is how large a record of n bytes may become.
func (d *Decoder) limit(n int) int {
	return int(min(d.o.MaxDecoded, max(AlwaysDecoded, MaxRatio*int64(n))))
}

func (d *Decoder) tooLarge(c Compression, limit int) *row.Failure {
	if int64(limit) == d.o.MaxDecoded {
		return failure("%s that becomes larger than transform.decode.max_decoded, %d bytes", c, limit)
	}
	return failure("%s that becomes larger than %d times the record", c, MaxRatio)
}

// compressionOf tells a text's compression by its first bytes.
func compressionOf(b []byte) Compression {
	switch {
	case len(b) >= 3 && b[0] == 0x1f && b[1] == 0x8b && b[2] == 8: // RFC 1952, deflate being the only method there is
		return Gzip
	case len(b) < 4:
		return None
	}
	switch magic := binary.LittleEndian.Uint32(b); {
	case magic == 0xfd2fb528, magic&^0xf == 0x184d2a50: // RFC 8878, a frame and a skippable frame
		return Zstd
	}
	return None
}

// gunzip appends what the members of b hold to dst.
func (d *Decoder) gunzip(dst, b []byte, limit int) ([]byte, error) {
	d.source.Reset(b)
	defer d.source.Reset(nil)
	var err error
	if d.gzip == nil {
		d.gzip, err = gzip.NewReader(&d.source)
	} else {
		err = d.gzip.Reset(&d.source)
	}
	for err == nil {
		if len(dst) > limit {
			return dst, errTooLarge
		}
		if len(dst) == cap(dst) {
			// One byte more than the limit, to see that it is passed.
			size := min(max(startSize, 4*len(b), 2*cap(dst)), limit+1)
			dst = append(make([]byte, 0, size), dst...)
		}
		var n int
		n, err = d.gzip.Read(dst[len(dst):min(cap(dst), limit+1)])
		dst = dst[:len(dst)+n]
	}
	switch {
	case len(dst) > limit:
		return dst, errTooLarge
	case errors.Is(err, io.EOF):
		return dst, nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		return dst, errTooEarly
	case errors.Is(err, gzip.ErrHeader) && len(dst) > 0:
		return dst, errMore
	}
	return dst, err
}

// unzstd appends what the frames of b hold to dst. The library writes straight into the room that it is given, with
// no window beside it, and fails where that is too small: so it is given more, up to the limit.
func (d *Decoder) unzstd(dst, b []byte, limit int) ([]byte, error) {
	if d.zstd == nil {
		var err error
		d.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(1<<62))
		if err != nil {
			return dst, err
		}
	}
	size := max(startSize, 4*len(b))
	var h zstd.Header
	if h.Decode(b) == nil && h.HasFCS {
		if h.FrameContentSize > uint64(limit) {
			return dst, errTooLarge
		}
		size = int(h.FrameContentSize)
	}
	for {
		size = min(size, limit)
		// The slack is what the library wants behind the text to write fast; one byte of it shows that the limit is passed.
		if cap(dst) < size+slack {
			dst = make([]byte, 0, size+slack)
		}
		room := dst[0:0:min(cap(dst), limit+slack)]
		out, err := d.zstd.DecodeAll(b, room)
		switch {
		case err == nil && len(out) <= limit:
			return out, nil
		case err == nil:
			return dst, errTooLarge
		case errors.Is(err, zstd.ErrWindowSizeExceeded):
			return dst, fmt.Errorf("its window is larger than %d bytes", maxWindow)
		case errors.Is(err, zstd.ErrMagicMismatch) && !bytes.Equal(out, room):
			return dst, errMore
		case errors.Is(err, io.ErrUnexpectedEOF):
			return dst, errTooEarly
		case cap(room) >= limit+slack:
			// The library has several words for a block that has no room.
			if len(out)+maxBlock > limit || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
				return dst, errTooLarge
			}
			return dst, err
		case len(out)+maxBlock < cap(room):
			// The next block would have had room: the text is at fault.
			if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
				break // but a whole frame that says its size would not
			}
			return dst, err
		}
		size = max(4*size, 4*cap(room))
	}
}

const (
	slack     = 64
	maxBlock  = 128 << 10 // RFC 8878, Block_Maximum_Size
	maxWindow = 128 << 20 // of zstd --ultra --long=27, the largest that its command line reads unasked
)
