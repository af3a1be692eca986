package reader

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/kinesis"
)

// A worker was away for longer than the stream keeps its records: the service goes on with what is left and says nothing.
func TestRecordsThatTheRetentionPassedAreTold(t *testing.T) {
	const line = "records may be lost"
	for name, c := range map[string]struct {
		every, away time.Duration // between two records; the worker is away
		retention   time.Duration
		lines       int
	}{
		"lost":                     {time.Minute, 30 * time.Hour, 24 * time.Hour, 1},
		"nearly":                   {time.Minute, 23 * time.Hour, 24 * time.Hour, 0},
		"a shard without records":  {29 * time.Hour, 30 * time.Hour, 24 * time.Hour, 0},
		"the retention is unknown": {time.Minute, 30 * time.Hour, 0, 0},
	} {
		for _, subscribed := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				test := func(t *testing.T, r *rig) {
					r.cfg.Retention = c.retention
					r.put(3, 10)
					if err := r.read(5 * time.Second); err != nil {
						t.Fatal(err)
					}
					r.cfg.Start = row.Position{Sequence: r.got[2].Sequence}
					for began := time.Now(); time.Since(began) < c.away; {
						<-time.After(c.every)
						r.put(1, 10)
					}
					if err := r.read(5 * time.Minute); err != nil {
						t.Fatal(err)
					}
					if n := r.lines(line); n != c.lines {
						t.Errorf("%d lines, want %d:\n%s", n, c.lines, r.log)
					}
				}
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, standin.Options{})
					if subscribed {
						r.subscribed()
					}
					test(t, r)
				})
			})
		}
	}
}

// The service forgets a shard that it lists. An open one is asked for until it is there again; a closed one, for ten minutes.
func TestAListedShardIsNotGone(t *testing.T) {
	for verdict, gone := range map[Verdict]bool{Open: false, Closed: true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, standin.Options{})
			r.put(5, 10)
			if err := r.read(5 * time.Second); err != nil {
				t.Fatal(err)
			}
			r.cfg.Start = row.Position{Sequence: r.got[4].Sequence}
			r.cfg.Missing = func(context.Context, error) (Verdict, error) { return verdict, nil }
			forgets := faults("GetRecords", 1<<30, standin.Throw("ResourceNotFoundException", "no"))
			r.server.SetHooks(forgets)
			if err := r.read(9 * time.Minute); err != nil || r.ends > 0 {
				t.Fatalf("%d ends, %v", r.ends, err)
			}
			if err := r.read(11 * time.Minute); err != nil || r.ends > 0 != gone {
				t.Errorf("%d ends, %v; gone: want %t", r.ends, err, gone)
			}
			r.server.SetHooks(standin.Hooks{})
			r.ends = 0
			r.put(5, 10)
			if err := r.read(time.Minute); err != nil || r.ends > 0 {
				t.Errorf("%d ends, %v", r.ends, err)
			}
			r.whole()
		})
	}
}
