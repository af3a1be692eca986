package loadfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

func TestFileHoldsItsLines(t *testing.T) {
	store := NewStore(OS(), t.TempDir())
	for _, lines := range []int{0, 1, 5000} {
		f, err := store.Create(fmt.Sprintf("b-%d.json.zst", lines), 0)
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		for i := range lines {
			line := fmt.Appendf(nil, "[%d,%q]\n", i, strings.Repeat("ab", i%200))
			want.Write(line)
			if err := f.Append(line); err != nil {
				t.Fatal(err)
			}
			clear(line) // it was lent
		}
		info, err := f.Finish()
		if err != nil {
			t.Fatal(err)
		}
		stat, err := os.Stat(info.Path)
		if err != nil {
			t.Fatal(err)
		}
		if stat.Mode().Perm() != 0o600 || stat.Size() != info.Size || info.Lines != int64(lines) || info.Raw != int64(want.Len()) {
			t.Errorf("%d lines: %+v, mode %v, size %d", lines, info, stat.Mode(), stat.Size())
		}
		got, header := decompress(t, info.Path)
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%d lines: contents differ", lines)
		}
		if header.WindowSize > window {
			t.Errorf("window %d", header.WindowSize)
		}
		if err := store.Remove(info.Path); err != nil {
			t.Error(err)
		}
		if err := f.Append([]byte("[]\n")); err == nil {
			t.Error("a finished file takes lines")
		}
		if err := f.Abort(); err != nil {
			t.Error(err)
		}
	}
}

func decompress(t *testing.T, path string) ([]byte, zstd.Header) {
	t.Helper()
	compressed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var h zstd.Header
	if err := h.Decode(compressed); err != nil && len(compressed) > 0 {
		t.Fatal(err)
	}
	d, err := zstd.NewReader(bytes.NewReader(compressed))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	b, err := io.ReadAll(d)
	if err != nil {
		t.Fatal(err)
	}
	return b, h
}

func TestFileOnFullDisk(t *testing.T) {
	for _, room := range []int64{0, 100, 100_000} {
		store := NewStore(&smallDisk{room: room}, t.TempDir())
		f, err := store.Create("b.json.zst", 10<<20)
		if err != nil {
			t.Fatal(err)
		}
		var appended error
		for i := 0; i < 40_000 && appended == nil; i++ {
			appended = f.Append(fmt.Appendf(nil, "[%d,%x]\n", i, uint64(i)*0x9e3779b97f4a7c15))
		}
		info, err := f.Finish()
		var full *WriteError
		if !errors.As(err, &full) || !full.Full() || appended != nil && !errors.Is(err, appended) {
			t.Fatalf("room %d: finished %+v: %v, appended: %v", room, info, err, appended)
		}
		if !strings.Contains(err.Error(), "no space left on device: give spool_dir 10 MiB more") {
			t.Errorf("error %q", err)
		}
		if left := files(t, store.Dir()); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		// The encoder that met the error is as good as new.
		store.fs = OS()
		if f, err = store.Create("c.json.zst", 0); err != nil {
			t.Fatal(err)
		}
		if err := f.Append([]byte("[1]\n")); err != nil {
			t.Fatal(err)
		}
		if info, err = f.Finish(); err != nil {
			t.Fatal(err)
		}
		if got, _ := decompress(t, info.Path); string(got) != "[1]\n" {
			t.Errorf("next file holds %q", got)
		}
	}
}

func TestAbortRemovesFile(t *testing.T) {
	store := NewStore(OS(), t.TempDir())
	f, err := store.Create("b.json.zst", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Create("b.json.zst", 0); !errors.Is(err, os.ErrExist) {
		t.Errorf("second of the name: %v", err)
	}
	if err := f.Abort(); err != nil {
		t.Error(err)
	}
	if left := files(t, store.Dir()); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestNamesOfFiles(t *testing.T) {
	store := NewStore(OS(), t.TempDir())
	for _, name := range []string{"", "b", "../b.json.zst", "a/b.json.zst", "b.json.gz"} {
		if _, err := store.Create(name, 0); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
}

func TestSweepTakesOldLoadFilesOnly(t *testing.T) {
	store := NewStore(OS(), t.TempDir())
	now := time.Now()
	for name, age := range map[string]time.Duration{"old.json.zst": 48 * time.Hour, "new.json.zst": time.Hour, "old.txt": 48 * time.Hour} {
		path := filepath.Join(store.Dir(), name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := store.Sweep(now.Add(-24 * time.Hour)); n != 1 || err != nil {
		t.Errorf("%d removed: %v", n, err)
	}
	if left := fmt.Sprint(files(t, store.Dir())); left != "[new.json.zst old.txt]" {
		t.Errorf("left: %s", left)
	}
}
