package wire

import (
	"time"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/internal/row"
)

// Answer is one decoded GetRecords answer, or one fan-out event. The zero value is ready for [GetRecords] and
// [Subscription.Next]; an Answer is reused, by one goroutine at a time.
type Answer struct {
	Records            []row.Record // lent until Release
	Payload            int          // bytes of all records' data
	Keys               int          // bytes of all records' partition keys; the service counts them into its 2 MiB/s
	MillisBehindLatest int64
	NextIterator       string             // of an event, the continuation's sequence number; "" when the shard has ended
	Children           []types.ChildShard // only with the end of a shard, and not always
	At                 time.Time          // when the answer's headers arrived; the service had counted the call by then
	Body               int                // bytes of the body, or of the event's frame

	buf   *buffer
	table *table
}

// recordSize is the memory of a row.Record beside the bytes that it points to.
const recordSize = int(unsafe.Sizeof(row.Record{}))

// Size is the memory that the answer holds, in bytes.
func (a *Answer) Size() int { return a.Body + recordSize*len(a.Records) }

// Release gives the memory back. Records and every byte of them are invalid from here on. It is idempotent.
func (a *Answer) Release() {
	if a.buf != nil {
		a.buf.put()
	}
	if a.table != nil {
		a.table.put(a.Records)
	}
	*a = Answer{}
}
