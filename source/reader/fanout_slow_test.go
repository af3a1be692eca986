package reader

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/kinesis"
)

func TestSlowHandlerHoldsOneEvent(t *testing.T) {
	subscribedTo(t, standin.Options{}, func(t *testing.T, r *rig) {
		m := &meter{t: t}
		r.cfg.Budget = m
		r.put(100, 100_000) // 10 MB: at least five events
		slow := 3
		r.cfg.Handle = func(ctx context.Context, resp *row.Response) error {
			if slow > 0 && len(resp.Records) > 0 {
				slow--
				<-time.After(6 * time.Minute) // beyond a subscription's life
			}
			return r.handle(ctx, resp)
		}
		if err := r.read(30 * time.Minute); err != nil {
			t.Fatal(err)
		}
		r.whole()
		if m.peak > 3<<20 || slow > 0 {
			t.Errorf("%d bytes taken at most, want those of one event", m.peak)
		}
		if r.log.Len() > 0 {
			t.Errorf("log:\n%s", r.log)
		}
	})
}

// A handler or a budget that blocks for less than a subscription's life does not end it.
func TestWaitingIsNotSilence(t *testing.T) {
	subscribedTo(t, standin.Options{}, func(t *testing.T, r *rig) {
		m := &slowMeter{meter: meter{t: t}}
		r.cfg.Budget = m
		r.put(100, 10)
		blocked := false
		r.cfg.Handle = func(ctx context.Context, resp *row.Response) error {
			if !blocked {
				blocked = true
				<-time.After(2 * time.Minute)
			}
			return r.handle(ctx, resp)
		}
		go func() {
			<-time.After(3 * time.Minute)
			m.delay.Store(int64(time.Minute))
			r.put(1, 10)
			<-time.After(time.Second)
			m.delay.Store(0)
		}()
		if err := r.read(4*time.Minute + 30*time.Second); err != nil {
			t.Fatal(err)
		}
		r.whole()
		if n := len(r.of("SubscribeToShard")); n != 1 || r.log.Len() > 0 {
			t.Errorf("%d subscriptions, log:\n%s", n, r.log)
		}
	})
}

type slowMeter struct {
	meter
	delay atomic.Int64
}

func (m *slowMeter) Acquire(ctx context.Context, n int64) error {
	<-time.After(time.Duration(m.delay.Load()))
	return m.meter.Acquire(ctx, n)
}

// A record of 10 MiB takes almost a minute on a slow line.
func TestSlowLine(t *testing.T) {
	subscribedTo(t, standin.Options{}, func(t *testing.T, r *rig) {
		client := r.cfg.Service.(*kinesis.Client)
		if _, err := client.UpdateMaxRecordSize(t.Context(), &kinesis.UpdateMaxRecordSizeInput{StreamARN: aws.String(r.server.ARN(stream)), MaxRecordSizeInKiB: aws.Int32(10240)}); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		r.put(1, 10<<20-100)
		r.rate = 256 << 10
		if err := r.read(2 * time.Minute); err != nil {
			t.Fatal(err)
		}
		r.whole()
	})
}
