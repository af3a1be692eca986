package admin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source/lease"
)

// The checkpoint table of Apache NiFi 2.9 and later, and so of the Openflow connector's second generation: HASH streamName,
// RANGE shardId. Its leases are times by the clock of whoever wrote them.
const (
	nifiStream    = "streamName"
	nifiShard     = "shardId"
	nifiSequence  = "sequenceNumber"
	nifiExpiry    = "leaseExpiry"   // ms; 30 s ahead of the write that set it
	nifiHeartbeat = "nodeHeartbeat" // ms
	nifiUpdated   = "lastUpdateTimestamp"
	nifiNode      = "__node__#"     // prefix of a node's row
	nifiMarker    = "__migration__" // the row of a migration under way
	nifiLease     = 30 * time.Second
	// nifiSuffix names the table that a migration from KCL's leaves behind when it is cut short.
	nifiSuffix = "_migration"
)

// clockMargin is by how much the connector's clocks and this machine's may differ. It is the only place where another
// machine's clock counts: these tables hold no counter to watch.
const clockMargin = time.Minute

// foreign is what another program's table says of our stream.
type foreign struct {
	table       string
	missing     bool              // there is no such table
	kcl         bool              // it is a lease table of KCL
	checkpoints map[string]string // shard -> sequence number, of those that have one
	others      map[string]int    // other streams' rows
	last        time.Time         // the latest sign of life, by the writer's clock
	lastBy      string            // what gave it
}

// readForeign reads a table of NiFi's. It writes nothing.
func readForeign(ctx context.Context, client *dynamodb.Client, table, stream string) (*foreign, error) {
	f := &foreign{table: table, checkpoints: map[string]string{}, others: map[string]int{}}
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if errors.As(err, new(*types.ResourceNotFoundException)) {
		f.missing = true
		return f, nil
	}
	if err != nil {
		return nil, foreignError("describe table "+table, "dynamodb:DescribeTable", table, err)
	}
	switch keys := keySchema(out.Table); keys {
	case "HASH " + nifiStream + ", RANGE " + nifiShard:
	case "HASH leaseKey":
		f.kcl = true
		return f, nil
	default:
		return nil, refuse("table %s has the key schema %s: it is no checkpoint table of the Openflow connector", table, keys)
	}
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, foreignError("scan table "+table, "dynamodb:Scan", table, err)
		}
		for _, it := range page.Items {
			if err := f.take(it, stream); err != nil {
				return nil, err
			}
		}
	}
	return f, nil
}

func keySchema(t *types.TableDescription) string {
	var keys []string
	for _, k := range t.KeySchema {
		keys = append(keys, string(k.KeyType)+" "+aws.ToString(k.AttributeName))
	}
	return strings.Join(keys, ", ")
}

// take reads one row.
func (f *foreign) take(it map[string]types.AttributeValue, stream string) error {
	name, shard := stringOf(it[nifiStream]), stringOf(it[nifiShard])
	if name != stream {
		f.others[name]++
		return nil
	}
	for attr, ahead := range map[string]time.Duration{nifiExpiry: nifiLease, nifiHeartbeat: 0, nifiUpdated: 0} {
		ms, err := numberOf(it[attr])
		if err != nil {
			return refuse("row %s of table %s: attribute %s: %v", shard, f.table, attr, err)
		}
		if at := time.UnixMilli(ms).Add(-ahead); ms != 0 && at.After(f.last) {
			f.last, f.lastBy = at, attr+" of "+shard
		}
	}
	if strings.HasPrefix(shard, nifiNode) || shard == nifiMarker {
		return nil
	}
	sequence := stringOf(it[nifiSequence])
	if sequence == "" {
		return nil // acquired, and nothing read yet
	}
	if p := (row.Position{Sequence: sequence}); !p.IsNumber() {
		return refuse("row %s of table %s: its sequenceNumber %q is no number; delete the row to have the shard begin at source.start", shard, f.table, sequence)
	}
	f.checkpoints[shard] = sequence
	return nil
}

// fresh refuses a table that may still be written to.
func (f *foreign) fresh(now time.Time) error {
	free := f.last.Add(nifiLease + clockMargin)
	if f.last.IsZero() || !free.After(now) {
		return nil
	}
	if f.last.After(now.Add(clockMargin)) {
		return refuse("table %s was last written at %s (%s), which lies ahead of this machine's clock, %s: set the clocks right, or wait until then with the connector stopped",
			f.table, f.last.UTC().Format(time.RFC3339), f.lastBy, now.UTC().Format(time.RFC3339))
	}
	return refuse("table %s was last written at %s (%s): stop the connector, let its queues drain into Snowflake, and import after %s. Its leases are clock times, good for %s; the rest is for clocks that differ",
		f.table, f.last.UTC().Format(time.RFC3339), f.lastBy, free.UTC().Format(time.RFC3339), nifiLease)
}

// merge takes in what a second table says: the later checkpoint of a shard counts.
func (f *foreign) merge(other *foreign) {
	for shard, sequence := range other.checkpoints {
		if mine, ok := f.checkpoints[shard]; !ok || row.CompareSequence(sequence, mine) > 0 {
			f.checkpoints[shard] = sequence
		}
	}
	for stream, n := range other.others {
		f.others[stream] += n
	}
}

func stringOf(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func numberOf(v types.AttributeValue) (int64, error) {
	switch n := v.(type) {
	case nil:
		return 0, nil
	case *types.AttributeValueMemberN:
		return strconv.ParseInt(n.Value, 10, 64)
	default:
		return 0, fmt.Errorf("it is a %T, not a number", v)
	}
}

func foreignError(op, action, table string, err error) error {
	api, ok := errors.AsType[smithy.APIError](err)
	switch hint := lease.Unanswered(err); {
	case hint != "":
		return fmt.Errorf("%s: %w (%s)", op, err, hint)
	case !ok:
		return fmt.Errorf("%s: %w", op, err)
	}
	if strings.HasPrefix(api.ErrorCode(), "AccessDenied") {
		return fmt.Errorf("%s: %s (grant %s on table/%s)", op, api.ErrorMessage(), action, table)
	}
	return fmt.Errorf("%s: %s: %s", op, api.ErrorCode(), api.ErrorMessage())
}
