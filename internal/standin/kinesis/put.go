package kinesis

import (
	"fmt"
	"time"
	"unicode/utf8"
)

type putResult struct {
	ShardId        string `json:",omitempty"`
	SequenceNumber string `json:",omitempty"`
	ErrorCode      string `json:",omitempty"`
	ErrorMessage   string `json:",omitempty"`
	EncryptionType string `json:",omitempty"`
}

// checkEntry is what the service refuses a request for before it looks at the stream.
func checkEntry(e *putEntry, prefix string) *Error {
	switch {
	case e.Data == nil:
		return missing(prefix + "data")
	case len(*e.Data) > maxRequest:
		return invalid(fmt.Sprintf("java.nio.HeapByteBuffer[pos=0 lim=%d cap=%[1]d]", len(*e.Data)), prefix+"data",
			fmt.Sprintf("Member must have length less than or equal to %d", maxRequest))
	case e.PartitionKey != nil && *e.PartitionKey == "":
		return invalid("", prefix+"partitionKey", "Member must have length greater than or equal to 1")
	case e.PartitionKey != nil && utf8.RuneCountInString(*e.PartitionKey) > 256:
		return invalid(*e.PartitionKey, prefix+"partitionKey", "Member must have length less than or equal to 256")
	}
	if e.ExplicitHashKey == nil {
		return nil
	}
	_, wellFormed, inRange := parseHashKey(*e.ExplicitHashKey)
	if !wellFormed {
		return invalid(*e.ExplicitHashKey, prefix+"explicitHashKey", `Member must satisfy regular expression pattern: 0|([1-9]\d{0,38})`)
	}
	if !inRange {
		return invalidArgument("Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was %s", *e.ExplicitHashKey)
	}
	return nil
}

// writable is what a stream refuses every write for.
func (st *stream) writable(now int64) *Error {
	if status := st.status(now); status != "ACTIVE" && status != "UPDATING" {
		return notFound("Stream %s under account %s not found.", st.name, st.account)
	}
	return st.kmsError()
}

func (st *stream) kmsError() *Error {
	if st.keyID == "" || st.kms == "" {
		return nil
	}
	return clientError(st.kms, "%s", kmsErrors[st.kms])
}

// fits checks what depends on the stream's settings.
func (st *stream) fits(e *putEntry, prefix string) *Error {
	if e.PartitionKey == nil && !st.auto {
		return missing(prefix + "partitionKey")
	}
	n := len(*e.Data)
	if e.PartitionKey != nil {
		n += len(*e.PartitionKey)
	}
	if n > st.maxRecord {
		return invalid(fmt.Sprintf("java.nio.HeapByteBuffer[pos=0 lim=%d cap=%[1]d]", len(*e.Data)), prefix+"data",
			fmt.Sprintf("Member must have length less than or equal to %d", st.maxRecord))
	}
	return nil
}

// store places and appends a checked record.
func (st *stream) store(e *putEntry, now time.Time, limited bool) (*shard, sequence, *Error) {
	var h *shard
	var key string
	var flags uint16
	if e.PartitionKey != nil {
		key = *e.PartitionKey
	} else {
		flags = flagNoKey
	}
	switch {
	case st.auto:
		h = st.placeAuto()
	case e.ExplicitHashKey != nil:
		at, _, _ := parseHashKey(*e.ExplicitHashKey)
		h = st.place(at)
	default:
		h = st.place(hashOf(key))
	}
	if limited {
		size := float64(len(key) + len(*e.Data))
		h.bytes.fill(now, writeRate)
		h.count.fill(now, recordRate)
		if !h.bytes.holds(size, writeRate) || !h.count.holds(1, recordRate) {
			return h, sequence{}, throughputExceeded("Rate exceeded for shard %s in stream %s under account %s.", h.id, st.name, st.account)
		}
		h.bytes.tokens -= size
		h.count.tokens--
	}
	return h, st.add(h, now.UnixMilli(), key, *e.Data, flags), nil
}

func (st *stream) encryption() string {
	if st.keyID != "" {
		return "KMS"
	}
	return "NONE"
}

func (s *Server) putRecord(in *input, now time.Time) (any, *Error) {
	e := &putEntry{in.PartitionKey, in.ExplicitHashKey, in.Data}
	if err := checkEntry(e, ""); err != nil {
		return nil, err
	}
	if in.SequenceNumberForOrdering != nil {
		if q, ok := parseSequence(*in.SequenceNumberForOrdering); !ok || q.arrived > now.Unix() {
			return nil, invalidArgument("ExclusiveMinimumSequenceNumber %s used in PutRecord is invalid.", *in.SequenceNumberForOrdering)
		}
	}
	limits := s.enforced()
	st, err := s.target(in, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	if err := st.writable(now.UnixMilli()); err != nil {
		return nil, err
	}
	if err := st.fits(e, ""); err != nil {
		return nil, err
	}
	if in.DryRun {
		return nil, dryRun("PutRecord")
	}
	h, q, err := st.store(e, now, limits.Writes)
	if err != nil {
		return nil, err
	}
	return putResult{ShardId: h.id, SequenceNumber: q.String(), EncryptionType: st.encryption()}, nil
}

func (s *Server) putRecords(in *input, now time.Time) (any, *Error) {
	if in.Records == nil {
		return nil, missing("records")
	}
	entries := *in.Records
	if n := len(entries); n < 1 {
		return nil, invalid("[]", "records", "Member must have length greater than or equal to 1")
	} else if n > maxEntries {
		return nil, invalid("[PutRecordsRequestEntry...]", "records", fmt.Sprintf("Member must have length less than or equal to %d", maxEntries))
	}
	total := 0
	for i := range entries {
		if err := checkEntry(&entries[i], fmt.Sprintf("records.%d.member.", i+1)); err != nil {
			return nil, err
		}
		total += len(*entries[i].Data)
		if k := entries[i].PartitionKey; k != nil {
			total += len(*k)
		}
	}
	if total > maxRequest {
		return nil, invalidArgument("Records size exceeds 10 MB limit")
	}
	limits := s.enforced()
	st, err := s.target(in, now)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	if err := st.writable(now.UnixMilli()); err != nil {
		return nil, err
	}
	for i := range entries {
		if err := st.fits(&entries[i], fmt.Sprintf("records.%d.member.", i+1)); err != nil {
			return nil, err
		}
	}
	if in.DryRun {
		return nil, dryRun("PutRecords")
	}
	out := struct {
		FailedRecordCount int
		Records           []putResult
		EncryptionType    string
	}{Records: make([]putResult, len(entries)), EncryptionType: st.encryption()}
	for i := range entries {
		h, q, err := st.store(&entries[i], now, limits.Writes)
		if err != nil {
			out.FailedRecordCount++
			out.Records[i] = putResult{ErrorCode: err.Code, ErrorMessage: err.Message}
			continue
		}
		out.Records[i] = putResult{ShardId: h.id, SequenceNumber: q.String()}
	}
	return out, nil
}

func dryRun(op string) *Error {
	return clientError("DryRunOperationException", "The %s request would have succeeded, but the DryRun parameter is set.", op)
}
