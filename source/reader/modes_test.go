package reader

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/kinesis"
)

// What holds of a reader in both of its ways. Readings are long enough for the 5 s that two subscriptions keep apart.

func TestReadsOnFromACheckpoint(t *testing.T) {
	bothWays(t, standin.Options{}, func(t *testing.T, r *rig) {
		r.put(100, 10)
		if err := r.read(3 * time.Second); err != nil {
			t.Fatal(err)
		}
		r.whole()
		want := r.got[60:]
		r.cfg.Start = row.Position{Sequence: r.got[59].Sequence}
		r.got = nil
		if err := r.read(8 * time.Second); err != nil {
			t.Fatal(err)
		}
		r.same(want)
	})
}

func TestReadsByARN(t *testing.T) {
	bothWays(t, standin.Options{}, func(t *testing.T, r *rig) {
		r.cfg.Stream = Stream{ARN: r.server.ARN(stream)}
		r.put(10, 10)
		if err := r.read(2 * time.Second); err != nil {
			t.Fatal(err)
		}
		r.whole()
	})
}

func TestStartPositions(t *testing.T) {
	bothWays(t, standin.Options{}, func(t *testing.T, r *rig) {
		r.put(5, 10)
		<-time.After(10 * time.Second)
		middle := time.Now()
		<-time.After(10 * time.Second)
		r.put(5, 10)
		for _, c := range []struct {
			start string
			time  time.Time
			want  int
		}{
			{row.TrimHorizon, time.Time{}, 10},
			{"", time.Time{}, 10},
			{row.AtTimestamp, middle, 5},
			{row.Latest, middle, 5},
			{row.Latest, time.Time{}, 0},
		} {
			r.cfg.Start, r.cfg.StartTime, r.got = row.Position{Sequence: c.start}, c.time, nil
			if err := r.read(2 * time.Second); err != nil {
				t.Fatal(err)
			}
			if len(r.got) != c.want {
				t.Errorf("%s %v: %d records, want %d", c.start, c.time, len(r.got), c.want)
			}
			<-time.After(10 * time.Second)
		}
	})
}

func TestLatestIsFollowed(t *testing.T) {
	bothWays(t, standin.Options{}, func(t *testing.T, r *rig) {
		r.put(5, 10)
		before := len(collect(r.server))
		<-time.After(10 * time.Second)
		r.cfg.Start = row.Position{Sequence: row.Latest}
		go func() {
			for range 10 {
				<-time.After(3 * time.Second)
				r.put(7, 10)
			}
		}()
		if err := r.read(time.Minute); err != nil {
			t.Fatal(err)
		}
		r.same(collect(r.server)[before:])
	})
}

func TestLagIsHandedOn(t *testing.T) {
	bothWays(t, standin.Options{}, func(t *testing.T, r *rig) {
		r.put(2000, 8000) // 16 MB: more than one answer, and eight seconds of a shard
		<-time.After(time.Minute)
		var lags []int64
		idle := 0
		r.cfg.Handle = func(ctx context.Context, resp *row.Response) error {
			if len(resp.Records) > 0 {
				lags = append(lags, resp.MillisBehindLatest)
			} else if resp.MillisBehindLatest == 0 {
				idle++
			}
			return r.handle(ctx, resp)
		}
		if err := r.read(30 * time.Second); err != nil {
			t.Fatal(err)
		}
		r.whole()
		if len(lags) < 2 || lags[0] < 59_000 || lags[len(lags)-1] != 0 || idle < 3 {
			t.Errorf("behind by %v ms, then %d answers at the tip", lags, idle)
		}
	})
}

func TestRewind(t *testing.T) {
	bothWays(t, standin.Options{}, func(t *testing.T, r *rig) {
		r.put(20, 10)
		all := collect(r.server)
		rewinds := []row.Position{{Sequence: all[4].Sequence}, {}, {Sequence: all[19].Sequence}}
		r.cfg.Handle = func(ctx context.Context, resp *row.Response) error {
			if len(rewinds) > 0 {
				after := rewinds[0]
				rewinds = rewinds[1:]
				return &row.Rewind{After: after}
			}
			return r.handle(ctx, resp)
		}
		// The first answer is refused in favour of what comes after record 5, that one in favour of all, and that one
		// in favour of what comes after the last.
		if err := r.read(30 * time.Second); err != nil {
			t.Fatal(err)
		}
		r.same(nil)
		r.put(1, 10)
		if err := r.read(8 * time.Second); err != nil {
			t.Fatal(err)
		}
		if len(r.got) != 21 {
			t.Errorf("%d records", len(r.got))
		}
	})
}

func TestRewindToNothingGoesBackToTheStart(t *testing.T) {
	bothWays(t, standin.Options{}, func(t *testing.T, r *rig) {
		r.put(20, 10)
		all := collect(r.server)
		r.cfg.Start = row.Position{Sequence: all[9].Sequence}
		rewound := false
		r.cfg.Handle = func(ctx context.Context, resp *row.Response) error {
			if len(r.got) == 10 && !rewound {
				rewound, r.got = true, nil
				return &row.Rewind{}
			}
			return r.handle(ctx, resp)
		}
		if err := r.read(15 * time.Second); err != nil {
			t.Fatal(err)
		}
		if !rewound {
			t.Error("nothing was rewound")
		}
		r.same(all[10:])
	})
}

func TestRecordOf10MiB(t *testing.T) {
	bothWays(t, standin.Options{}, func(t *testing.T, r *rig) {
		client := r.cfg.Service.(*kinesis.Client)
		if _, err := client.UpdateMaxRecordSize(t.Context(), &kinesis.UpdateMaxRecordSizeInput{StreamARN: aws.String(r.server.ARN(stream)), MaxRecordSizeInKiB: aws.Int32(10240)}); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		r.put(3, 10<<20-100)
		if err := r.read(30 * time.Second); err != nil {
			t.Fatal(err)
		}
		r.whole()
		if n := r.refused(); n > 0 {
			t.Errorf("the service refused %d calls", n)
		}
	})
}

func TestMemoryIsAskedForAndGivenBack(t *testing.T) {
	cuts := standin.Hooks{
		Before: standin.Plan{}.At("GetRecords", 3, standin.Cut()).Hook,
		Event: func(e standin.Event) *standin.Fault {
			if e.Subscription == 1 && e.N == 2 {
				return &standin.Fault{Tear: true}
			}
			return nil
		},
	}
	bothWays(t, standin.Options{Hooks: cuts}, func(t *testing.T, r *rig) {
		m := &meter{t: t}
		r.cfg.Budget = m
		r.put(200, 20_000)
		r.cfg.Handle = func(ctx context.Context, resp *row.Response) error {
			if m.used < int64(resp.Bytes) {
				t.Errorf("%d bytes in hand, %d taken", resp.Bytes, m.used)
			}
			return r.handle(ctx, resp)
		}
		if err := r.read(30 * time.Second); err != nil {
			t.Fatal(err)
		}
		r.whole()
		if m.used != 0 {
			t.Errorf("%d bytes were not given back", m.used)
		}
	})
}

func TestKeyThatRefusesIsWaitedFor(t *testing.T) {
	bothWays(t, standin.Options{}, func(t *testing.T, r *rig) {
		r.put(10, 10)
		if err := r.server.SetKMSError(stream, "KMSAccessDeniedException"); err != nil {
			t.Fatal(err)
		}
		go func() {
			<-time.After(5 * time.Minute)
			if err := r.server.SetKMSError(stream, ""); err != nil {
				t.Error(err)
			}
		}()
		if err := r.read(8 * time.Minute); err != nil {
			t.Fatal(err)
		}
		r.whole()
		if r.lines("kms:Decrypt") == 0 || r.lines("reading again") != 1 {
			t.Errorf("the log does not say what to do, or that it is over:\n%s", r.log)
		}
	})
}

func TestHandlersErrorEndsReading(t *testing.T) {
	bothWays(t, standin.Options{}, func(t *testing.T, r *rig) {
		want := errors.New("disk full")
		r.cfg.Handle = func(context.Context, *row.Response) error { return want }
		if err := r.read(time.Minute); !errors.Is(err, want) {
			t.Errorf("error %v", err)
		}
		synctest.Wait()
		if r.fan != nil && len(r.subscriptions()) > 0 {
			t.Error("a subscription is left")
		}
	})
}

func TestReadingEndsWithItsContext(t *testing.T) {
	bothWays(t, standin.Options{}, func(t *testing.T, r *rig) {
		r.put(10, 10)
		began := time.Now()
		if err := r.read(7 * time.Second); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(began); d != 7*time.Second {
			t.Errorf("it took %v", d)
		}
		if r.fan != nil && len(r.subscriptions()) > 0 {
			t.Error("a subscription is left")
		}
	})
}
