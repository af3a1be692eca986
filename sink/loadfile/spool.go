package loadfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"kinesis-snowflake/internal/row"
)

const (
	// blockSize is how much is gathered before it is written; a longer row makes a longer block.
	blockSize = 128 << 10
	// headerSize is that of a block: length and CRC-32C of what follows, both little-endian.
	headerSize = 8
	// keepBlock is the largest buffer that is kept after a long row.
	keepBlock = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Spool is a batch's rows on disk. One goroutine uses it at a time.
type Spool struct {
	handle Handle
	path   string
	remove func() error // set if the file's name could not be removed at once
	keys   *row.Keys
	expect int64

	block   []byte // header, and rows not yet written
	written int64
	rows    int64
	scan    scanner
}

// CorruptError says that a spool file does not hold what was written to it. The batch must be read again from the
// stream.
type CorruptError struct {
	Path   string
	Offset int64 // of the damaged block
	Reason string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("read spool file %q: block at byte %d: %s: check the disk of spool_dir", e.Path, e.Offset, e.Reason)
}

// Append adds a row of the shard with the given number, which is the caller's own numbering. It keeps nothing of the
// row. If it returns an error, this row is not in the spool and all earlier ones are; it may be tried again.
func (s *Spool) Append(shard int, r *row.Row) error {
	if len(s.block) >= blockSize {
		if err := s.flush(); err != nil {
			return err
		}
	}
	if len(s.block) == 0 {
		s.block = append(s.block, make([]byte, headerSize)...)
	}
	s.block = appendRow(s.block, shard, r)
	s.rows++
	return nil
}

// Rows returns the number of rows.
func (s *Spool) Rows() int64 { return s.rows }

// Bytes returns the size, on disk and in memory.
func (s *Spool) Bytes() int64 { return s.written + int64(len(s.block)) }

func (s *Spool) flush() error {
	sealBlock(s.block)
	if _, err := s.handle.WriteAt(s.block, s.written); err != nil {
		return &WriteError{Kind: "spool", Path: s.path, More: max(s.expect-s.written, int64(len(s.block))), Err: err}
	}
	s.written += int64(len(s.block))
	s.block = s.block[:0]
	if cap(s.block) > keepBlock {
		s.block = nil
	}
	return nil
}

func sealBlock(block []byte) {
	binary.LittleEndian.PutUint32(block, uint32(len(block)-headerSize))
	binary.LittleEndian.PutUint32(block[4:], crc32.Checksum(block[headerSize:], castagnoli))
}

// Scan calls f for each row in the order of Append. The row, and all bytes of it, are the spool's, and valid until f
// returns. An error of f ends the scan and is returned; other errors are *CorruptError, or those of reading. The spool
// may be appended to, and scanned again, afterwards.
func (s *Spool) Scan(f func(shard int, r *row.Row) error) error {
	for at := int64(0); at < s.written; {
		block, err := s.readBlock(at)
		if err != nil {
			return err
		}
		if err := s.scanBlock(at, block, f); err != nil {
			return err
		}
		at += headerSize + int64(len(block))
	}
	if len(s.block) > headerSize {
		return s.scanBlock(s.written, s.block[headerSize:], f)
	}
	return nil
}

func (s *Spool) readBlock(at int64) ([]byte, error) {
	var header [headerSize]byte
	if err := s.readAt(header[:], at, at); err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(header[:]))
	if n == 0 || at+headerSize+n > s.written {
		return nil, &CorruptError{s.path, at, "impossible length"}
	}
	block := s.scan.buffer(int(n))
	if err := s.readAt(block, at+headerSize, at); err != nil {
		return nil, err
	}
	if crc32.Checksum(block, castagnoli) != binary.LittleEndian.Uint32(header[4:]) {
		return nil, &CorruptError{s.path, at, "checksum mismatch"}
	}
	return block, nil
}

func (s *Spool) readAt(p []byte, at, block int64) error {
	n, err := s.handle.ReadAt(p, at)
	switch {
	case n == len(p):
		return nil
	case errors.Is(err, io.EOF):
		return &CorruptError{s.path, block, "file is cut"}
	}
	return &CorruptError{s.path, block, err.Error()}
}

func (s *Spool) scanBlock(at int64, block []byte, f func(int, *row.Row) error) error {
	for len(block) > 0 {
		shard, rest, err := s.scan.row(block, s.keys)
		if err != nil {
			return &CorruptError{s.path, at, err.Error()}
		}
		if err := f(shard, &s.scan.current); err != nil {
			return err
		}
		block = rest
	}
	return nil
}

// Close gives the spool and its disk space up. It may be called more than once.
func (s *Spool) Close() error {
	if s.handle == nil {
		return nil
	}
	err := s.handle.Close()
	s.handle, s.block, s.scan = nil, nil, scanner{}
	if s.remove != nil {
		err = errors.Join(err, s.remove())
	}
	if err != nil {
		return fmt.Errorf("close spool file: %w", err)
	}
	return nil
}
