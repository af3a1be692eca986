package simulation

import (
	"database/sql"
	"strconv"
	"time"

	"kinesis-snowflake/sink/snowflake"
)

// read returns all rows as the session sees them. Without the lock it may see what was a moment ago: what another
// session committed is not at once everybody's to see.
func (c *cloud) read(ss *session) *snowflake.Result {
	s := c.s
	asOf := s.now
	if ss.tx == nil || !ss.tx.holds {
		asOf -= s.upTo(3 * time.Second)
	}
	res := &snowflake.Result{Columns: offsetColumns, Rows: make([][]sql.NullString, 0, len(c.offsets)+1)}
	res.Rows = append(res.Rows, texts("*", "*", application, "0", "", "", "0", ""))
	for _, sh := range s.stream.shards {
		for _, o := range c.see(ss, sh.n) {
			if o.changed > asOf {
				if o.before == nil {
					continue
				}
				o = *o.before
			}
			res.Rows = append(res.Rows, texts(streamID, sh.id, application, strconv.FormatInt(o.epoch, 10), o.owner,
				o.at.Sequence, strconv.FormatInt(o.at.Subsequence, 10), o.batch))
		}
	}
	return res
}

// seek counts the committed offsets that a batch moved. Sometimes it sees what was a moment ago.
func (c *cloud) seek(batch string) (n int) {
	asOf := c.s.now
	if c.s.once(10) {
		asOf -= c.s.upTo(3 * time.Second)
	}
	for _, rows := range c.offsets {
		for _, o := range rows {
			if o.batch == batch && o.changed <= asOf {
				n++
			}
		}
	}
	return n
}

func (c *cloud) locks() *snowflake.Result {
	if c.holder == nil {
		return &snowflake.Result{}
	}
	return table([]string{"resource", "transaction", "status", "acquired_on"},
		[]string{"D.S.T$OFFSETS", strconv.FormatInt(c.holder.id, 10), "HOLDING", stamp(c.holder.since)})
}

func (c *cloud) listing() *snowflake.Result {
	var rows [][]string
	for _, path := range sortedKeys(c.files) {
		rows = append(rows, []string{path, epoch.Add(c.files[path].put).Format(time.RFC1123)})
	}
	return table([]string{"name", "last_modified"}, rows...)
}

// remove removes a file. One that somebody else needs is missed when its COPY comes.
func (c *cloud) remove(ss *session, path string) {
	f := c.files[path]
	switch {
	case f == nil:
	case f.owner != nil && f.owner != ss.p && !f.owner.dead:
		f.swept = true
	default:
		delete(c.files, path)
	}
}

func table(columns []string, rows ...[]string) *snowflake.Result {
	res := &snowflake.Result{Columns: columns}
	for _, r := range rows {
		res.Rows = append(res.Rows, texts(r...))
	}
	return res
}

func texts(values ...string) []sql.NullString {
	out := make([]sql.NullString, len(values))
	for i, v := range values {
		out[i] = sql.NullString{String: v, Valid: true}
	}
	return out
}

func stamp(at time.Duration) string { return epoch.Add(at).Format(time.RFC3339Nano) }
