package kcl

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Row is a row as another program writes it: strings are S, lists of them SS, bytes B, integers and floats N, maps M.
type Row map[string]any

// Attributes spells a row for DynamoDB. It panics at a value of another type.
func (r Row) Attributes() map[string]types.AttributeValue {
	out := map[string]types.AttributeValue{}
	for name, v := range r {
		switch v := v.(type) {
		case string:
			out[name] = &types.AttributeValueMemberS{Value: v}
		case []string:
			out[name] = &types.AttributeValueMemberSS{Value: v}
		case []byte:
			out[name] = &types.AttributeValueMemberB{Value: v}
		case int:
			out[name] = &types.AttributeValueMemberN{Value: strconv.Itoa(v)}
		case float64:
			out[name] = &types.AttributeValueMemberN{Value: strconv.FormatFloat(v, 'f', -1, 64)}
		case map[string]types.AttributeValue:
			out[name] = &types.AttributeValueMemberM{Value: v}
		default:
			panic(fmt.Sprintf("attribute %s: a %T", name, v))
		}
	}
	return out
}

// CreateTable makes a table with a hash key and perhaps a range key, both text, and waits until it can be used: a lease table
// has leaseKey alone.
func CreateTable(ctx context.Context, client *dynamodb.Client, name string, keys ...string) error {
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	for i, key := range keys {
		kind := types.KeyTypeHash
		if i > 0 {
			kind = types.KeyTypeRange
		}
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &key, KeyType: kind})
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &key, AttributeType: types.ScalarAttributeTypeS})
	}
	if _, err := client.CreateTable(ctx, in); err != nil {
		return fmt.Errorf("create table %s: %w", name, err)
	}
	if err := dynamodb.NewTableExistsWaiter(client).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, time.Minute); err != nil {
		return fmt.Errorf("wait for table %s: %w", name, err)
	}
	return nil
}

// Write puts rows into a table.
func Write(ctx context.Context, client *dynamodb.Client, table string, rows ...Row) error {
	for _, r := range rows {
		if _, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: r.Attributes()}); err != nil {
			return fmt.Errorf("write a row into %s: %w", table, err)
		}
	}
	return nil
}
