package lease

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kinesis-snowflake/internal/row"
)

// Attributes of KCL, in its spelling.
const (
	attrKey             = "leaseKey"
	attrOwner           = "leaseOwner"
	attrCounter         = "leaseCounter"
	attrCheckpoint      = "checkpoint"
	attrSubsequence     = "checkpointSubSequenceNumber"
	attrSwitches        = "ownerSwitchesSinceCheckpoint"
	attrParents         = "parentShardId" // a set, despite the singular name
	attrChildren        = "childShardIds"
	attrStartHash       = "startingHashKey"
	attrEndHash         = "endingHashKey"
	attrCheckpointOwner = "checkpointOwner"
	attrEntity          = "entityType"
	attrPending         = "pendingCheckpoint"
	attrPendingSub      = "pendingCheckpointSubSequenceNumber"
	attrPendingState    = "pendingCheckpointState"
	attrThroughput      = "throughputKBps"
)

// Attributes of this program.
const (
	attrWorker        = "ksfWorker"
	attrNonce         = "ksfNonce"
	attrStartMillis   = "ksfStartMillis"
	attrOffsets       = "ksfOffsets"
	attrStreamCreated = "ksfStreamCreated"
)

// entityLease marks leases since KCL 3.5, which keeps rows of other kinds in the same table.
const entityLease = "LEASE"

// entityMigration marks the row that says how such a fleet balances, in its attribute cv.
const (
	entityMigration   = "CLIENT_VERSION_MIGRATION"
	attrClientVersion = "cv"
)

// errNotLease marks rows that are no leases of this stream; they are nobody's fault.
var errNotLease = errors.New("not a lease of this stream")

type item = map[string]types.AttributeValue

// encodeNew returns the row that creates l. It carries what KCL's own rows carry at their creation, because KCL skips
// rows without a counter or without owner switches; nothing is written empty.
func encodeNew(l Lease) item {
	it := item{
		attrKey:         text(l.Key),
		attrCounter:     number(0),
		attrSwitches:    number(0),
		attrCheckpoint:  text(l.Checkpoint.Sequence),
		attrSubsequence: number(l.Checkpoint.Subsequence),
		attrEntity:      text(entityLease),
	}
	if len(l.Parents) > 0 {
		it[attrParents] = set(l.Parents)
	}
	if l.StartHash != "" && l.EndHash != "" {
		it[attrStartHash], it[attrEndHash] = text(l.StartHash), text(l.EndHash)
	}
	if l.Nonce != "" {
		it[attrNonce] = text(l.Nonce)
	}
	if l.StartMillis != 0 {
		it[attrStartMillis] = number(l.StartMillis)
	}
	if l.Offsets {
		it[attrOffsets] = yes
	}
	if l.StreamCreated != 0 {
		it[attrStreamCreated] = number(l.StreamCreated)
	}
	return it
}

// decode reads a row. The error is errNotLease for rows of other kinds and of other streams.
func decode(it item) (Lease, error) {
	d := decoder{it: it}
	if entity := d.text(attrEntity); entity != "" && entity != entityLease {
		return Lease{}, errNotLease
	}
	l := Lease{
		Key:             d.text(attrKey),
		Owner:           d.text(attrOwner),
		CheckpointOwner: d.text(attrCheckpointOwner),
		Counter:         d.required(attrCounter),
		Checkpoint:      row.Position{Sequence: d.text(attrCheckpoint), Subsequence: d.number(attrSubsequence)},
		OwnerSwitches:   d.number(attrSwitches),
		Parents:         d.set(attrParents),
		Children:        d.set(attrChildren),
		StartHash:       d.text(attrStartHash),
		EndHash:         d.text(attrEndHash),
		Measured:        d.has(attrThroughput),
		Worker:          d.text(attrWorker),
		Nonce:           d.text(attrNonce),
		StartMillis:     d.number(attrStartMillis),
		Offsets:         d.bool(attrOffsets),
		StreamCreated:   d.number(attrStreamCreated),
	}
	if strings.Contains(l.Key, ":") {
		return Lease{}, errNotLease // <account>:<stream>:<created>:<shard>: a multi-stream application
	}
	if d.err == nil {
		d.err = checkCheckpoint(l.Checkpoint)
	}
	if d.err != nil {
		return Lease{Key: l.Key}, fmt.Errorf("read lease row %q: %w", l.Key, d.err)
	}
	return l, nil
}

// clientVersion returns what the migration row of a KCL 3.5 fleet says of its version; "" of any other row.
func clientVersion(it item) string {
	d := decoder{it: it}
	if d.text(attrEntity) != entityMigration {
		return ""
	}
	return d.text(attrClientVersion)
}

func checkCheckpoint(p row.Position) error {
	switch p.Sequence {
	case row.TrimHorizon, row.Latest, row.AtTimestamp, row.ShardEnd:
		return nil
	}
	if !p.IsNumber() {
		return fmt.Errorf("attribute %s: %q is neither a sequence number nor a known word", attrCheckpoint, p.Sequence)
	}
	return nil
}

// yes is a constant: nothing writes through it.
var yes types.AttributeValue = &types.AttributeValueMemberBOOL{Value: true}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func set(s []string) types.AttributeValue {
	return &types.AttributeValueMemberSS{Value: slices.Compact(slices.Sorted(slices.Values(s)))}
}

// decoder reads attributes of exact types and keeps the first error.
type decoder struct {
	it  item
	err error
}

func attribute[T any](d *decoder, name string) (T, bool) {
	var none T
	v, ok := d.it[name]
	if !ok {
		return none, false
	}
	t, ok := v.(T)
	if !ok && d.err == nil {
		d.err = fmt.Errorf("attribute %s is a %T, not a %T", name, v, none)
	}
	return t, ok
}

func (d *decoder) has(name string) bool {
	_, ok := d.it[name]
	return ok
}

func (d *decoder) text(name string) string {
	if v, ok := attribute[*types.AttributeValueMemberS](d, name); ok {
		return v.Value
	}
	return ""
}

func (d *decoder) bool(name string) bool {
	v, ok := attribute[*types.AttributeValueMemberBOOL](d, name)
	return ok && v.Value
}

func (d *decoder) set(name string) []string {
	if v, ok := attribute[*types.AttributeValueMemberSS](d, name); ok {
		return slices.Sorted(slices.Values(v.Value))
	}
	return nil
}

func (d *decoder) number(name string) int64 {
	v, ok := attribute[*types.AttributeValueMemberN](d, name)
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(v.Value, 10, 64)
	if err != nil && d.err == nil {
		d.err = fmt.Errorf("attribute %s: %w", name, err)
	}
	return n
}

func (d *decoder) required(name string) int64 {
	if _, ok := d.it[name]; !ok && d.err == nil {
		d.err = fmt.Errorf("attribute %s is missing", name)
	}
	return d.number(name)
}
