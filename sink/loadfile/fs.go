package loadfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// FS is the file system underneath a Store. Its errors wrap those of package os. OS is the real one; tests bring one
// that runs full.
type FS interface {
	// Create makes a file that must not exist yet, readable and writable by its owner only.
	Create(path string) (Handle, error)
	// Remove removes a file's name. An open file can be used on.
	Remove(path string) error
}

// Handle is an open file. One goroutine uses it at a time.
type Handle interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
}

// OS returns the file system of the machine.
func OS() FS { return osFS{} }

type osFS struct{}

func (osFS) Create(path string) (Handle, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err // not a Handle that holds a nil *os.File
	}
	return f, nil
}

func (osFS) Remove(path string) error { return os.Remove(path) }

// WriteError says that a file could not be written. What was appended before stays intact, so that the caller may
// seal the batch with what it has, and try again.
type WriteError struct {
	Kind string // "spool" or "load"
	Path string
	More int64 // bytes still expected, if the disk is full
	Err  error
}

func (e *WriteError) Error() string {
	if e.Full() {
		return fmt.Sprintf("write %s file %q: no space left on device: give spool_dir %s more", e.Kind, e.Path, size(e.More))
	}
	return fmt.Sprintf("write %s file %q: %v", e.Kind, e.Path, e.Err)
}

func (e *WriteError) Unwrap() error { return e.Err }

// Full reports whether the disk, or the user's quota on it, is used up.
func (e *WriteError) Full() bool {
	return errors.Is(e.Err, syscall.ENOSPC) || errors.Is(e.Err, syscall.EDQUOT)
}

// size rounds up to MiB.
func size(bytes int64) string { return fmt.Sprintf("%d MiB", max(1, (bytes+1<<20-1)>>20)) }
