package wire

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// seal makes a frame's length and checksums good.
func seal(b []byte) []byte {
	b = bytes.Clone(b)
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	binary.BigEndian.PutUint32(b[8:], crc32.ChecksumIEEE(b[:8]))
	end := len(b) - 4
	binary.BigEndian.PutUint32(b[end:], crc32.ChecksumIEEE(b[:end]))
	return b
}
