package snowflake

import (
	"errors"
	"slices"
	"testing"

	"kinesis-snowflake/internal/row"
)

func acquire(t *testing.T, l *Ledger, shards ...string) map[string]row.Claim {
	t.Helper()
	claims, err := tryAcquire(t, l, shards...)
	if err != nil {
		t.Fatalf("acquire: %v", err)
	}
	return claims
}

func tryAcquire(t *testing.T, l *Ledger, shards ...string) (map[string]row.Claim, error) {
	t.Helper()
	var wanted []row.Wanted
	for _, s := range shards {
		wanted = append(wanted, row.Wanted{Shard: s})
	}
	return l.Acquire(t.Context(), wanted)
}

func TestOffsetsThatTheLeaseRemembersMustBeThere(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := testLedger(w, "w")
		known := []row.Wanted{{Shard: "a", HasOffsets: true}}
		if _, err := l.Acquire(t.Context(), known); !errors.Is(err, ErrOffsetsMissing) || w.exists {
			t.Fatalf("dropped table: %v (table made anew: %v), want %v", err, w.exists, ErrOffsetsMissing)
		}
		acquire(t, testLedger(w, "other"), "b")
		if _, err := l.Acquire(t.Context(), known); !errors.Is(err, ErrOffsetsMissing) {
			t.Fatalf("missing row: %v, want %v", err, ErrOffsetsMissing)
		}
		if _, ok := w.offsets["a"]; ok {
			t.Fatal("the missing row was made")
		}
	})
}

func TestAnotherApplicationsRowIsRefused(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		acquire(t, testLedger(w, "w"), "a")
		l := testLedger(w, "stranger")
		l.opts.Application = "another"
		if _, err := l.Acquire(t.Context(), []row.Wanted{{Shard: "b"}}); !errors.Is(err, ErrApplication) {
			t.Fatalf("acquire: %v, want %v", err, ErrApplication)
		}
		if _, ok := w.offsets["b"]; ok {
			t.Fatal("a row was added all the same")
		}
	})
}

func TestQuoting(t *testing.T) {
	n := Name{`D"b`, "S", `T'$x\`}
	if got, want := n.String(), `"D""b"."S"."T'$x\"`; got != want {
		t.Errorf("name %s, want %s", got, want)
	}
	if got := (PutFile{Local: `/a b/c'd`, Stage: n, Path: "p/"}).SQL(); !slices.Contains([]string{
		`PUT 'file:///a b/c''d' '@"D""b"."S"."T''$x\\"/p/' SOURCE_COMPRESSION = ZSTD AUTO_COMPRESS = FALSE OVERWRITE = TRUE`}, got) {
		t.Errorf("put: %s", got)
	}
}
