package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	simd "github.com/segmentio/asm/base64"

	"kinesis-snowflake/internal/row"
)

// decode fills a from the body, in place: b is overwritten, and the records' fields point into it.
//
// A member that is null counts as absent, an unknown member is skipped, and of a member that occurs twice the last
// one counts, all as in the SDK. Records may occur only once.
func decode(b []byte, a *Answer) error {
	p := parser{b: b}
	seen := false
	err := p.object(func(key []byte) error {
		switch string(key) {
		case "Records":
			if p.null() {
				return nil
			}
			if seen {
				return errors.New("two members named Records")
			}
			seen = true
			return p.records(a)
		case "NextShardIterator", "ContinuationSequenceNumber": // of GetRecords, and of a fan-out event
			if p.null() {
				return nil
			}
			s, err := p.str()
			a.NextIterator = string(s)
			return err
		case "MillisBehindLatest":
			if p.null() {
				return nil
			}
			n, err := p.integer()
			a.MillisBehindLatest = n
			return err
		case "ChildShards":
			raw, err := p.skip()
			if err != nil {
				return err
			}
			a.Children, err = children(raw)
			return err
		default:
			_, err := p.skip()
			return err
		}
	})
	if err != nil {
		return fmt.Errorf("at byte %d: %w", p.i, err)
	}
	if p.space(); p.i != len(b) {
		return fmt.Errorf("at byte %d: text after the answer", p.i)
	}
	if !seen {
		return errNoRecords
	}
	return nil
}

var errNoRecords = errors.New("no member Records")

func (p *parser) records(a *Answer) error {
	if !p.take('[') {
		return errors.New("records are not an array")
	}
	if p.space(); p.take(']') {
		return nil
	}
	for {
		a.Records = append(a.Records, row.Record{})
		r := &a.Records[len(a.Records)-1]
		p.space()
		if err := p.record(r); err != nil {
			return err
		}
		if len(r.Sequence) == 0 {
			return errors.New("a record without SequenceNumber")
		}
		a.Payload += len(r.Data)
		a.Keys += len(r.PartitionKey)
		p.space()
		switch {
		case p.take(','):
		case p.take(']'):
			return nil
		default:
			return errSyntax
		}
	}
}

// record is written out rather than built on object, whose callback would cost an indirect call a member.
func (p *parser) record(r *row.Record) error {
	if !p.take('{') {
		return errors.New("a record is not an object")
	}
	if p.space(); p.take('}') {
		return nil
	}
	for {
		key, err := p.key()
		if err != nil {
			return err
		}
		switch {
		case p.null():
		case string(key) == "Data":
			r.Data, err = p.base64()
		case string(key) == "PartitionKey":
			r.PartitionKey, err = p.str()
		case string(key) == "SequenceNumber":
			r.Sequence, err = p.str()
		case string(key) == "ApproximateArrivalTimestamp":
			r.Arrival, err = p.millis()
		default:
			_, err = p.skip()
		}
		if err != nil {
			return err
		}
		p.space()
		switch {
		case p.take(','):
			p.space()
		case p.take('}'):
			return nil
		default:
			return errSyntax
		}
	}
}

// base64 decodes a string over itself. Its alphabet holds neither a quote nor a backslash, so the string ends at the
// next quote unless somebody escapes the slash.
func (p *parser) base64() ([]byte, error) {
	if p.i >= len(p.b) || p.b[p.i] != '"' {
		return nil, errors.New("data is not a string")
	}
	start := p.i + 1
	n := bytes.IndexByte(p.b[start:], '"')
	if n < 0 {
		return nil, errCut
	}
	text := p.b[start : start+n]
	if bytes.IndexByte(text, '\\') >= 0 {
		text, err := p.str()
		if err != nil {
			return nil, err
		}
		// An escaped text may hold line breaks, which only the standard decoder skips.
		m, err := base64.StdEncoding.Decode(text, text)
		return text[:m:m], err
	}
	p.i = start + n + 1
	m, err := simd.StdEncoding.Decode(text, text)
	if err != nil {
		return nil, fmt.Errorf("decode base64: %w", err)
	}
	return text[:m:m], nil
}

func children(raw []byte) ([]types.ChildShard, error) {
	var list []struct {
		ShardId      string //nolint:revive // the wire's spelling
		ParentShards []string
		HashKeyRange *struct{ StartingHashKey, EndingHashKey string }
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("decode ChildShards: %w", err)
	}
	var out []types.ChildShard
	for _, c := range list {
		child := types.ChildShard{ShardId: aws.String(c.ShardId), ParentShards: c.ParentShards}
		if r := c.HashKeyRange; r != nil {
			child.HashKeyRange = &types.HashKeyRange{StartingHashKey: aws.String(r.StartingHashKey), EndingHashKey: aws.String(r.EndingHashKey)}
		}
		out = append(out, child)
	}
	return out, nil
}
