package lease

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// A new table is usually ACTIVE within seconds; five minutes tells slow from stuck. The SDK's own waiter would look
// for the first time after 20 s.
const (
	tablePollMin = 200 * time.Millisecond
	tablePollMax = 2 * time.Second
	tableTimeout = 5 * time.Minute
)

// ErrTableShape says that a table of the application's name exists and is not a lease table of KCL.
var ErrTableShape = errors.New("not a KCL lease table")

// Ensure implements [Store].
func (d *DynamoDB) Ensure(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tableTimeout)
	defer cancel()
	wait, created := tablePollMin, false
	for {
		out, err := d.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &d.table})
		switch _, missing := errors.AsType[*types.ResourceNotFoundException](err); {
		case missing && !created:
			if err := d.createTable(ctx); err != nil {
				return err
			}
			created = true
		case missing:
			// Describing is eventually consistent: a table just created may not be seen yet.
		case err != nil:
			return d.failed("describe lease table "+d.table, "dynamodb:DescribeTable", err)
		default:
			if err := checkShape(out.Table); err != nil {
				return &Error{Op: "open lease table " + d.table, Class: ClassPermanent, Err: err, Hint: shapeHint(err, d.table)}
			}
			switch out.Table.TableStatus {
			case types.TableStatusActive, types.TableStatusUpdating: // an index being added, as KCL 3 does, hinders nobody
				return nil
			case types.TableStatusDeleting:
				// It will be missing in a moment, and is created then.
				created = false
			case types.TableStatusCreating:
			default:
				return &Error{Op: "open lease table " + d.table, Class: ClassPermanent, Err: fmt.Errorf("its status is %s", out.Table.TableStatus)}
			}
		}
		select {
		case <-ctx.Done():
			return &Error{Op: "wait for lease table " + d.table + " to become active", Class: ClassRetry, Err: ctx.Err()}
		case <-time.After(wait):
			wait = min(2*wait, tablePollMax)
		}
	}
}

func (d *DynamoDB) createTable(ctx context.Context) error {
	_, err := d.client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:            &d.table,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String(attrKey), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String(attrKey), AttributeType: types.ScalarAttributeTypeS}},
		BillingMode:          types.BillingModePayPerRequest,
	})
	if _, exists := errors.AsType[*types.ResourceInUseException](err); exists {
		return nil // another worker was faster
	}
	return d.failed("create lease table "+d.table, "dynamodb:CreateTable", err)
}

type shapeError struct {
	keys     string
	openflow bool
}

func (e *shapeError) Error() string {
	if e.openflow {
		return "it has the key schema " + e.keys + ", that of the second generation of the Openflow connector (Apache NiFi 2.9 and later)"
	}
	return "it has the key schema " + e.keys + "; a KCL lease table has HASH leaseKey (S)"
}

func (e *shapeError) Is(target error) bool { return target == ErrTableShape }

// checkShape accepts only HASH leaseKey of type S.
func checkShape(t *types.TableDescription) error {
	kinds := map[string]types.ScalarAttributeType{}
	for _, a := range t.AttributeDefinitions {
		kinds[aws.ToString(a.AttributeName)] = a.AttributeType
	}
	keys := ""
	for i, k := range t.KeySchema {
		if i > 0 {
			keys += ", "
		}
		name := aws.ToString(k.AttributeName)
		keys += fmt.Sprintf("%s %s (%s)", k.KeyType, name, kinds[name])
	}
	switch keys {
	case "HASH " + attrKey + " (S)":
		return nil
	case "HASH streamName (S), RANGE shardId (S)":
		return &shapeError{keys: keys, openflow: true}
	default:
		return &shapeError{keys: keys}
	}
}

func shapeHint(err error, table string) string {
	if shape, ok := errors.AsType[*shapeError](err); ok && shape.openflow {
		return fmt.Sprintf("stop that connector, choose another application name than %q and bring its checkpoints over with `kinesis-snowflake leases import`; this table is left as it is", table)
	}
	return fmt.Sprintf("choose another application name than %q; this table is left as it is", table)
}
