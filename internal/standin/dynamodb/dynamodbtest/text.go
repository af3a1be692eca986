package dynamodbtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func containsText(s, part string) bool { return strings.Contains(s, part) }

func sorted(s []string) string { return fmt.Sprint(slices.Sorted(slices.Values(s))) }

func showItem(it item) string {
	var b strings.Builder
	b.WriteString("{")
	for _, k := range slices.Sorted(maps.Keys(it)) {
		b.WriteString(k + ":" + show(it[k]) + " ")
	}
	return b.String() + "}"
}

func isConditionFailed(err error) bool {
	var failed *types.ConditionalCheckFailedException
	return errors.As(err, &failed)
}

func asCancelled(err error) (*types.TransactionCanceledException, bool) {
	var cancelled *types.TransactionCanceledException
	return cancelled, errors.As(err, &cancelled)
}
