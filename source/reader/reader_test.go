package reader

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/kinesis"
)

func TestReadsOnFromACheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		r.put(100, 10)
		if err := r.read(3 * time.Second); err != nil {
			t.Fatal(err)
		}
		r.whole()
		want := r.got[60:]
		r.cfg.Start = row.Position{Sequence: r.got[59].Sequence}
		r.got = nil
		if err := r.read(3 * time.Second); err != nil {
			t.Fatal(err)
		}
		r.same(want)
	})
}

func TestReadsByARN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		r.cfg.Stream = Stream{ARN: "arn:aws:kinesis:us-east-1:000000000000:stream/" + stream}
		r.put(10, 10)
		if err := r.read(2 * time.Second); err != nil {
			t.Fatal(err)
		}
		r.whole()
	})
}

func TestStartPositions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
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

func TestBackPressureBeyondTheIteratorsLifeLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{Hooks: standin.Hooks{Before: func(standin.Call) *standin.Fault { return &standin.Fault{AtMost: 10} }}})
		r.put(30, 10)
		r.cfg.Handle = func(ctx context.Context, resp *row.Response) error {
			if len(resp.Records) > 0 {
				<-time.After(6 * time.Minute)
			}
			return r.handle(ctx, resp)
		}
		if err := r.read(20 * time.Minute); err != nil {
			t.Fatal(err)
		}
		r.whole()
		if n := len(r.of("GetShardIterator")); n != 4 {
			t.Errorf("%d iterators, want one and three after expiry", n)
		}
	})
}

func TestLatestIsOneInstantAlsoWhenItsIteratorExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		r.cfg.Start = row.Position{Sequence: row.Latest}
		r.put(5, 10)
		before := len(collect(r.server))
		<-time.After(10 * time.Second)
		// The first call of GetRecords meets a long outage. Records come during it.
		r.server.SetHooks(standin.Hooks{Before: func(c standin.Call) *standin.Fault {
			if c.Op == "GetRecords" && c.N == 1 {
				return &standin.Fault{Do: func() { r.put(7, 10); <-time.After(50 * time.Second) }, Cut: true}
			}
			if c.Op == "GetRecords" && c.N < 150 {
				return standin.Throw("ProvisionedThroughputExceededException", "slow down")
			}
			return nil
		}})
		if err := r.read(20 * time.Minute); err != nil {
			t.Fatal(err)
		}
		r.same(collect(r.server)[before:])
		if n := len(r.of("GetShardIterator")); n < 2 {
			t.Error("the iterator never expired: this test shows nothing")
		}
	})
}

func collect(s *standin.Server) (list []standin.Record) {
	for rec := range s.Records(stream) {
		list = append(list, rec)
	}
	return list
}

func TestRewind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
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
		if err := r.read(8 * time.Second); err != nil {
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
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
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
		if err := r.read(8 * time.Second); err != nil {
			t.Fatal(err)
		}
		if !rewound {
			t.Error("nothing was rewound")
		}
		r.same(all[10:])
	})
}

func TestEndOfAShard(t *testing.T) {
	for _, late := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, standin.Options{LateEnd: late})
			r.put(20, 10)
			left, right, err := r.server.Split(stream, shard0)
			if err != nil {
				t.Fatal(err)
			}
			rewound := false
			r.cfg.Handle = func(ctx context.Context, resp *row.Response) error {
				if resp.End && len(r.children) != 2 {
					t.Errorf("the end is told before its children: %v", r.children)
				}
				// After the end a rewind may still be asked for.
				if r.ends == 3 && !rewound {
					rewound = true
					r.got = r.got[:5]
					return &row.Rewind{After: row.Position{Sequence: r.got[4].Sequence}}
				}
				return r.handle(ctx, resp)
			}
			if err := r.read(20 * time.Second); err != nil {
				t.Fatal(err)
			}
			r.whole()
			if r.ends < 10 {
				t.Errorf("told the end %d times in 20 s", r.ends)
			}
			if id := aws.ToString(r.children[0].ShardId); id != left && id != right || r.children[0].HashKeyRange == nil || len(r.children[0].ParentShards) != 1 {
				t.Errorf("children %+v", r.children)
			}
		})
	}
}

func TestBudgetIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{Hooks: standin.Hooks{Before: standin.Plan{}.At("GetRecords", 3, standin.Cut()).Hook}})
		m := &meter{t: t}
		r.cfg.Budget = m
		r.put(1, 10)
		r.put(100, 20_000)
		r.cfg.Handle = func(ctx context.Context, resp *row.Response) error {
			if m.used < int64(resp.Bytes) {
				t.Errorf("%d bytes in hand, %d taken", resp.Bytes, m.used)
			}
			return r.handle(ctx, resp)
		}
		if err := r.read(10 * time.Second); err != nil {
			t.Fatal(err)
		}
		r.whole()
		if m.used != 0 {
			t.Errorf("%d bytes were not given back", m.used)
		}
		if m.acquired[0] != worstAnswer || m.acquired[len(m.acquired)-1] >= m.acquired[1] {
			t.Errorf("estimates %v: want a full answer's, then less and less at the tip", m.acquired)
		}
	})
}

func TestRecordOf10MiB(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		client := r.cfg.Service.(*kinesis.Client)
		if _, err := client.UpdateMaxRecordSize(t.Context(), &kinesis.UpdateMaxRecordSizeInput{StreamARN: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/" + stream), MaxRecordSizeInKiB: aws.Int32(10240)}); err != nil {
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

func TestShardIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		r.cfg.Shard = "shardId-000000000009"
		r.cfg.Missing = func(context.Context, error) (Verdict, error) { return Same, nil }
		ended := false
		r.cfg.Ended = func(c []types.ChildShard) { ended = c == nil }
		if err := r.read(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		if !ended || r.ends < 3 {
			t.Errorf("end told: %v, answers with it: %d", ended, r.ends)
		}
	})
}

func TestPermanentErrors(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault standin.Hooks
		start row.Position
		want  []string
	}{
		{"no GetRecords", faults("GetRecords", 1, standin.Throw("AccessDeniedException", "User x is not authorized")), row.Position{},
			[]string{shard0, "kinesis:GetRecords", stream, "User x is not authorized"}},
		{"no GetShardIterator", faults("GetShardIterator", 1, standin.Throw("AccessDeniedException", "no")), row.Position{}, []string{"kinesis:GetShardIterator"}},
		{"expired session", faults("GetRecords", 1, standin.Throw("ExpiredTokenException", "old")), row.Position{}, []string{"session token"}},
		{"wrong key", faults("GetRecords", 1, standin.Throw("UnrecognizedClientException", "bad")), row.Position{}, []string{"access key"}},
		{"position of another stream", standin.Hooks{}, row.Position{Sequence: "4" + strings.Repeat("9", 55)}, []string{"source.application", "delete its lease table"}},
		{"invalid iterators", faults("GetRecords", 100, standin.Throw("InvalidArgumentException", "Invalid ShardIterator")), row.Position{}, []string{"Invalid ShardIterator"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, standin.Options{Hooks: c.fault})
				r.cfg.Missing = func(context.Context, error) (Verdict, error) { return Same, nil }
				r.cfg.Start = c.start
				err := r.read(time.Hour)
				if err == nil {
					t.Fatal("no error")
				}
				for _, w := range c.want {
					if !strings.Contains(err.Error(), w) {
						t.Errorf("error %q does not say %q", err, w)
					}
				}
				if strings.Contains(err.Error(), "RequestID") {
					t.Errorf("error %q shows the SDK's text", err)
				}
			})
		})
	}
}

func TestHandlersErrorEndsReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		want := errors.New("disk full")
		r.cfg.Handle = func(context.Context, *row.Response) error { return want }
		if err := r.read(time.Minute); !errors.Is(err, want) {
			t.Errorf("error %v", err)
		}
	})
}
