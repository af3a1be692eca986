package dynamodb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Limits of batches (API reference).
const (
	maxBatchGet   = 100
	maxBatchWrite = 25
	maxTransact   = 100
	maxBatchBytes = 16 << 20
)

type batchGetInput struct {
	RequestItems map[string]struct {
		expressionInput
		Keys                 []wireItem
		ConsistentRead       bool
		ProjectionExpression *string
		AttributesToGet      []string
	}
}

func (s *Server) batchGet(c *Counts, in *batchGetInput) (any, *Error) {
	responses := map[string][]Item{}
	total, size := 0, 0
	unprocessed := map[string]map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		req := in.RequestItems[name]
		if total += len(req.Keys); total > maxBatchGet {
			return nil, invalid("Too many items requested for the BatchGetItem call")
		}
		seen := map[string]bool{}
		for _, k := range req.Keys {
			key, err := k.item()
			if err != nil {
				return nil, err
			}
			id, _ := json.Marshal(key)
			if seen[string(id)] {
				return nil, invalid("Provided list of item keys contains duplicates")
			}
			seen[string(id)] = true
			get := &getItemInput{expressionInput: req.expressionInput, TableName: name, Key: k, ConsistentRead: req.ConsistentRead, ProjectionExpression: req.ProjectionExpression, AttributesToGet: req.AttributesToGet}
			reply, err := s.getItem(c, get)
			if err != nil {
				return nil, err
			}
			it, found := reply.(map[string]any)["Item"].(Item)
			if !found {
				continue
			}
			if size += it.size(); size > maxBatchBytes {
				left := unprocessed[name]
				if left == nil {
					left = map[string]any{"Keys": []Item{}, "ConsistentRead": req.ConsistentRead}
					unprocessed[name] = left
				}
				left["Keys"] = append(left["Keys"].([]Item), key)
				continue
			}
			responses[name] = append(responses[name], it)
		}
	}
	if total == 0 {
		return nil, invalid("1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	return map[string]any{"Responses": responses, "UnprocessedKeys": unprocessed}, nil
}

type batchWriteInput struct {
	RequestItems map[string][]struct {
		PutRequest    *struct{ Item wireItem }
		DeleteRequest *struct{ Key wireItem }
	}
}

func (s *Server) batchWrite(c *Counts, in *batchWriteInput) (any, *Error) {
	var writes []*write
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		for _, r := range in.RequestItems[name] {
			var w *write
			var err *Error
			switch {
			case r.PutRequest != nil && r.DeleteRequest == nil:
				w, err = s.preparePut(&writeInput{TableName: name, Item: r.PutRequest.Item})
			case r.DeleteRequest != nil && r.PutRequest == nil:
				w, err = s.prepareDelete(&writeInput{TableName: name, Key: r.DeleteRequest.Key})
			default:
				err = invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
			}
			if err != nil {
				return nil, err
			}
			if repeated(writes, w) {
				return nil, invalid("Provided list of item keys contains duplicates")
			}
			writes = append(writes, w)
		}
	}
	switch {
	case len(writes) == 0:
		return nil, invalid("1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case len(writes) > maxBatchWrite:
		return nil, invalid("Too many items requested for the BatchWriteItem call")
	}
	for _, w := range writes {
		s.store(c, w)
	}
	return map[string]any{"UnprocessedItems": struct{}{}}, nil
}

func repeated(writes []*write, w *write) bool {
	at, _ := w.t.schema.place(w.key)
	return slices.ContainsFunc(writes, func(v *write) bool {
		p, _ := v.t.schema.place(v.key)
		return v.t == w.t && p.compare(at) == 0
	})
}

type transactInput struct {
	ClientRequestToken string
	TransactItems      []struct {
		Put            *writeInput
		Update         *writeInput
		Delete         *writeInput
		ConditionCheck *writeInput
	}
}

// transactToken remembers a transaction for tokenLife, so that a repeated
// request is answered and not applied again.
type transactToken struct {
	request []byte
	at      time.Time
}

// tokenLife: "a client request token is valid for 10 minutes" (API reference,
// TransactWriteItems).
const tokenLife = 10 * time.Minute

func (s *Server) transactWrite(c *Counts, in *transactInput) (any, *Error) {
	now := s.opt.Now()
	request, merr := json.Marshal(in.TransactItems)
	if merr != nil {
		return nil, Internal().Err
	}
	if done, ok := s.tokens[in.ClientRequestToken]; ok && in.ClientRequestToken != "" && now.Sub(done.at) < tokenLife {
		if !bytes.Equal(done.request, request) {
			return nil, failure("IdempotentParameterMismatchException", "The provided parameters do not match the parameters of the original request with this token")
		}
		return struct{}{}, nil
	}
	if len(in.TransactItems) < 1 || len(in.TransactItems) > maxTransact {
		return nil, invalid("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100")
	}
	var writes []*write
	reasons := make([]cancellation, len(in.TransactItems))
	codes := make([]string, len(in.TransactItems))
	failed := false
	for i, item := range in.TransactItems {
		w, err := s.prepareAction(item.Put, item.Update, item.Delete, item.ConditionCheck)
		codes[i] = "None"
		switch {
		case err == nil:
			if repeated(writes, w) {
				return nil, invalid("Transaction request cannot include multiple operations on one item")
			}
			writes = append(writes, w)
		case err.Type == "ConditionalCheckFailedException":
			failed, codes[i] = true, "ConditionalCheckFailed"
			reasons[i] = cancellation{Message: err.Message, Item: err.item}
		default:
			return nil, err
		}
		reasons[i].Code = codes[i]
	}
	if failed {
		err := failure("TransactionCanceledException", "%s", fmt.Sprintf("Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", ")))
		err.reasons = reasons
		return nil, err
	}
	for _, w := range writes {
		s.store(c, w)
	}
	if in.ClientRequestToken != "" {
		s.tokens[in.ClientRequestToken] = transactToken{request, now}
	}
	return struct{}{}, nil
}

func (s *Server) prepareAction(put, update, del, check *writeInput) (*write, *Error) {
	var w *write
	var err *Error
	given := 0
	for _, a := range []struct {
		in      *writeInput
		prepare func(*writeInput) (*write, *Error)
	}{{put, s.preparePut}, {update, s.prepareUpdate}, {del, s.prepareDelete}, {check, s.prepareDelete}} {
		if a.in != nil {
			given++
			w, err = a.prepare(a.in)
		}
	}
	if given != 1 {
		return nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	if err == nil && check != nil {
		w.check = true
	}
	return w, err
}
