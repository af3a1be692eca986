package lease

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// DynamoDB is the [Store] of KCL's lease table.
type DynamoDB struct {
	client *dynamodb.Client
	table  string
}

// NewDynamoDB returns the store of the table of that name, which is KCL's application name. The client's region,
// credentials and endpoint are used as they are; its retryer is not, because the caller repeats writes itself.
func NewDynamoDB(client *dynamodb.Client, table string) *DynamoDB {
	return &DynamoDB{client: client, table: table}
}
