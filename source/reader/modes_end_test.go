package reader

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/kinesis"
)

func TestEndOfAShard(t *testing.T) {
	for _, late := range []bool{false, true} {
		bothWays(t, standin.Options{LateEnd: late}, func(t *testing.T, r *rig) {
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

func TestShardThatIsClosedWhileItIsRead(t *testing.T) {
	bothWays(t, standin.Options{}, func(t *testing.T, r *rig) {
		go func() {
			for range 4 {
				r.put(10, 10)
				<-time.After(7 * time.Second)
			}
			if _, _, err := r.server.Split(stream, shard0); err != nil {
				t.Error(err)
			}
		}()
		r.cfg.Handle = func(ctx context.Context, resp *row.Response) error {
			if n := r.open.Load(); r.ends > 0 && n > 0 {
				t.Errorf("%d subscriptions are open after the end", n)
			}
			return r.handle(ctx, resp)
		}
		if err := r.read(time.Minute); err != nil {
			t.Fatal(err)
		}
		r.whole()
		if r.ends < 10 || len(r.children) != 2 {
			t.Errorf("%d ends, children %v", r.ends, r.children)
		}
	})
}

func TestShardIsGone(t *testing.T) {
	bothWays(t, standin.Options{}, func(t *testing.T, r *rig) {
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

func TestStreamIsGone(t *testing.T) {
	bothWays(t, standin.Options{}, func(t *testing.T, r *rig) {
		r.put(10, 10)
		go func() {
			<-time.After(10 * time.Second)
			if err := r.server.DeleteStream(stream); err != nil {
				t.Error(err)
			}
		}()
		if err := r.read(time.Hour); Classify(err) != ClassNotFound {
			t.Errorf("error %v, want what Missing made of it", err)
		}
	})
}

func TestPositionOfAnotherStream(t *testing.T) {
	bothWays(t, standin.Options{}, func(t *testing.T, r *rig) {
		r.cfg.Missing = func(context.Context, error) (Verdict, error) { return Same, nil }
		r.cfg.Start = row.Position{Sequence: "4" + strings.Repeat("9", 55)}
		err := r.read(time.Hour)
		if err == nil || !strings.Contains(err.Error(), "source.application") || !strings.Contains(err.Error(), "leases reset") {
			t.Errorf("error %v", err)
		}
	})
}
