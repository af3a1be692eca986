package pipeline

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kinesis-snowflake/sink/loadfile"
)

// rotting flips one bit of one write to a spool.
type rotting struct {
	loadfile.FS
	write *atomic.Int64 // the n-th from now on
}

type rottingFile struct {
	loadfile.Handle
	fs   rotting
	path string
}

func (f rotting) Create(path string) (loadfile.Handle, error) {
	h, err := f.FS.Create(path)
	return rottingFile{h, f, path}, err
}

func (f rottingFile) WriteAt(p []byte, at int64) (int, error) {
	if strings.HasSuffix(f.path, ".spool") && f.fs.write.Add(-1) == 0 {
		p = append([]byte(nil), p...)
		p[500] ^= 1
	}
	return f.Handle.WriteAt(p, at)
}

// The table does not exist yet, so every line of the batch is made from the spool that cannot be read.
func TestSpoolThatRotsIsReadAgainFromTheStream(t *testing.T) {
	inStack(t, 2, func(t *testing.T, s *stack) {
		var write atomic.Int64
		write.Store(1)
		s.files = rotting{loadfile.OS(), &write}
		p := s.faulty(s.config("worker"), false)
		s.put(5000)
		<-time.After(time.Minute)
		if p.said("cannot load; trying again") == 0 {
			t.Error("the spool's fault was not told")
		}
		p.loadsAll(t)
		p.stop()
		p.end(t)
		s.complete()
	})
}
