package replay

import (
	"cmp"
	"slices"
	"time"

	"kinesis-snowflake/internal/row"
)

// State is what became of a failed message.
type State string

// The states, in the order in which a report names them.
const (
	Loaded    State = "loaded"        // its rows are in the table now; in a dry run: they would be
	Present   State = "present"       // the table held them already
	NoRow     State = "no_row"        // today's transform leaves it out: a filter, or an empty array
	Failed    State = "failed"        // it fails still, or some of its rows do
	Renamed   State = "renumbered"    // the table holds rows of it that today's transform would number otherwise
	Gone      State = "gone"          // the stream has it no longer
	Pending   State = "not_committed" // its shard has not come that far
	Elsewhere State = "other_stream"  // it was in a stream of the same name that was there before
)

// States lists the states in order.
func States() []State {
	return []State{Loaded, Present, NoRow, Failed, Renamed, Gone, Pending, Elsewhere}
}

// Good reports whether nothing is left to do for a message.
func (s State) Good() bool { return s == Loaded || s == Present || s == NoRow }

// message is a failed message of the log.
type message struct {
	shard   string
	at      row.Position
	arrival time.Time
	failed  []uint32 // which of its rows did, by the log
	state   State    // "" until it is known
	reason  string
	rows    int64
	// row is the number of the first of its rows that fails still, where it makes several.
	row     uint32
	several bool
	// found says that the stream still has its record. It is the reader's; the rest is the loader's.
	found bool
}

func (m *message) is(s State, reason string) { m.state, m.reason = s, reason }

// messages are those of one pipeline, by shard, each shard's in the order of the stream.
type messages struct {
	shards map[string][]*message
	all    []*message
	lines  int
	others int // lines of other pipelines
}

// gather takes out of a log what a pipeline's stream failed on.
func gather(l *Log, p pipelineID) *messages {
	type key struct {
		shard string
		at    row.Position
	}
	seen := map[key]*message{}
	ms := &messages{shards: map[string][]*message{}}
	for i := range l.Lines {
		line := &l.Lines[i]
		if !p.wrote(line) {
			ms.others += line.Count
			continue
		}
		ms.lines += line.Count
		k := key{line.Shard, line.At}
		if line.StreamID != "" && line.StreamID != p.streamID {
			k.shard = line.StreamID + " " + k.shard
		}
		if m := seen[k]; m != nil { // of a version of the connector that said less of it
			m.failed = append(m.failed, line.Rows...)
			continue
		}
		m := &message{shard: line.Shard, at: line.At, arrival: line.Arrival, failed: line.Rows}
		seen[k] = m
		ms.all = append(ms.all, m)
		if k.shard != line.Shard {
			m.is(Elsewhere, "it was in another stream of this name: "+line.StreamID)
			continue
		}
		ms.shards[m.shard] = append(ms.shards[m.shard], m)
	}
	byPlace := func(a, b *message) int { return cmp.Or(cmp.Compare(a.shard, b.shard), a.at.Compare(b.at)) }
	slices.SortStableFunc(ms.all, byPlace)
	for _, shard := range ms.shards {
		slices.SortStableFunc(shard, byPlace)
	}
	return ms
}

// open are the messages of a shard of which nothing is known yet.
func open(shard []*message) []*message {
	var out []*message
	for _, m := range shard {
		if m.state == "" {
			out = append(out, m)
		}
	}
	return out
}

// pipelineID is what a line says of its pipeline.
type pipelineID struct{ stream, streamID, application, table string }

// wrote reports whether a line may be of the pipeline. Lines of older versions say less.
func (p pipelineID) wrote(l *Line) bool {
	return l.Stream == p.stream && (l.Application == "" || l.Application == p.application) && (l.Table == "" || l.Table == p.table)
}
