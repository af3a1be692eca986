package sink

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// Processes that share a spool directory start at the same moment, and none takes another's folder for an orphan.
func TestSpoolFoldersOfProcessesThatStartTogether(t *testing.T) {
	parent := t.TempDir()
	const processes, starts = 8, 200
	var wg sync.WaitGroup
	for p := range processes {
		wg.Go(func() {
			for n := range starts {
				d, err := newSpoolDir(parent, fmt.Sprintf("%d-%d", p, n))
				if err != nil {
					t.Errorf("start %d of process %d: %v", n, p, err)
					return
				}
				if _, err := os.Stat(d.path); err != nil {
					t.Errorf("start %d of process %d: %v", n, p, err)
				}
				if err := d.remove(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if left, err := os.ReadDir(parent); err != nil || len(left) != 0 {
		t.Errorf("%d folders are left, %v", len(left), err)
	}
}
