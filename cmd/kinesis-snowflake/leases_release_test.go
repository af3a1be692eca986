package main

import (
	"testing"
	"time"
)

func TestReleaseFreesTheDeadAlone(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, b *bubble) {
		b.put(60)
		b.load()
		b.own(shard0, "dead", "")
		b.own(shard1, "next", "dead") // it died while it handed the lease over
		b.own(shard2, "living", "")
		stop := b.renew(shard2)
		began := time.Now()
		code, out, stderr := b.leases("release", "-c", b.file, "--dry-run")
		wants(t, 0, code, stderr)
		has(t, out, shard0+" would be freed from dead", shard1+" would be freed from dead", "left with workers that are alive: 1 lease of living", "nothing was written: this was a dry run")
		if d := time.Since(began); d < 10*time.Second {
			t.Errorf("watched for %s only", d)
		}
		if got := b.item(shard0)["leaseOwner"].Text; got != "dead" {
			t.Errorf("a dry run wrote: the owner is %q", got)
		}
		code, out, stderr = b.leases("release", "-c", b.file)
		wants(t, 0, code, stderr)
		has(t, out, shard0+": freed from dead", shard1+": freed from dead")
		for _, shard := range []string{shard0, shard1} {
			for _, attr := range []string{"leaseOwner", "checkpointOwner"} {
				if v, there := b.item(shard)[attr]; there {
					t.Errorf("%s has still %s %v", shard, attr, v)
				}
			}
		}
		if got := b.item(shard2)["leaseOwner"].Text; got != "living" {
			t.Errorf("the living worker's lease belongs to %q", got)
		}
		code, out, stderr = b.leases("release", "-c", b.file)
		wants(t, 0, code, stderr)
		has(t, out, "no lease belongs to a dead worker")
		stop()
	})
}

func TestReleaseRefusesWhatIsAliveOrNotThere(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		code, _, stderr := b.leases("release", "-c", b.file)
		wants(t, 1, code, stderr)
		has(t, stderr, "there is no lease table orders-to-snowflake")
		b.put(60)
		b.load()
		b.own(shard0, "living", "")
		b.own(shard1, "dead", "")
		stop := b.renew(shard0)
		for name, args := range map[string][]string{
			`worker "living" is alive`:              {"--worker", "living"},
			`worker "living" is alive, it wrote`:    {"--shard", shard0},
			`no lease belongs to worker "stranger"`: {"--worker", "stranger"},
			"has no lease of shard shardId-9":       {"--shard", "shardId-9"},
		} {
			code, _, stderr := b.leases(append([]string{"release", "-c", b.file}, args...)...)
			wants(t, 1, code, stderr)
			has(t, stderr, "refused: ", name)
		}
		stop()
		// During a hand-over it is the holder who renews, not the next owner.
		b.own(shard1, "next", "holder")
		stop = b.renew(shard1)
		code, _, stderr = b.leases("release", "-c", b.file, "--shard", shard1)
		wants(t, 1, code, stderr)
		has(t, stderr, `worker "holder" is alive`)
		stop()
		for _, shard := range []string{shard0, shard1} {
			if b.item(shard)["leaseOwner"].Text == "" {
				t.Errorf("%s was freed", shard)
			}
		}
		// A chosen worker's leases alone.
		code, out, stderr := b.leases("release", "-c", b.file, "--worker", "holder")
		wants(t, 0, code, stderr)
		has(t, out, shard1+": freed from holder")
		if b.item(shard0)["leaseOwner"].Text != "living" || b.item(shard1)["leaseOwner"].Text != "" {
			t.Error("another worker's lease was freed")
		}
	})
}
