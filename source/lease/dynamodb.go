package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// DynamoDB is the [Store] of KCL's lease table.
type DynamoDB struct {
	client *dynamodb.Client
	table  string
	log    *slog.Logger

	mu     sync.Mutex
	logged map[string]bool // keys of rows already reported as unreadable
}

var _ Store = (*DynamoDB)(nil)

// NewDynamoDB returns the store of the table of that name, which is KCL's application name. The client's region,
// credentials and endpoint are used as they are. Its retryer is not used for writes: were a retry inside the SDK to
// follow an attempt whose answer was lost, the outcome could no longer be told from the last error alone.
func NewDynamoDB(client *dynamodb.Client, table string, log *slog.Logger) *DynamoDB {
	if log == nil {
		log = slog.Default()
	}
	return &DynamoDB{client: client, table: table, log: log, logged: map[string]bool{}}
}

// once makes a call one attempt.
func once(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

// Scan implements [Store].
func (d *DynamoDB) Scan(ctx context.Context) (Scan, error) {
	var scan Scan
	pages := dynamodb.NewScanPaginator(d.client, &dynamodb.ScanInput{TableName: &d.table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Scan{}, d.failed("scan lease table "+d.table, "dynamodb:Scan", err)
		}
		for _, it := range page.Items {
			l, err := decode(it)
			switch {
			case err == nil:
				scan.Leases = append(scan.Leases, l)
			case errors.Is(err, errNotLease):
				scan.Others++
				if v := clientVersion(it); v != "" {
					scan.Client = v
				}
			default:
				scan.Broken = append(scan.Broken, l.Key)
				d.reportOnce(l.Key, err)
			}
		}
	}
	return scan, nil
}

func (d *DynamoDB) reportOnce(key string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.logged[key] {
		return
	}
	d.logged[key] = true
	d.log.Warn("lease row cannot be read; its shard and the shard's children are left alone", "table", d.table, "shard", key, "error", err)
}

// Create implements [Store].
func (d *DynamoDB) Create(ctx context.Context, l Lease) error {
	return d.add(ctx, l.Key, encodeNew(l))
}

// add writes a row unless there is one of its key, which is success too.
func (d *DynamoDB) add(ctx context.Context, key string, it item) error {
	_, err := d.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                &d.table,
		Item:                     it,
		ConditionExpression:      aws.String("attribute_not_exists(#k)"),
		ExpressionAttributeNames: map[string]string{"#k": attrKey},
	}, once)
	if _, exists := errors.AsType[*types.ConditionalCheckFailedException](err); exists {
		return nil
	}
	return d.failed("create lease "+key, "dynamodb:PutItem", err)
}

// Update implements [Store].
func (d *DynamoDB) Update(ctx context.Context, u Update) (Lease, error) {
	op := "write lease " + u.Key
	e := updateExpression(u)
	out, err := d.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &d.table,
		Key:                                 item{attrKey: text(u.Key)},
		ConditionExpression:                 aws.String(e.condition()),
		UpdateExpression:                    aws.String(e.update()),
		ExpressionAttributeNames:            e.names,
		ExpressionAttributeValues:           e.values,
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, once)
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		found, err := d.found(ctx, u.Key, failed)
		switch {
		case err != nil:
			// What stands in the row is not known, so neither is whether this write was the one that put it there.
			return Lease{}, err
		case found != nil && u.Written(*found):
			return *found, nil // an earlier attempt took effect and its answer was lost
		case found != nil && u.Holds(*found):
			// The condition failed and holds now: the row was put back in between, as a hand-over taken back does.
			return Lease{}, &Error{Op: op, Class: ClassThrottled, Err: failed}
		default:
			return Lease{}, &Error{Op: op, Class: ClassLost, Found: found, Err: errors.New("row has changed: " + describe(found))}
		}
	}
	if err != nil {
		return Lease{}, d.failed(op, "dynamodb:UpdateItem", err)
	}
	l, err := decode(out.Attributes)
	if err != nil {
		return Lease{}, &Error{Op: op, Class: ClassRetry, Err: err}
	}
	return l, nil
}

// Delete implements [Store].
func (d *DynamoDB) Delete(ctx context.Context, key string, counter int64) error {
	return d.remove(ctx, key, deleteExpression(counter))
}

// remove deletes a row that meets a condition; a missing one is success.
func (d *DynamoDB) remove(ctx context.Context, key string, e *expression) error {
	op := "delete lease " + key
	_, err := d.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                           &d.table,
		Key:                                 item{attrKey: text(key)},
		ConditionExpression:                 aws.String(e.condition()),
		ExpressionAttributeNames:            e.names,
		ExpressionAttributeValues:           e.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, once)
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		found, err := d.found(ctx, key, failed)
		if err != nil || found == nil {
			return err
		}
		return &Error{Op: op, Class: ClassLost, Found: found, Err: errors.New("row has changed: " + describe(found))}
	}
	return d.failed(op, "dynamodb:DeleteItem", err)
}

// found returns the row that made a condition fail, nil when there is none. The service sends it along; servers that do
// not (dynalite, older DynamoDB Local) are asked for it.
func (d *DynamoDB) found(ctx context.Context, key string, failed *types.ConditionalCheckFailedException) (*Lease, error) {
	it := failed.Item
	if len(it) == 0 {
		out, err := d.client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName:      &d.table,
			Key:            item{attrKey: text(key)},
			ConsistentRead: aws.Bool(true),
		}, once)
		if err != nil {
			err = d.failed("read lease "+key, "dynamodb:GetItem", err)
			if e, ok := errors.AsType[*Error](err); ok && e.Class == ClassThrottled {
				e.Class = ClassRetry // throttled was the reading; the write before it may have been answered by its own echo
			}
			return nil, err
		}
		it = out.Item
	}
	if len(it) == 0 {
		return nil, nil
	}
	l, err := decode(it)
	if err != nil {
		// The row was readable when the write was composed, so another program has rewritten it.
		return nil, &Error{Op: "read lease " + key, Class: ClassLost, Found: nil, Err: err}
	}
	return &l, nil
}

func describe(found *Lease) string {
	if found == nil {
		return "it does not exist"
	}
	return fmt.Sprintf("owner %q, checkpoint owner %q, counter %d, checkpoint %s",
		found.Owner, found.CheckpointOwner, found.Counter, found.Checkpoint)
}
