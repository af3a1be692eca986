package sink

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// spoolPrefix begins the name of every folder that a sink makes in the spool directory.
const spoolPrefix = "kinesis-snowflake-"

// lockName is the file in such a folder whose lock says that the process lives.
const lockName = "lock"

// spoolDir is a folder of this process alone. While its lock is held the process lives: what a killed one
// left is removed by the next to start, or a volume that outlives containers would fill up.
type spoolDir struct {
	path string
	lock *os.File
}

const spoolRemedy = "sink.spool_dir must be a folder that this user can write to"

func newSpoolDir(parent, id string) (*spoolDir, error) {
	// The driver takes the path of a PUT from the root of the file system.
	parent, err := filepath.Abs(parent)
	if err != nil {
		return nil, fmt.Errorf("find sink.spool_dir: %w", err)
	}
	if err := removeOrphans(parent); err != nil {
		return nil, fmt.Errorf("%w: %s", err, spoolRemedy)
	}
	d := &spoolDir{path: filepath.Join(parent, spoolPrefix+pathSegment(id))}
	if err := os.Mkdir(d.path, 0o700); err != nil {
		return nil, fmt.Errorf("create spool folder: %w: %s", err, spoolRemedy)
	}
	lock, err := newLock(d.path)
	if err != nil {
		return nil, fmt.Errorf("lock spool folder: %w", err)
	}
	d.lock = lock
	return d, nil
}

func (d *spoolDir) remove() error {
	return errors.Join(os.RemoveAll(d.path), d.lock.Close())
}

// newLock makes the folder's lock and takes it, until the file is closed or the process ends. The lock gets its name only
// once it is taken: a process that starts at the same moment never finds it free.
func newLock(path string) (*os.File, error) {
	making := filepath.Join(path, "lock.new")
	f, err := takeLock(making, os.O_CREATE)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(making, filepath.Join(path, lockName)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// takeLock does not wait.
func takeLock(name string, flag int) (*os.File, error) {
	f, err := os.OpenFile(name, flag|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func removeOrphans(parent string) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return fmt.Errorf("read sink.spool_dir: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(parent, e.Name())
		if !e.IsDir() || !strings.HasPrefix(e.Name(), spoolPrefix) {
			continue
		}
		// A folder without its lock is one that another process is making or removing at this moment.
		lock, err := takeLock(filepath.Join(path, lockName), 0)
		if err != nil {
			continue
		}
		_ = os.RemoveAll(path)
		_ = lock.Close()
	}
	return nil
}
