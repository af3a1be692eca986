package lease

import (
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
)

// Scans that succeed do not hide that nothing can be written.
func TestTroubleOfWritesIsSaidThoughScansSucceed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []error
		u := newTrouble(slog.New(slog.DiscardHandler), func(err error) { told = append(told, err) })
		denied := errors.New("writes fail")
		for range tablePatience {
			u.tell(reads, nil)
			u.tell(writes, denied)
		}
		if len(told) != 1 || !errors.Is(told[0], denied) {
			t.Fatalf("told %v, want the failure of writes once", told)
		}
		u.tell(reads, nil)
		if len(told) != 1 {
			t.Errorf("a scan ended the trouble of writes: %v", told)
		}
		u.tell(writes, nil)
		if len(told) != 2 || told[1] != nil {
			t.Errorf("told %v, want nil once a write succeeds", told)
		}
	})
}
