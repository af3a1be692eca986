package dynamodbtest

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func attr(name string, kind types.ScalarAttributeType) types.AttributeDefinition {
	return types.AttributeDefinition{AttributeName: &name, AttributeType: kind}
}

func keys(hash string, sort ...string) []types.KeySchemaElement {
	k := []types.KeySchemaElement{{AttributeName: &hash, KeyType: types.KeyTypeHash}}
	for _, s := range sort {
		k = append(k, types.KeySchemaElement{AttributeName: &s, KeyType: types.KeyTypeRange})
	}
	return k
}

// ownerIndex is the index that the Kinesis Client Library 3 makes.
var ownerIndex = types.GlobalSecondaryIndex{
	IndexName: aws.String("LeaseOwnerToLeaseKeyIndex"), KeySchema: keys("leaseOwner", "leaseKey"),
	Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
}

// ordered makes a table with a numeric sort key.
func (e *env) ordered() string {
	e.Helper()
	return e.create(&dynamodb.CreateTableInput{KeySchema: keys("h", "r"), AttributeDefinitions: []types.AttributeDefinition{attr("h", "S"), attr("r", "N")}})
}

func (e *env) owners() string {
	e.Helper()
	return e.create(&dynamodb.CreateTableInput{
		KeySchema: keys("leaseKey"), AttributeDefinitions: []types.AttributeDefinition{attr("leaseKey", "S"), attr("leaseOwner", "S")},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{ownerIndex},
	})
}

func showAll(items []item) string {
	var out []string
	for _, it := range items {
		out = append(out, showItem(it))
	}
	return strings.Join(out, " ")
}

// tableRules: API reference, CreateTable, DescribeTable, UpdateTable, DeleteTable.
var tableRules = []rule{
	{name: "describe", run: func(e *env) {
		table := e.owners()
		out, err := e.Client.DescribeTable(e.Context(), &dynamodb.DescribeTableInput{TableName: &table})
		e.ok(err)
		d := out.Table
		if d.TableStatus != types.TableStatusActive || !strings.HasSuffix(aws.ToString(d.TableArn), ":table/"+table) || d.CreationDateTime == nil || len(d.KeySchema) != 1 || len(d.GlobalSecondaryIndexes) != 1 {
			e.Fatalf("got %+v", d)
		}
		if d.BillingModeSummary == nil || d.BillingModeSummary.BillingMode != types.BillingModePayPerRequest || d.GlobalSecondaryIndexes[0].IndexStatus != types.IndexStatusActive {
			e.Fatalf("got %+v", d)
		}
	}},
	{name: "errors", run: func(e *env) {
		table := e.table()
		_, err := e.Client.CreateTable(e.Context(), &dynamodb.CreateTableInput{TableName: &table, BillingMode: types.BillingModePayPerRequest, KeySchema: keys("leaseKey"), AttributeDefinitions: []types.AttributeDefinition{attr("leaseKey", "S")}})
		e.refused(err, "ResourceInUseException", "Table already exists: "+table)
		none := "no-such-table"
		_, err = e.Client.DescribeTable(e.Context(), &dynamodb.DescribeTableInput{TableName: &none})
		e.refused(err, "ResourceNotFoundException", "Requested resource not found: Table: no-such-table not found")
		for text, in := range map[string]*dynamodb.CreateTableInput{
			"Some index key attributes are not defined in AttributeDefinitions":                               {KeySchema: keys("a"), AttributeDefinitions: []types.AttributeDefinition{attr("b", "S")}, BillingMode: "PAY_PER_REQUEST"},
			"Number of attributes in KeySchema does not exactly match":                                        {KeySchema: keys("a"), AttributeDefinitions: []types.AttributeDefinition{attr("a", "S"), attr("b", "S")}, BillingMode: "PAY_PER_REQUEST"},
			"ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED": {KeySchema: keys("a"), AttributeDefinitions: []types.AttributeDefinition{attr("a", "S")}, BillingMode: "PROVISIONED"},
		} {
			in.TableName = &none
			_, err = e.Client.CreateTable(e.Context(), in)
			e.refused(err, "ValidationException", text)
		}
	}},
	{name: "delete and list", run: func(e *env) {
		table := e.create(&dynamodb.CreateTableInput{KeySchema: keys("a"), AttributeDefinitions: []types.AttributeDefinition{attr("a", "S")}, BillingMode: "PROVISIONED", ProvisionedThroughput: &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(1), WriteCapacityUnits: aws.Int64(1)}})
		listed := false
		for pages := dynamodb.NewListTablesPaginator(e.Client, &dynamodb.ListTablesInput{}); pages.HasMorePages() && !listed; {
			out, err := pages.NextPage(e.Context())
			e.ok(err)
			listed = slices.Contains(out.TableNames, table)
		}
		if !listed {
			e.Fatalf("table %s is not listed", table)
		}
		_, err := e.Client.DeleteTable(e.Context(), &dynamodb.DeleteTableInput{TableName: &table})
		e.ok(err)
		w := dynamodb.NewTableNotExistsWaiter(e.Client, func(o *dynamodb.TableNotExistsWaiterOptions) {
			o.MinDelay, o.MaxDelay = 10*time.Millisecond, 50*time.Millisecond
		})
		e.ok(w.Wait(e.Context(), &dynamodb.DescribeTableInput{TableName: &table}, 30*time.Second))
		_, err = e.Client.DescribeTable(e.Context(), &dynamodb.DescribeTableInput{TableName: &table})
		e.refused(err, "ResourceNotFoundException", table)
	}},
	{name: "indexes come and go", needs: func(c Capabilities) bool { return c.UpdateIndexes }, run: func(e *env) {
		table := e.table()
		_, err := e.Client.UpdateTable(e.Context(), &dynamodb.UpdateTableInput{TableName: &table, AttributeDefinitions: []types.AttributeDefinition{attr("leaseKey", "S"), attr("leaseOwner", "S")},
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{IndexName: ownerIndex.IndexName, KeySchema: ownerIndex.KeySchema, Projection: ownerIndex.Projection}}}})
		e.ok(err)
		e.await(table)
		_, err = e.Client.UpdateTable(e.Context(), &dynamodb.UpdateTableInput{TableName: &table,
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Delete: &types.DeleteGlobalSecondaryIndexAction{IndexName: ownerIndex.IndexName}}}})
		e.ok(err)
		out, err := e.Client.DescribeTable(e.Context(), &dynamodb.DescribeTableInput{TableName: &table})
		e.ok(err)
		if len(out.Table.GlobalSecondaryIndexes) != 0 {
			e.Fatalf("got %+v", out.Table.GlobalSecondaryIndexes)
		}
	}},
	{name: "time to live", needs: func(c Capabilities) bool { return c.TimeToLive }, run: func(e *env) {
		table := e.table()
		in := &dynamodb.UpdateTimeToLiveInput{TableName: &table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("x"), Enabled: aws.Bool(true)}}
		_, err := e.Client.UpdateTimeToLive(e.Context(), in)
		e.ok(err)
		out, err := e.Client.DescribeTimeToLive(e.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &table})
		e.ok(err)
		if out.TimeToLiveDescription.TimeToLiveStatus != types.TimeToLiveStatusEnabled {
			e.Fatalf("got %+v", out.TimeToLiveDescription)
		}
		_, err = e.Client.UpdateTimeToLive(e.Context(), in)
		e.refused(err, "ValidationException", "TimeToLive is already enabled")
	}},
	{name: "backups", needs: func(c Capabilities) bool { return c.Backups }, run: func(e *env) {
		table := e.table()
		_, err := e.Client.UpdateContinuousBackups(e.Context(), &dynamodb.UpdateContinuousBackupsInput{TableName: &table, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)}})
		e.ok(err)
		out, err := e.Client.DescribeContinuousBackups(e.Context(), &dynamodb.DescribeContinuousBackupsInput{TableName: &table})
		e.ok(err)
		if out.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusEnabled {
			e.Fatalf("got %+v", out.ContinuousBackupsDescription)
		}
	}},
}
