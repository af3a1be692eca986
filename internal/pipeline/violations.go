package pipeline

import (
	"log/slog"
	"sync"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform"
)

// maxWarnings is how many violations of a schema a minute are worth a line of their own.
const maxWarnings = 10

// violations says of documents that are loaded though they violate the schema. It is safe for concurrent use; a nil one has
// nothing to say.
type violations struct {
	log     *slog.Logger
	payload transform.PayloadMode

	mu     sync.Mutex
	minute time.Time // when it began
	lines  int       // in it
	unsaid int64     // those beyond
}

func (v *violations) say(shard string, rec *row.Record, index uint32, f *row.Failure) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.turn()
	if v.lines++; v.lines > maxWarnings {
		v.unsaid++
		return
	}
	log := v.log
	if shard != "" {
		log = log.With("shard", shard)
	}
	log.Warn("message violates the schema and is loaded", "sequence", string(rec.Sequence), "subsequence", rec.Subsequence, "row", index,
		"stage", string(f.Stage), "reason", v.payload.Reason(f))
}

// look says, once a minute, of how many nothing was said.
func (v *violations) look() {
	if v == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.turn()
}

// turn begins another minute if one is over. The caller holds mu.
func (v *violations) turn() {
	if now := time.Now(); now.Sub(v.minute) >= time.Minute {
		v.sum()
		v.minute, v.lines = now, 0
	}
}

// end says of how many nothing was said so far.
func (v *violations) end() {
	if v == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sum()
}

func (v *violations) sum() {
	if v.unsaid > 0 {
		v.log.Warn("more messages violated the schema and were loaded", "messages", v.unsaid)
		v.unsaid = 0
	}
}

// warned is a Transformer that counts violations. It is used by one goroutine at a time.
type warned struct {
	Transformer
	all   *violations
	shard string // whose records it is given; may be unknown
	n     int64
}

func (w *warned) warn(rec *row.Record, index uint32, f *row.Failure) {
	w.n++
	w.all.say(w.shard, rec, index, f)
}
