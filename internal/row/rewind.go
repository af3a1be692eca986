package row

import "fmt"

// Rewind is the error by which a handler asks a reader to read a shard again from just after a position: what was
// read since could not be committed and was dropped. A Position that is not a number means the shard's own start.
type Rewind struct{ After Position }

func (r *Rewind) Error() string { return fmt.Sprintf("read again from after %q", r.After.String()) }
