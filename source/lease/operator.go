package lease

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kinesis-snowflake/internal/row"
)

// Row is one row of the table as an operator looks at it: a lease, or what else stands in its place.
type Row struct {
	Key      string
	Lease    Lease        // zero unless Kind is LeaseRow
	Prepared row.Position // of KCL's checkpoint in two steps, when the second is still to come
	Kind     RowKind
	What     string // of every other kind: what it is, or why it cannot be read
}

// RowKind tells leases from the rest.
type RowKind uint8

// The kinds of rows.
const (
	LeaseRow   RowKind = iota
	OtherRow           // another kind of row of KCL 3.5 and later, or a lease of another stream
	BrokenRow          // it looks like a lease and cannot be read
	UnnamedRow         // without a leaseKey; DynamoDB refuses those, so the table has another shape
)

// Rows reads the whole table with consistent reads. It is not a snapshot.
func (d *DynamoDB) Rows(ctx context.Context) ([]Row, error) {
	var rows []Row
	pages := dynamodb.NewScanPaginator(d.client, &dynamodb.ScanInput{TableName: &d.table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, d.failed("scan lease table "+d.table, "dynamodb:Scan", err)
		}
		for _, it := range page.Items {
			rows = append(rows, rowOf(it))
		}
	}
	return rows, nil
}

func rowOf(it item) Row {
	plain := decoder{it: it} // its errors are decode's to tell
	r := Row{Key: plain.text(attrKey)}
	l, err := decode(it)
	switch {
	case r.Key == "":
		r.Kind, r.What = UnnamedRow, "it has no "+attrKey
	case errors.Is(err, errNotLease):
		r.Kind, r.What = OtherRow, "a lease of a multi-stream application"
		if entity := plain.text(attrEntity); entity != "" && entity != entityLease {
			r.What = entity + " of the Kinesis Client Library"
		}
	case err != nil:
		r.Kind, r.What = BrokenRow, err.Error()
	default:
		r.Lease = l
		r.Prepared = row.Position{Sequence: plain.text(attrPending), Subsequence: plain.number(attrPendingSub)}
	}
	return r
}

// Exists reports whether there is a table to read, without making one. A table of another shape is an error, as in
// [DynamoDB.Ensure].
func (d *DynamoDB) Exists(ctx context.Context) (bool, error) {
	out, err := d.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &d.table})
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		return false, nil
	}
	if err != nil {
		return false, d.failed("describe lease table "+d.table, "dynamodb:DescribeTable", err)
	}
	if err := checkShape(out.Table); err != nil {
		return false, &Error{Op: "open lease table " + d.table, Class: ClassPermanent, Err: err, Hint: shapeHint(err, d.table)}
	}
	switch out.Table.TableStatus {
	case types.TableStatusActive, types.TableStatusUpdating:
		return true, nil
	default:
		return false, &Error{Op: "open lease table " + d.table, Class: ClassThrottled, Err: fmt.Errorf("its status is %s", out.Table.TableStatus)}
	}
}

// Restart puts a lease back to a start, free for any worker.
type Restart struct {
	Was           Lease // as it was read: counter, owner and checkpoint owner must still be these
	Nonce         string
	Shard         Shard // what the stream says of it
	Position      string
	StartMillis   int64 // the time that row.Latest or row.AtTimestamp stands for; 0 removes it
	StreamCreated int64
}

// Restart writes r, raising the counter so that whoever believed to hold the lease finds it lost. What belonged to the
// earlier reading goes: owner, hand-over, prepared checkpoint, children, and the mark that Snowflake offsets exist. It is
// idempotent under its nonce, as [Store.Update] is, with the same classes of errors.
func (d *DynamoDB) Restart(ctx context.Context, r Restart) error {
	op := "restart lease " + r.Was.Key
	e := restartExpression(r)
	_, err := d.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &d.table,
		Key:                                 item{attrKey: text(r.Was.Key)},
		ConditionExpression:                 aws.String(e.condition()),
		UpdateExpression:                    aws.String(e.update()),
		ExpressionAttributeNames:            e.names,
		ExpressionAttributeValues:           e.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, once)
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		found, err := d.found(ctx, r.Was.Key, failed)
		if err != nil {
			return err
		}
		if found != nil && found.Nonce == r.Nonce && found.Counter == r.Was.Counter+1 {
			return nil // an earlier attempt took effect and its answer was lost
		}
		return &Error{Op: op, Class: ClassLost, Found: found, Err: errors.New("row has changed: " + describe(found))}
	}
	return d.failed(op, "dynamodb:UpdateItem", err)
}

func restartExpression(r Restart) *expression {
	e := newExpression()
	e.counterIs(r.Was.Counter)
	e.equal(attrOwner, r.Was.Owner, ":owner")
	e.equal(attrCheckpointOwner, r.Was.CheckpointOwner, ":holder")
	put := func(attr, placeholder string, v types.AttributeValue) {
		e.values[placeholder] = v
		e.set = append(e.set, e.name(attr)+" = "+placeholder)
	}
	drop := func(attr string) { e.remove = append(e.remove, e.name(attr)) }
	put(attrCounter, ":n", number(r.Was.Counter+1))
	put(attrNonce, ":nonce", text(r.Nonce))
	put(attrCheckpoint, ":seq", text(r.Position))
	put(attrSubsequence, ":sub", number(0))
	put(attrSwitches, ":zero", number(0))
	put(attrStartHash, ":from", text(r.Shard.StartHash))
	put(attrEndHash, ":to", text(r.Shard.EndHash))
	if len(r.Shard.Parents) > 0 {
		put(attrParents, ":parents", set(r.Shard.Parents))
	} else {
		drop(attrParents)
	}
	if r.StartMillis != 0 {
		put(attrStartMillis, ":start", number(r.StartMillis))
	} else {
		drop(attrStartMillis)
	}
	put(attrStreamCreated, ":created", number(r.StreamCreated))
	for _, attr := range []string{attrOwner, attrCheckpointOwner, attrPending, attrPendingSub, attrPendingState, attrChildren, attrOffsets} {
		drop(attr)
	}
	return e
}

// Adopt creates the row of a lease whose shard another program has read so far, its children included. Like
// [Store.Create] it leaves a row that is there already as it is.
func (d *DynamoDB) Adopt(ctx context.Context, l Lease) error {
	it := encodeNew(l)
	if len(l.Children) > 0 {
		it[attrChildren] = set(l.Children)
	}
	return d.add(ctx, l.Key, it)
}

// Discard deletes a row whose counter is still the given one, finished or not: its shard belongs to a stream that is no
// more. A missing row is success; [ClassLost] means that it has changed.
func (d *DynamoDB) Discard(ctx context.Context, key string, counter int64) error {
	e := newExpression()
	e.counterIs(counter)
	return d.remove(ctx, key, e)
}
