// Package show draws the progress of pipelines: in place on a terminal, as lines elsewhere.
package show

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"kinesis-snowflake/internal/pipeline"
)

// lineEvery is how often a line is written where nothing can be redrawn.
const lineEvery = 2 * time.Second

// Board shows pipelines by name. Its methods may be called from any goroutine.
type Board struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	now      func() time.Time
	names    []string
	last     map[string]pipeline.Progress
	drawn    int // lines that stand on the terminal
	written  time.Time
	lines    map[string]string
}

// NewBoard makes a board on out. It redraws if out is a terminal.
func NewBoard(out io.Writer, names ...string) *Board {
	return &Board{out: out, terminal: isTerminal(out), now: time.Now, names: names, last: map[string]pipeline.Progress{}, lines: map[string]string{}}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Update shows the newest progress of one pipeline.
func (b *Board) Update(name string, p pipeline.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(p.Shards) == 0 {
		p.Shards = b.last[name].Shards // at the end all shards are given back; what was read of them stays of interest
	}
	b.last[name] = p
	if b.terminal {
		b.redraw()
		return
	}
	if now := b.now(); now.Sub(b.written) >= lineEvery {
		b.written = now
		b.writeLines()
	}
}

// Close writes the final state.
func (b *Board) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.terminal {
		b.writeLines()
	}
}

func (b *Board) writeLines() {
	for _, name := range b.names {
		if line := total(name, b.last[name]); b.lines[name] != line {
			b.lines[name] = line
			fmt.Fprintln(b.out, line)
		}
	}
}

func total(name string, p pipeline.Progress) string {
	return fmt.Sprintf("%s: read %d, loaded %d, failed %d, waiting %d, batches %d, shards %d", name,
		p.Tally.Read, p.Tally.Loaded, p.Tally.Failed, p.Pending, p.Tally.Batches, len(p.Shards))
}

// mostShards bounds the lines a pipeline takes on a terminal.
const mostShards = 16

func (b *Board) redraw() {
	var s strings.Builder
	if b.drawn > 0 {
		fmt.Fprintf(&s, "\x1b[%dA", b.drawn)
	}
	lines := 0
	line := func(format string, args ...any) {
		fmt.Fprintf(&s, format+"\x1b[K\n", args...)
		lines++
	}
	for _, name := range b.names {
		p := b.last[name]
		line("%s", total(name, p))
		for i, sh := range p.Shards {
			if i == mostShards {
				line("  and %d more", len(p.Shards)-i)
				break
			}
			line("  %-24s read %9d  loaded %9d  behind %s", sh.ID, sh.Read, sh.Loaded, behind(sh))
		}
	}
	s.WriteString("\x1b[J")
	b.drawn = lines
	fmt.Fprint(b.out, s.String())
}

func behind(s pipeline.ShardProgress) string {
	switch {
	case s.Ended:
		return "ended"
	case s.Behind < 0:
		return "?"
	default:
		return s.Behind.Round(time.Millisecond).String()
	}
}
