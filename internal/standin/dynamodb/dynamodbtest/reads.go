package dynamodbtest

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// readRules: developer guide, "Querying tables", "Scanning tables".
var readRules = []rule{
	{name: "scan in pages", run: func(e *env) {
		table := e.table()
		for i := range 25 {
			e.put(table, item{"leaseKey": str(fmt.Sprintf("shardId-%012d", i)), "n": num(fmt.Sprint(i))})
		}
		seen, pages := map[string]bool{}, 0
		p := dynamodb.NewScanPaginator(e.Client, &dynamodb.ScanInput{TableName: &table, Limit: aws.Int32(5), ConsistentRead: aws.Bool(true)})
		for ; p.HasMorePages(); pages++ {
			out, err := p.NextPage(e.Context())
			e.ok(err)
			if out.ScannedCount > 5 {
				e.Fatalf("page of %d items", out.ScannedCount)
			}
			for _, it := range out.Items {
				seen[show(it["leaseKey"])] = true
			}
		}
		if len(seen) != 25 || pages < 5 {
			e.Fatalf("saw %d items in %d pages", len(seen), pages)
		}
	}},
	// The limit counts before the filter: a page may be empty and have a successor.
	{name: "scan with filter", run: func(e *env) {
		table := e.table()
		for i := range 10 {
			e.put(table, item{"leaseKey": str(fmt.Sprint(i)), "n": num(fmt.Sprint(i))})
		}
		found, scanned := 0, 0
		p := dynamodb.NewScanPaginator(e.Client, &dynamodb.ScanInput{TableName: &table, Limit: aws.Int32(3), FilterExpression: aws.String("n = :n"),
			ExpressionAttributeValues: item{":n": num("7")}, ProjectionExpression: aws.String("n")})
		for p.HasMorePages() {
			out, err := p.NextPage(e.Context())
			e.ok(err)
			found += len(out.Items)
			scanned += int(out.ScannedCount)
			for _, it := range out.Items {
				e.same(it, item{"n": num("7")})
			}
		}
		if found != 1 || scanned != 10 {
			e.Fatalf("found %d, scanned %d", found, scanned)
		}
	}},
	// API reference, Scan: "up to 1 MB".
	{name: "scan stops at 1 MB", run: func(e *env) {
		table := e.table()
		for i := range 5 {
			e.put(table, item{"leaseKey": str(fmt.Sprint(i)), "s": str(strings.Repeat("x", 300<<10))})
		}
		out, err := e.Client.Scan(e.Context(), &dynamodb.ScanInput{TableName: &table})
		e.ok(err)
		if out.Count >= 5 || out.Count < 3 || out.LastEvaluatedKey == nil {
			e.Fatalf("got %d items, last key %v", out.Count, out.LastEvaluatedKey)
		}
	}},
	{name: "scan in segments", run: func(e *env) {
		table := e.table()
		for i := range 20 {
			e.put(table, item{"leaseKey": str(fmt.Sprint(i))})
		}
		total := 0
		for segment := range int32(3) {
			out, err := e.Client.Scan(e.Context(), &dynamodb.ScanInput{TableName: &table, Segment: &segment, TotalSegments: aws.Int32(3)})
			e.ok(err)
			total += int(out.Count)
		}
		if total != 20 {
			e.Fatalf("segments hold %d items", total)
		}
		_, err := e.Client.Scan(e.Context(), &dynamodb.ScanInput{TableName: &table, Segment: aws.Int32(3), TotalSegments: aws.Int32(3)})
		e.refused(err, "ValidationException", "The Segment parameter is zero-based and must be less than parameter TotalSegments")
	}},
	{name: "query", run: func(e *env) {
		table := e.ordered()
		for _, r := range []string{"10", "9", "-1", "2.5"} {
			e.put(table, item{"h": str("a"), "r": num(r)})
		}
		e.put(table, item{"h": str("b"), "r": num("1")})
		for _, tt := range []struct {
			c       string
			back    bool
			limit   int32
			want    string
			another bool
		}{
			{"h = :h", false, 0, "-1 2.5 9 10", false},
			{"h = :h", true, 0, "10 9 2.5 -1", false},
			{"h = :h", false, 2, "-1 2.5", true},
			{"h = :h AND r > :lo", false, 0, "9 10", false},
			{":lo <= r AND h = :h", false, 0, "2.5 9 10", false},
			{"(h = :h) AND (r BETWEEN :lo AND :hi)", true, 0, "9 2.5", false},
		} {
			values := item{}
			for k, v := range (item{":h": str("a"), ":lo": num("2.5"), ":hi": num("9")}) {
				if strings.Contains(tt.c, k) {
					values[k] = v
				}
			}
			in := &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: &tt.c, ExpressionAttributeValues: values, ScanIndexForward: aws.Bool(!tt.back)}
			if tt.limit > 0 {
				in.Limit = &tt.limit
			}
			out, err := e.Client.Query(e.Context(), in)
			e.ok(err)
			var got []string
			for _, it := range out.Items {
				got = append(got, show(it["r"]))
			}
			if strings.Join(got, " ") != tt.want || (out.LastEvaluatedKey != nil) != tt.another {
				e.Fatalf("%s: got %v, last key %v", tt.c, got, out.LastEvaluatedKey)
			}
			if tt.another {
				in.ExclusiveStartKey, in.Limit = out.LastEvaluatedKey, nil
				out, err = e.Client.Query(e.Context(), in)
				e.ok(err)
				if showAll(out.Items) != showAll([]item{{"h": str("a"), "r": num("9")}, {"h": str("a"), "r": num("10")}}) {
					e.Fatalf("second page: %s", showAll(out.Items))
				}
			}
		}
	}},
	{name: "query backwards in pages", run: func(e *env) {
		table := e.ordered()
		for _, r := range []string{"1", "2", "3"} {
			e.put(table, item{"h": str("a"), "r": num(r)})
		}
		var got []item
		p := dynamodb.NewQueryPaginator(e.Client, &dynamodb.QueryInput{TableName: &table, Limit: aws.Int32(1), ScanIndexForward: aws.Bool(false),
			KeyConditionExpression: aws.String("h = :h"), ExpressionAttributeValues: item{":h": str("a")}})
		for p.HasMorePages() {
			out, err := p.NextPage(e.Context())
			e.ok(err)
			got = append(got, out.Items...)
		}
		if want := showAll([]item{{"h": str("a"), "r": num("3")}, {"h": str("a"), "r": num("2")}, {"h": str("a"), "r": num("1")}}); showAll(got) != want {
			e.Fatalf("got %s, want %s", showAll(got), want)
		}
	}},
	// Developer guide, "Read/write capacity": 4 KB a read unit, half when
	// eventually consistent; 1 KB a write unit.
	{name: "capacity", run: func(e *env) {
		table := e.table()
		put, err := e.Client.PutItem(e.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item{"leaseKey": str("k"), "s": str(strings.Repeat("x", 5<<10))}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal})
		e.ok(err)
		if got := aws.ToFloat64(put.ConsumedCapacity.CapacityUnits); got != 6 {
			e.Errorf("write consumed %v", got)
		}
		for consistent, want := range map[bool]float64{true: 2, false: 1} {
			out, err := e.Client.GetItem(e.Context(), &dynamodb.GetItemInput{TableName: &table, Key: item{"leaseKey": str("k")}, ConsistentRead: &consistent, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal})
			e.ok(err)
			if got := aws.ToFloat64(out.ConsumedCapacity.CapacityUnits); got != want {
				e.Errorf("read consumed %v, want %v", got, want)
			}
		}
	}},
	{name: "query is refused", run: func(e *env) {
		table := e.ordered()
		for _, tt := range []struct{ c, f, text string }{
			{"r = :n", "", "Query condition missed key schema element: h"},
			{"h > :s", "", "Query key condition not supported"},
			{"h = :n", "", "Condition parameter type does not match schema type"},
			{"h = :s OR r = :n", "", "Invalid operator used in KeyConditionExpression: OR"},
			{"h = :s AND x = :n", "", "Query condition missed key schema element: r"},
			{"h = :s AND r <> :n", "", "Invalid operator used in KeyConditionExpression"},
			{"h = :s AND h = :s", "", "KeyConditionExpressions must only contain one condition per key"},
			{"h = :s", "r > :n", "Filter Expression can only contain non-primary key attributes: Primary key attribute: r"},
		} {
			values := item{}
			for k, v := range (item{":s": str("a"), ":n": num("1")}) {
				if strings.Contains(tt.c+tt.f, k) {
					values[k] = v
				}
			}
			in := &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: &tt.c, ExpressionAttributeValues: values}
			if tt.f != "" {
				in.FilterExpression = &tt.f
			}
			_, err := e.Client.Query(e.Context(), in)
			e.Log(tt.c)
			e.refused(err, "ValidationException", tt.text)
		}
	}},
	// Developer guide, "Global secondary indexes": rows without the key are not
	// in it; a keys-only projection holds the keys of index and table.
	{name: "index", run: func(e *env) {
		table := e.owners()
		e.put(table, item{"leaseKey": str("s2"), "leaseOwner": str("me"), "leaseCounter": num("1")})
		e.put(table, item{"leaseKey": str("s1"), "leaseOwner": str("me"), "leaseCounter": num("1")})
		e.put(table, item{"leaseKey": str("s3"), "leaseCounter": num("1")})
		e.put(table, item{"leaseKey": str("s4"), "leaseOwner": str("you")})
		in := &dynamodb.QueryInput{TableName: &table, IndexName: ownerIndex.IndexName, KeyConditionExpression: aws.String("leaseOwner = :me"), ExpressionAttributeValues: item{":me": str("me")}}
		out, err := e.Client.Query(e.Context(), in)
		e.ok(err)
		if got, want := showAll(out.Items), showAll([]item{{"leaseKey": str("s1"), "leaseOwner": str("me")}, {"leaseKey": str("s2"), "leaseOwner": str("me")}}); got != want {
			e.Fatalf("got %s, want %s", got, want)
		}
		scan, err := e.Client.Scan(e.Context(), &dynamodb.ScanInput{TableName: &table, IndexName: ownerIndex.IndexName})
		e.ok(err)
		if scan.Count != 3 {
			e.Fatalf("the index holds %d items", scan.Count)
		}
		in.ConsistentRead = aws.Bool(true)
		_, err = e.Client.Query(e.Context(), in)
		e.refused(err, "ValidationException", "Consistent reads are not supported on global secondary indexes")
		_, err = e.Client.PutItem(e.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item{"leaseKey": str("x"), "leaseOwner": num("1")}})
		e.refused(err, "ValidationException", "Type mismatch for Index Key leaseOwner Expected: S Actual: N IndexName: LeaseOwnerToLeaseKeyIndex")
		if e.Can.Strict {
			_, err = e.Client.PutItem(e.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item{"leaseKey": str("x"), "leaseOwner": str("")}})
			e.refused(err, "ValidationException", "A value specified for a secondary index key is not supported.")
		}
	}},
}
