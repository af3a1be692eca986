package row

// Record is one user record of a shard. Its bytes are lent for the time of the call that receives it.
type Record struct {
	Sequence     []byte // decimal digits
	Subsequence  int64  // index in its KPL aggregate, 0 for a plain record
	PartitionKey []byte // UTF-8; empty where the service sent none
	Data         []byte // payload, decoded from the wire's base64
	Arrival      int64  // approximate arrival, milliseconds since the Unix epoch
	// Failure says why the source could not read the record; nil if it could. It is a failed message then, Data being
	// what there is to show of it.
	Failure *Failure
}

// Response is one answer of the service for one shard: a GetRecords result or a fan-out event, or a part of one whose KPL
// aggregates hold very many records. It is the unit of work: it enters a batch whole or not at all, and it has all of an
// aggregate that was not done before. The receiver must not keep it, or any byte of it, after returning.
type Response struct {
	Shard              string
	Records            []Record
	Bytes              int   // payload bytes of all records
	MillisBehindLatest int64 // distance of this answer from the shard's tip; 0 with no records means at the tip
	// Last is the position up to which the answer reaches: that of its last record. It is also there without records, where
	// the source passed over all that came, and zero where nothing new came.
	Last Position
	End  bool // the shard is closed and this is its last answer
}
