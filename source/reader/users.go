package reader

import (
	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source/kpl"
)

// Users calls each for the user records of records, which are of one shard and in order, as [Read] hands them over: those of
// an aggregate in its place, and the others as they are. Aggregates and hashes are as in [Config]; both may be nil. A record
// is lent until each returns. The error is each's own.
func Users(records []row.Record, a *Aggregates, hashes *kpl.Range, each func(*row.Record) error) error {
	e := expander{aggregates: a}
	if a.judges() {
		e.hashes = hashes
	}
	e.begin(records, row.Position{})
	defer e.end()
	for more := true; more; {
		p := e.next()
		for i := range p.records {
			if err := each(&p.records[i]); err != nil {
				return err
			}
		}
		more = p.more
	}
	return nil
}
