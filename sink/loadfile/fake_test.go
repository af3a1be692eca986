package loadfile

import (
	"io/fs"
	"os"
	"syscall"
	"testing"
)

// smallDisk is the machine's file system with room for so many bytes.
type smallDisk struct {
	osFS
	room int64
	kept bool // names of open files cannot be removed
	open []*smallFile
}

type smallFile struct {
	Handle
	disk *smallDisk
	size int64
	path string
}

func (d *smallDisk) Create(path string) (Handle, error) {
	h, err := d.osFS.Create(path)
	if err != nil {
		return nil, err
	}
	f := &smallFile{Handle: h, disk: d, path: path}
	d.open = append(d.open, f)
	return f, nil
}

func (d *smallDisk) Remove(path string) error {
	if d.kept {
		return &fs.PathError{Op: "remove", Path: path, Err: syscall.EBUSY}
	}
	return d.osFS.Remove(path)
}

// WriteAt writes what there is room for, as a file system does.
func (f *smallFile) WriteAt(p []byte, at int64) (int, error) {
	n := min(int64(len(p)), max(0, at+int64(len(p)))-f.size)
	if n <= f.disk.room {
		f.disk.room -= max(n, 0)
		f.size = max(f.size, at+int64(len(p)))
		return f.Handle.WriteAt(p, at)
	}
	part := int64(len(p)) - n + f.disk.room
	if part > 0 {
		if _, err := f.Handle.WriteAt(p[:part], at); err != nil {
			return 0, err
		}
		f.size = at + part
		f.disk.room = 0
	}
	return int(max(part, 0)), &fs.PathError{Op: "write", Path: f.path, Err: syscall.ENOSPC}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
