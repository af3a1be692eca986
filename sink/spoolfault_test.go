package sink

import (
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"kinesis-snowflake/sink/loadfile"
)

// faultyFS fails one read of a spool, or every write of a load file while it is full.
type faultyFS struct {
	loadfile.FS
	failRead atomic.Int64 // the n-th read from now on fails; 0 is never
	full     atomic.Bool
}

type faultyFile struct {
	loadfile.Handle
	fs   *faultyFS
	path string
}

func (f *faultyFS) Create(path string) (loadfile.Handle, error) {
	h, err := f.FS.Create(path)
	if err != nil {
		return nil, err
	}
	return faultyFile{h, f, path}, nil
}

func (f faultyFile) ReadAt(p []byte, at int64) (int, error) {
	if f.fs.failRead.Load() > 0 && f.fs.failRead.Add(-1) == 0 {
		return 0, syscall.EIO
	}
	return f.Handle.ReadAt(p, at)
}

func (f faultyFile) WriteAt(p []byte, at int64) (int, error) {
	if f.fs.full.Load() && strings.HasSuffix(f.path, loadfile.Suffix) {
		return 0, syscall.ENOSPC
	}
	return f.Handle.WriteAt(p, at)
}

// lot is n records of which the first has a key that no plan knows, so that all are encoded when the batch is sealed.
func lot(n int) (out []record) {
	for i := range n {
		fields := []string{`"PAD":"` + noise(i) + `"`}
		if i == 0 {
			fields = append(fields, `"LATER":true`)
		}
		out = append(out, rec("a", i+2, fields...))
	}
	return out
}

// noise is text of 900 letters that does not compress.
func noise(n int) string {
	x := uint64(n)*0x9e3779b97f4a7c15 + 12345
	b := make([]byte, 900)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = 'a' + byte(x%26)
	}
	return string(b)
}

func withFaultyFS(t *testing.T, f func(t *testing.T, a *account, w *worker, fs *faultyFS)) {
	t.Helper()
	inAccount(t, func(t *testing.T, a *account) {
		fs := &faultyFS{FS: loadfile.OS()}
		w := a.worker("w")
		w.store = loadfile.NewStore(fs, w.Sink.spool.path)
		w.take("a")
		w.send(rec("a", 1, `"PAD":"x"`))
		f(t, a, w, fs)
	})
}

func TestSpoolThatCannotBeReadOnceDoublesNothing(t *testing.T) {
	withFaultyFS(t, func(t *testing.T, a *account, w *worker, fs *faultyFS) {
		b, parts := w.batch(lot(399)...)
		defer b.Discard()
		fs.failRead.Store(3) // some blocks in, when lines of it are encoded already
		if _, err := w.Load(t.Context(), b, parts); !errors.As(err, new(*loadfile.CorruptError)) {
			t.Fatalf("load: %v, want the spool's error", err)
		}
		if out, err := w.Load(t.Context(), b, parts); err != nil || !out.Committed {
			t.Fatalf("load again: %+v, %v", out, err)
		}
		if n := len(a.rows()); n != 400 {
			t.Errorf("%d rows, want 400", n)
		}
	})
}

func TestDiskThatIsFullAtTheSealHeals(t *testing.T) {
	withFaultyFS(t, func(t *testing.T, a *account, w *worker, fs *faultyFS) {
		b, parts := w.batch(lot(1499)...)
		defer b.Discard()
		fs.full.Store(true)
		if _, err := w.Load(t.Context(), b, parts); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("load: %v, want %v", err, syscall.ENOSPC)
		}
		fs.full.Store(false)
		if out, err := w.Load(t.Context(), b, parts); err != nil || !out.Committed {
			t.Fatalf("load with room: %+v, %v", out, err)
		}
		if n := len(a.rows()); n != 1500 {
			t.Errorf("%d rows, want 1500", n)
		}
	})
}
