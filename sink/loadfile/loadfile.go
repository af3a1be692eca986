package loadfile

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// fileBuffer is how much compressed output is gathered for one write.
const fileBuffer = 64 << 10

var errFinished = errors.New("load file is finished or aborted")

// File is a load file that is being written. One goroutine uses it at a time. It ends with Finish or Abort.
type File struct {
	store   *Store
	handle  Handle
	encoder *zstd.Encoder
	path    string
	expect  int64
	buf     []byte // compressed, not yet written
	written int64
	lines   int64
	raw     int64
	err     error // the first that writing met; the file is lost with it
}

// Info describes a finished load file.
type Info struct {
	Path  string
	Size  int64 // bytes, compressed
	Raw   int64 // bytes of the lines
	Lines int64
}

// Append adds one line, with its line break; it keeps nothing of it. After an error the file can only be aborted: the
// rows are still in the spool.
func (f *File) Append(line []byte) error {
	if f.err != nil {
		return f.err
	}
	if _, err := f.encoder.Write(line); err != nil {
		f.err = f.writeError(err)
		return f.err
	}
	f.lines++
	f.raw += int64(len(line))
	return nil
}

// Lines returns the number of lines appended.
func (f *File) Lines() int64 { return f.lines }

// Raw returns the bytes of the lines appended, before compression.
func (f *File) Raw() int64 { return f.raw }

// Size returns the bytes of the file so far, up to two blocks short.
func (f *File) Size() int64 { return f.written + int64(len(f.buf)) }

// Finish completes the file. It is not synced: a machine that loses it loses its process too, and the rows are read
// from the stream again. After an error the file is gone.
func (f *File) Finish() (Info, error) {
	err := f.err
	if err == nil {
		err = f.complete()
	}
	if err != nil {
		return Info{}, errors.Join(err, f.Abort())
	}
	f.release()
	if err := f.handle.Close(); err != nil {
		return Info{}, errors.Join(f.writeError(err), f.store.Remove(f.path))
	}
	f.err = errFinished
	return Info{Path: f.path, Size: f.written, Raw: f.raw, Lines: f.lines}, nil
}

func (f *File) complete() error {
	if err := f.encoder.Close(); err != nil {
		return f.writeError(err)
	}
	if err := f.flush(); err != nil {
		return f.writeError(err)
	}
	return nil
}

// Abort gives the file up, and removes it. After Finish it does nothing.
func (f *File) Abort() error {
	if errors.Is(f.err, errFinished) {
		return nil
	}
	f.err = errFinished
	f.release()
	return errors.Join(f.handle.Close(), f.store.Remove(f.path))
}

// Remove removes a finished file, by its Info.Path.
func (s *Store) Remove(path string) error {
	if err := s.fs.Remove(path); err != nil {
		return fmt.Errorf("remove load file: %w", err)
	}
	return nil
}

// output is the encoder's side of a File.
type output File

// Write takes compressed output.
func (o *output) Write(p []byte) (int, error) {
	if len(o.buf)+len(p) > fileBuffer {
		if err := (*File)(o).flush(); err != nil {
			return 0, err
		}
	}
	o.buf = append(o.buf, p...)
	return len(p), nil
}

func (f *File) flush() error {
	n, err := f.handle.WriteAt(f.buf, f.written)
	if err != nil {
		return err
	}
	f.written += int64(n)
	f.buf = f.buf[:0]
	return nil
}

func (f *File) writeError(err error) error {
	return &WriteError{Kind: "load", Path: f.path, More: f.more(), Err: err}
}

func (f *File) more() int64 { return max(f.expect-f.written, int64(len(f.buf))) }

func (f *File) release() {
	if f.encoder != nil {
		f.encoder.Reset(nil)
		f.store.encoders.Put(f.encoder)
		f.encoder = nil
	}
}
