// Package unpack reads files that people hand over, packed or not.
package unpack

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds what a zstd file makes its reader hold; the tool's highest level has 128 MiB.
const maxWindow = 128 << 20

// Text returns a reader of a text that may be packed by gzip or zstd, in one member or several. A file that is no text of
// ASCII's family is refused with what to do: its lines would be taken for something else, one by one.
func Text(in io.Reader) (*bufio.Reader, error) {
	r := bufio.NewReaderSize(in, 64<<10)
	head, err := r.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("unpack gzip: %w", err)
		}
		return bufio.NewReaderSize(z, 64<<10), nil
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, fmt.Errorf("unpack zstd: %w", err)
		}
		return bufio.NewReaderSize(z, 64<<10), nil
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return nil, errors.New("this is UTF-16, as PowerShell's > writes it: write it as UTF-8, with `| Out-File -Encoding utf8 FILE`")
	case bytes.Equal(head, []byte("PK\x03\x04")):
		return nil, errors.New("this is a zip archive: unpack it first")
	}
	return r, nil
}
