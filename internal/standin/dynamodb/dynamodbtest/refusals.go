package dynamodbtest

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// numberRules: developer guide, "Constraints": 38 digits, 1E-130 to
// 9.99E+125; leading and trailing zeros are trimmed.
var numberRules = []rule{
	{name: "normalised", run: func(e *env) {
		table := e.table()
		for in, want := range map[string]string{
			"007": "7", "1.50": "1.5", "-0": "0", "1e3": "1000", "1.2E-3": "0.0012", ".5": "0.5", "5.": "5", "0.000": "0",
			"12345678901234567890123456789012345678":      "12345678901234567890123456789012345678",
			"0.00012345678901234567890123456789012345678": "0.00012345678901234567890123456789012345678",
			"1e125": "1" + strings.Repeat("0", 125), "-1e-130": "-0." + strings.Repeat("0", 129) + "1",
		} {
			e.put(table, item{"leaseKey": str("k"), "n": num(in)})
			e.same(e.get(table, "k"), item{"leaseKey": str("k"), "n": num(want)})
		}
	}},
	{name: "exact", run: func(e *env) {
		table := e.table()
		e.put(table, item{"leaseKey": str("k"), "n": num("12345678901234567890123456789012345677")})
		_, err := e.update(table, update{u: "SET n = n + :one ADD d :d", values: item{":one": num("1"), ":d": num("0.1")}})
		e.ok(err)
		_, err = e.update(table, update{u: "ADD d :d", c: "n = :n", values: item{":d": num("0.2"), ":n": num("12345678901234567890123456789012345678")}})
		e.ok(err)
		e.same(e.get(table, "k"), item{"leaseKey": str("k"), "n": num("12345678901234567890123456789012345678"), "d": num("0.3")})
	}},
	{name: "refused", run: func(e *env) {
		table := e.table()
		for in, text := range map[string]string{
			"": "The parameter cannot be converted to a numeric value", "x": "The parameter cannot be converted to a numeric value: x", "0x1": "numeric value: 0x1", "1e": "numeric value", "NaN": "numeric value", "1_0": "numeric value",
			"123456789012345678901234567890123456789": "Attempting to store more than 38 significant digits in a Number",
			"1e126":  "Number overflow. Attempting to store a number with magnitude larger than supported range",
			"1e-131": "Number underflow. Attempting to store a number with magnitude smaller than supported range",
		} {
			_, err := e.Client.PutItem(e.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item{"leaseKey": str("k"), "n": num(in)}})
			e.refused(err, "ValidationException", text)
		}
	}},
}

// refusalRules: what PutItem, GetItem and the placeholders refuse.
var refusalRules = []rule{
	{name: "items", run: func(e *env) {
		table := e.table()
		for _, tt := range []struct {
			it   item
			text string
		}{
			{item{"n": num("1")}, "Missing the key leaseKey in the item"},
			{item{"leaseKey": num("1")}, "Type mismatch for key leaseKey expected: S actual: N"},
			{item{"leaseKey": str("")}, "The AttributeValue for a key attribute cannot contain an empty string value. Key: leaseKey"},
			{item{"leaseKey": str("k"), "ss": strs()}, "An string set  may not be empty"},
			{item{"leaseKey": str("k"), "ss": strs("a", "a")}, "contains duplicates"},
			{item{"leaseKey": str("k"), "ns": nums("1", "1.0")}, "Input collection contains duplicates"},
			{item{"leaseKey": str("k"), "z": &types.AttributeValueMemberNULL{}}, "Null attribute value types must have the value of true"},
			{item{"leaseKey": str("k"), "s": str(strings.Repeat("x", 400<<10))}, "Item size has exceeded the maximum allowed size"},
			{item{"leaseKey": str(strings.Repeat("x", 2049))}, "Size of hashkey has exceeded the maximum size limit"},
		} {
			_, err := e.Client.PutItem(e.Context(), &dynamodb.PutItemInput{TableName: &table, Item: tt.it})
			e.refused(err, "ValidationException", tt.text)
		}
		// Empty strings are allowed where there is no key (since May 2020).
		e.put(table, item{"leaseKey": str("k"), "s": str(""), "b": bin("")})
	}},
	{name: "growth", run: func(e *env) {
		table := e.table()
		e.put(table, item{"leaseKey": str("k"), "s": str(strings.Repeat("x", 399<<10))})
		_, err := e.update(table, update{u: "SET q = :v", values: item{":v": str(strings.Repeat("y", 2<<10))}})
		e.refused(err, "ValidationException", "Item size to update has exceeded the maximum allowed size")
	}},
	{name: "keys", run: func(e *env) {
		table := e.table()
		for _, key := range []item{{}, {"other": str("k")}, {"leaseKey": num("1")}, {"leaseKey": str("k"), "x": str("y")}} {
			_, err := e.Client.GetItem(e.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key})
			e.refused(err, "ValidationException", "The provided key element does not match the schema")
		}
		none := "no-such-table"
		_, err := e.Client.GetItem(e.Context(), &dynamodb.GetItemInput{TableName: &none, Key: item{"leaseKey": str("k")}})
		e.refused(err, "ResourceNotFoundException", "Requested resource not found")
	}},
	{name: "placeholders", run: func(e *env) {
		table := e.table()
		for _, tt := range []struct {
			u    update
			text string
		}{
			{update{u: "REMOVE s", values: item{":v": str("x")}}, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}"},
			{update{u: "REMOVE s", names: map[string]string{"#n": "n"}}, "Value provided in ExpressionAttributeNames unused in expressions: keys: {#n}"},
			{update{values: item{":v": str("x")}}, "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and ConditionExpression are null"},
			{update{names: map[string]string{"#n": "n"}}, "ExpressionAttributeNames can only be specified when using expressions"},
			{update{u: "REMOVE s", values: item{"v": str("x")}}, `ExpressionAttributeValues contains invalid key: Syntax error; key: "v"`},
			{update{u: "REMOVE #n", names: map[string]string{"n": "n"}}, `ExpressionAttributeNames contains invalid key: Syntax error; key: "n"`},
			{update{u: "SET s = :v", values: item{":v": strs()}}, "ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: An string set  may not be empty for key :v"},
		} {
			_, err := e.update(table, tt.u)
			e.refused(err, "ValidationException", tt.text)
		}
		_, err := e.Client.PutItem(e.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item{"leaseKey": str("k")}, ConditionExpression: aws.String("")})
		e.refused(err, "ValidationException", "Invalid ConditionExpression: The expression can not be empty;")
		_, err = e.Client.PutItem(e.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item{"leaseKey": str("k")}, ReturnValues: types.ReturnValueAllNew})
		e.refused(err, "ValidationException", "ReturnValues can only be ALL_OLD or NONE")
	}},
}
