package reader

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	standin "kinesis-snowflake/internal/standin/kinesis"
)

// A reader goes from subscriptions to polling and back, each time from where it stands.
func TestReadersChangeTheirWay(t *testing.T) {
	for _, code := range []string{"AccessDeniedException", "UnknownOperationException", "UnsupportedOperationException"} {
		refuse := standin.Hooks{Before: standin.Plan{}.At("SubscribeToShard", 2, standin.Throw(code, "no")).Hook}
		subscribedTo(t, standin.Options{Hooks: refuse}, func(t *testing.T, r *rig) {
			arn := r.as.arn
			r.flow(5, 20*time.Minute)
			stop := r.start()
			<-time.After(10 * time.Minute)
			synctest.Wait()
			if len(r.as.refused) != 1 || !strings.Contains(r.as.refused[0].Error(), code) {
				t.Fatalf("refused for %v", r.as.refused)
			}
			if n := len(r.of("GetRecords")); n < 200 {
				t.Errorf("%d calls of GetRecords in five minutes", n)
			}
			r.as.set(arn)
			<-time.After(12 * time.Minute)
			stop()
			r.whole()
			if n := len(r.of("SubscribeToShard")); n != 5 {
				t.Errorf("%d calls of SubscribeToShard", n)
			}
		})
	}
}

func TestDeniedSubscriptionNamesTheActions(t *testing.T) {
	subscribedTo(t, standin.Options{Hooks: faults("SubscribeToShard", 1, standin.Throw("AccessDeniedException", "User x is not authorized"))}, func(t *testing.T, r *rig) {
		if err := r.read(time.Minute); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{shard0, "User x is not authorized", "kinesis:SubscribeToShard", "kinesis:RegisterStreamConsumer", "/consumer/*", "source.consumer: polling"} {
			if !strings.Contains(r.as.refused[0].Error(), want) {
				t.Errorf("%q does not say %q", r.as.refused[0], want)
			}
		}
	})
}

// An operator deletes the consumer. It is looked up again, and the shard is not taken for gone.
func TestConsumerIsDeleted(t *testing.T) {
	subscribedTo(t, standin.Options{}, func(t *testing.T, r *rig) {
		r.flow(5, 5*time.Minute)
		stop := r.start()
		<-time.After(time.Minute)
		if err := r.server.DeregisterConsumer(stream, consumerName); err != nil {
			t.Fatal(err)
		}
		<-time.After(20 * time.Second)
		synctest.Wait()
		if r.as.doubts == 0 || r.ends > 0 {
			t.Fatalf("doubted %d times, ended %d times", r.as.doubts, r.ends)
		}
		arn, err := r.server.RegisterConsumer(stream, consumerName)
		if err != nil {
			t.Fatal(err)
		}
		r.as.set(arn)
		<-time.After(5 * time.Minute)
		stop()
		r.whole()
		if r.lines("reading again") == 0 {
			t.Errorf("log:\n%s", r.log)
		}
	})
}

// A consumer that is being deleted refuses as if somebody else had the shard.
func TestConsumerThatIsNotActiveIsDoubted(t *testing.T) {
	subscribedTo(t, standin.Options{Hooks: faults("SubscribeToShard", 1000, standin.Throw("ResourceInUseException", "not ACTIVE"))}, func(t *testing.T, r *rig) {
		if err := r.read(2 * time.Minute); err != nil {
			t.Fatal(err)
		}
		if n := len(r.of("SubscribeToShard")); n < 4 || n > 8 || r.as.doubts != n-1 {
			t.Errorf("%d calls, doubted %d times", n, r.as.doubts)
		}
		if r.lines("in use") == 0 {
			t.Errorf("log:\n%s", r.log)
		}
	})
}
