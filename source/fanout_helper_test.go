package source

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// delete deregisters a consumer as an operator does, so that it is DELETING for a while.
func (w *world) delete(consumer string) {
	w.t.Helper()
	client := w.source("operator").control.client
	if _, err := client.DeregisterStreamConsumer(w.t.Context(), &kinesis.DeregisterStreamConsumerInput{StreamARN: aws.String(w.kinesis.ARN(stream)), ConsumerName: &consumer}); err != nil {
		w.t.Fatal(err)
	}
}
