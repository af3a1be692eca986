package sink

import (
	"testing"
)

func TestZombieIsFencedAndItsOtherShardsGoOn(t *testing.T) {
	inAccount(t, func(a *account) {
		zombie, heir := a.worker("zombie"), a.worker("heir")
		zombie.take("a", "b")
		zombie.send(rec("a", 1), rec("b", 1))
		heir.take("a")
		heir.send(recs("a", 2, 4)...)
		zombie.send(rec("a", 2), rec("a", 3), rec("b", 2))
		zombie.send(rec("b", 3))
		a.has(recs("a", 1, 4), recs("b", 1, 3))
		a.hasOffsets("* 0", "a 2 4", "b 1 3")
		if len(zombie.dropping) != 1 || zombie.dropping[0] != "a" {
			t.Fatalf("fenced %v, want a", zombie.dropping)
		}
	})
}
