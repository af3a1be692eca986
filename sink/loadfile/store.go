package loadfile

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"kinesis-snowflake/internal/row"
)

const (
	// window is the distance over which zstd finds repetitions. Rows repeat themselves at once: 64 KiB compresses
	// them as well as 4 MiB, in a seventh of the memory.
	window = 64 << 10

	// Suffix ends the names of load files.
	Suffix = ".json.zst"
)

// Store makes spools and load files in one folder. It is safe for concurrent use; what it makes is not.
type Store struct {
	fs       FS
	dir      string
	encoders sync.Pool // of *zstd.Encoder, about 650 KiB each
}

// NewStore returns a store in dir, which must exist; empty means the system's temporary folder.
func NewStore(fs FS, dir string) *Store {
	if dir == "" {
		dir = os.TempDir()
	}
	return &Store{fs: fs, dir: dir}
}

// Dir returns the folder.
func (s *Store) Dir() string { return s.dir }

// Spool creates an empty spool for rows whose keys are of the given dictionary. expect is the size in bytes that the
// batch may grow to, for the advice given when the disk is full.
func (s *Store) Spool(keys *row.Keys, expect int64) (*Spool, error) {
	path := filepath.Join(s.dir, "kinesis-snowflake-"+rand.Text()+".spool")
	h, err := s.fs.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create spool file: %w", err)
	}
	sp := &Spool{handle: h, path: path, keys: keys, expect: expect}
	if err := s.fs.Remove(path); err != nil {
		sp.remove = func() error { return s.fs.Remove(path) } // a system that keeps the names of open files
	}
	return sp, nil
}

// Create creates an empty load file. name is its name on the stage; a file of that name must not exist. expect is as
// in Spool.
func (s *Store) Create(name string, expect int64) (*File, error) {
	if name != filepath.Base(name) || !strings.HasSuffix(name, Suffix) {
		return nil, fmt.Errorf("create load file %q: the name must end in %s and have no folder", name, Suffix)
	}
	path := filepath.Join(s.dir, name)
	h, err := s.fs.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create load file: %w", err)
	}
	f := &File{store: s, handle: h, path: path, expect: expect}
	f.encoder = s.encoder((*output)(f))
	return f, nil
}

func (s *Store) encoder(w io.Writer) *zstd.Encoder {
	if e, ok := s.encoders.Get().(*zstd.Encoder); ok {
		e.Reset(w)
		return e
	}
	e, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(window),
		zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(fmt.Sprintf("zstd options: %v", err)) // they are constants
	}
	return e
}

// Sweep removes the load files in the folder that were last written before the given time: those of a process that
// was killed. It returns how many it removed; files that vanish meanwhile are no error.
func (s *Store) Sweep(before time.Time) (removed int, err error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return 0, fmt.Errorf("sweep spool folder: %w", err)
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !strings.HasSuffix(entry.Name(), Suffix) {
			continue
		}
		info, err := entry.Info()
		if err != nil || !info.ModTime().Before(before) {
			continue
		}
		if s.fs.Remove(filepath.Join(s.dir, entry.Name())) == nil {
			removed++
		}
	}
	return removed, nil
}
