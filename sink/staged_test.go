package sink

import (
	"context"
	"testing"
)

func TestStagedFileThatVanishedIsPutAgain(t *testing.T) {
	for _, at := range []string{"BEGIN", "COPY"} {
		t.Run(at, func(t *testing.T) {
			inAccount(t, func(t *testing.T, a *account) {
				w := a.worker("w")
				w.take("a", "b")
				w.link.hook(at, 1, func() fate {
					a.admin(`REMOVE '@"RAW"."KINESIS"."KINESIS_SNOWFLAKE"/ORDERS/w/'`)
					return arrives
				})
				w.send(rec("a", 1), rec("b", 1))
				a.has(recs("a", 1, 1), recs("b", 1, 1))
				if n := w.link.statements("UPLOAD"); n != 4 {
					t.Errorf("%d uploads, want two files twice", n)
				}
			})
		})
	}
}

func TestOneOfTwoStagedFilesVanished(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.worker("w")
		w.take("a", "b")
		b, parts := w.batch(rec("a", 1), rec("b", 1))
		defer b.Discard()
		w.link.hook("COPY", 1, func() fate {
			a.admin(`REMOVE '@"RAW"."KINESIS"."KINESIS_SNOWFLAKE"/ORDERS/w/` + b.id + `-1/` + b.id + `-1.json.zst'`)
			return arrives
		})
		w.finish(b, parts)
		a.has(recs("a", 1, 1), recs("b", 1, 1))
	})
}

func TestStageThatWasDroppedIsMadeAgain(t *testing.T) {
	for _, at := range []string{"", "PUT", "UPLOAD", "COPY"} {
		t.Run("at "+at, func(t *testing.T) {
			inAccount(t, func(t *testing.T, a *account) {
				w := a.worker("w")
				w.take("a")
				w.send(rec("a", 1))
				drop := func() fate { a.admin(`DROP STAGE "RAW"."KINESIS"."KINESIS_SNOWFLAKE"`); return arrives }
				b, parts := w.batch(rec("a", 2))
				defer b.Discard()
				if at == "" {
					drop()
				} else {
					w.link.hook(at, 1, drop)
				}
				for try := 0; ; try++ {
					out, err := w.Load(t.Context(), b, parts)
					if err == nil && out.Committed {
						break
					}
					if try == 2 || at == "" || at == "PUT" { // before the upload: the same Load makes it again
						t.Fatalf("load: %+v, %v", out, err)
					}
				}
				a.has(recs("a", 1, 2))
			})
		})
	}
}

func TestLoadedFilesLeaveTheStage(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.worker("w")
		w.take("a", "b")
		w.send(rec("a", 1), rec("b", 1))
		res, err := a.Exec(t.Context(), `LIST '@"RAW"."KINESIS"."KINESIS_SNOWFLAKE"/'`)
		if err != nil || len(res.Rows) > 0 {
			t.Fatalf("staged: %v, %v; want nothing", res, err)
		}
	})
}

func TestStaleFilesAreSwept(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		gone, w := a.worker("gone"), a.worker("w")
		gone.take("a")
		gone.vanish("COPY", func(ctx context.Context) error {
			b, parts := gone.batch(rec("a", 1))
			_, err := gone.Load(ctx, b, parts)
			return err
		})
		staged := func() int {
			res, err := a.Exec(context.Background(), `LIST '@"RAW"."KINESIS"."KINESIS_SNOWFLAKE"/'`)
			if err != nil {
				t.Fatal(err)
			}
			return len(res.Rows)
		}
		w.resume(2, "a")
		if n := staged(); n != 1 {
			t.Fatalf("%d files in the stage, want the vanished worker's", n)
		}
		advance(staleAfter - sweepEvery)
		w.send(rec("a", 3))
		if n := staged(); n != 1 {
			t.Fatalf("%d files in the stage, want a file of less than a day to stay", n)
		}
		advance(sweepEvery + 1)
		w.send(rec("a", 4))
		if n := staged(); n != 0 {
			t.Fatalf("%d files in the stage, want none", n)
		}
		a.has(recs("a", 1, 4))
	})
}
