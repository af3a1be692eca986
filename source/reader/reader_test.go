package reader

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/kinesis"
)

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
		{"position of another stream", standin.Hooks{}, row.Position{Sequence: "4" + strings.Repeat("9", 55)}, []string{"source.application", "leases reset"}},
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
