// Package dynamodbtest is a conformance suite for implementations of Amazon
// DynamoDB, driven by the AWS SDK for Go. It states what a lease table and its
// users rely on; each rule names its source. Rules about what a target is known
// not to have, by its Capabilities, are left out.
package dynamodbtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// Capabilities names the parts of the API that not every emulator has.
type Capabilities struct {
	OldOnFailure  bool // ReturnValuesOnConditionCheckFailure
	Transactions  bool // TransactWriteItems
	TimeToLive    bool // UpdateTimeToLive
	Backups       bool // UpdateContinuousBackups
	UpdateIndexes bool // UpdateTable adds and deletes indexes
	Strict        bool // rules that were seen only in this project's stand-in and in the service's documentation
}

// All are the capabilities of the service itself.
var All = Capabilities{OldOnFailure: true, Transactions: true, TimeToLive: true, Backups: true, UpdateIndexes: true, Strict: true}

// Target is an implementation under test.
type Target struct {
	Client *dynamodb.Client
	Can    Capabilities
}

// Run runs the suite; newTarget is called once a rule.
func Run(t *testing.T, newTarget func(testing.TB) Target) {
	for _, g := range groups() {
		t.Run(g.name, func(t *testing.T) {
			for _, r := range g.rules {
				target := newTarget(t)
				if r.needs != nil && !r.needs(target.Can) {
					continue
				}
				t.Run(r.name, func(t *testing.T) { r.run(&env{T: t, Target: target}) })
			}
		})
	}
}

type group struct {
	name  string
	rules []rule
}

func groups() []group {
	return []group{
		{"Lease", leaseRules}, {"Condition", conditionRules}, {"Update", updateRules},
		{"Number", numberRules}, {"Refusal", refusalRules}, {"Read", readRules},
		{"Table", tableRules}, {"Legacy", legacyRules}, {"Batch", batchRules},
	}
}

type rule struct {
	name  string
	needs func(Capabilities) bool
	run   func(*env)
}

// T is what a rule reports to; *testing.T is one. Fatal and Fatalf do not return.
type T interface {
	Helper()
	Context() context.Context
	Log(args ...any)
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

type env struct {
	T
	Target
}

type item = map[string]types.AttributeValue

func str(s string) types.AttributeValue     { return &types.AttributeValueMemberS{Value: s} }
func num(s string) types.AttributeValue     { return &types.AttributeValueMemberN{Value: s} }
func bin(s string) types.AttributeValue     { return &types.AttributeValueMemberB{Value: []byte(s)} }
func boolean(b bool) types.AttributeValue   { return &types.AttributeValueMemberBOOL{Value: b} }
func null() types.AttributeValue            { return &types.AttributeValueMemberNULL{Value: true} }
func strs(s ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: s} }
func nums(s ...string) types.AttributeValue { return &types.AttributeValueMemberNS{Value: s} }
func list(v ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: v}
}
func doc(m item) types.AttributeValue { return &types.AttributeValueMemberM{Value: m} }

// show writes a value in a form that does not depend on the order of sets.
func show(v types.AttributeValue) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case *types.AttributeValueMemberS:
		return fmt.Sprintf("%q", v.Value)
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return fmt.Sprintf("b%q", v.Value)
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint(v.Value)
	case *types.AttributeValueMemberNULL:
		return "null"
	case *types.AttributeValueMemberSS:
		return "ss" + sorted(v.Value)
	case *types.AttributeValueMemberNS:
		return "ns" + sorted(v.Value)
	case *types.AttributeValueMemberL:
		out := "["
		for _, e := range v.Value {
			out += show(e) + " "
		}
		return out + "]"
	case *types.AttributeValueMemberM:
		return "m" + showItem(v.Value)
	}
	return fmt.Sprintf("%T", v)
}

// table makes a table with the key leaseKey and waits until it is active.
func (e *env) table() string {
	e.Helper()
	return e.create(&dynamodb.CreateTableInput{
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("leaseKey"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("leaseKey"), AttributeType: types.ScalarAttributeTypeS}},
	})
}

func (e *env) create(in *dynamodb.CreateTableInput) string {
	e.Helper()
	name := fmt.Sprintf("t-%d", rand.Uint64())
	in.TableName = &name
	if in.BillingMode == "" {
		in.BillingMode = types.BillingModePayPerRequest
	}
	_, err := e.Client.CreateTable(e.Context(), in)
	e.ok(err)
	e.await(name)
	return name
}

func (e *env) await(name string) {
	e.Helper()
	w := dynamodb.NewTableExistsWaiter(e.Client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 50*time.Millisecond
	})
	e.ok(w.Wait(e.Context(), &dynamodb.DescribeTableInput{TableName: &name}, 30*time.Second))
}

func (e *env) put(table string, it item) {
	e.Helper()
	_, err := e.Client.PutItem(e.Context(), &dynamodb.PutItemInput{TableName: &table, Item: it})
	e.ok(err)
}

func (e *env) get(table, key string) item {
	e.Helper()
	out, err := e.Client.GetItem(e.Context(), &dynamodb.GetItemInput{TableName: &table, Key: item{"leaseKey": str(key)}, ConsistentRead: aws.Bool(true)})
	e.ok(err)
	return out.Item
}

// update is an UpdateItem of the row "k".
type update struct {
	u, c    string
	names   map[string]string
	values  item
	returns types.ReturnValue
}

func (e *env) update(table string, u update) (*dynamodb.UpdateItemOutput, error) {
	in := &dynamodb.UpdateItemInput{
		TableName: &table, Key: item{"leaseKey": str("k")},
		ExpressionAttributeNames: u.names, ExpressionAttributeValues: u.values, ReturnValues: u.returns,
	}
	if u.u != "" {
		in.UpdateExpression = &u.u
	}
	if u.c != "" {
		in.ConditionExpression = &u.c
	}
	if e.Can.OldOnFailure {
		in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	return e.Client.UpdateItem(e.Context(), in)
}

func (e *env) ok(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// refused insists on an error of that code, whose message holds the text when
// the target is strict.
func (e *env) refused(err error, code, text string) {
	e.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		e.Fatalf("got error %v, want %s", err, code)
	}
	if e.Can.Strict && !containsText(api.ErrorMessage(), text) {
		e.Fatalf("got message %q, want it to contain %q", api.ErrorMessage(), text)
	}
}

// conditionFailed insists on a failed condition that shows the row.
func (e *env) conditionFailed(err error, want item) {
	e.Helper()
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		e.Fatalf("got error %v, want ConditionalCheckFailedException", err)
	}
	if e.Can.OldOnFailure {
		e.same(failed.Item, want)
	}
}

func (e *env) same(got, want item) {
	e.Helper()
	if g, w := showItem(got), showItem(want); g != w {
		e.Fatalf("got  %s\nwant %s", g, w)
	}
}
