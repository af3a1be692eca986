package wire

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// canned answers every request with one body.
type canned struct {
	status  int
	body    []byte
	chunked bool
}

func (c canned) Do(req *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return nil, err
	}
	length := int64(len(c.body))
	if c.chunked {
		length = -1
	}
	return &http.Response{
		StatusCode: c.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: length, Request: req,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(bytes.NewReader(c.body)),
	}, nil
}

func client(hc kinesis.HTTPClient, opts ...func(*kinesis.Options)) *kinesis.Client {
	return kinesis.New(kinesis.Options{
		Region: "eu-central-1", HTTPClient: hc, BaseEndpoint: aws.String("http://127.0.0.1:1"), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}, opts...)
}

var input = &kinesis.GetRecordsInput{ShardIterator: aws.String("it"), StreamARN: aws.String("arn:aws:kinesis:eu-central-1:123456789012:stream/s")}

// calls makes the same call with the stock decoder and with this package's.
func calls(t testing.TB, c canned) (*kinesis.GetRecordsOutput, error, *Answer, error) {
	t.Helper()
	want, wantErr := client(c).GetRecords(t.Context(), input)
	got := new(Answer)
	gotErr := GetRecords(t.Context(), client(c, Use), input, got)
	return want, wantErr, got, gotErr
}

type record struct {
	Sequence, Key, Data string
	Arrival             int64
}

func stockRecords(out *kinesis.GetRecordsOutput) (list []record) {
	for _, r := range out.Records {
		v := record{Sequence: aws.ToString(r.SequenceNumber), Key: aws.ToString(r.PartitionKey), Data: string(r.Data)}
		if r.ApproximateArrivalTimestamp != nil {
			v.Arrival = r.ApproximateArrivalTimestamp.UnixMilli()
		}
		list = append(list, v)
	}
	return list
}

func ourRecords(a *Answer) (list []record) {
	for _, r := range a.Records {
		list = append(list, record{Sequence: string(r.Sequence), Key: string(r.PartitionKey), Data: string(r.Data), Arrival: r.Arrival})
	}
	return list
}

func compare(t testing.TB, want *kinesis.GetRecordsOutput, got *Answer) {
	t.Helper()
	if diff := cmp.Diff(stockRecords(want), ourRecords(got)); diff != "" {
		t.Errorf("records, stock SDK to swapped:\n%s", diff)
	}
	if aws.ToString(want.NextShardIterator) != got.NextIterator {
		t.Errorf("next iterator: stock %q, swapped %q", aws.ToString(want.NextShardIterator), got.NextIterator)
	}
	if aws.ToInt64(want.MillisBehindLatest) != got.MillisBehindLatest {
		t.Errorf("millis behind: stock %d, swapped %d", aws.ToInt64(want.MillisBehindLatest), got.MillisBehindLatest)
	}
	ignore := cmpopts.IgnoreUnexported(types.ChildShard{}, types.HashKeyRange{})
	if diff := cmp.Diff(want.ChildShards, got.Children, ignore, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("child shards, stock SDK to swapped:\n%s", diff)
	}
}

func body(records ...string) string {
	return `{"MillisBehindLatest":1500,"NextShardIterator":"AAAAAAAAAAE+/x==","Records":[` + strings.Join(records, ",") + `]}`
}

var seq = "49" + strings.Repeat("5", 54)

func TestSwappedCallEqualsStockCall(t *testing.T) {
	data := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	plain := `{"SequenceNumber":"` + seq + `","Data":"` + data(`{"a":1}`) + `","PartitionKey":"k","ApproximateArrivalTimestamp":1.700000000123E9}`
	for name, text := range map[string]string{
		"empty":            body(),
		"plain":            body(plain),
		"two":              body(plain, plain),
		"white space":      " \n" + strings.NewReplacer(":", " : ", ",", "\t,\r\n", "{", "{ ", "}", " }", "[", "[ ", "]", " ]").Replace(body(`{"SequenceNumber":"1","Data":"`+data("x")+`"}`, plain)) + "\n",
		"fraction":         body(`{"SequenceNumber":"1","Data":"","ApproximateArrivalTimestamp":1700000000.5}`),
		"fraction of 3":    body(`{"SequenceNumber":"1","Data":"","ApproximateArrivalTimestamp":1700000000.123}`),
		"whole second":     body(`{"SequenceNumber":"1","Data":"","ApproximateArrivalTimestamp":1700000000}`),
		"negative time":    body(`{"SequenceNumber":"1","Data":"","ApproximateArrivalTimestamp":-1.5}`),
		"no key":           body(`{"SequenceNumber":"1","Data":"` + data("x") + `"}`),
		"nulls":            body(`{"SequenceNumber":"1","Data":null,"PartitionKey":null,"ApproximateArrivalTimestamp":null,"EncryptionType":null}`),
		"null members":     `{"Records":[],"NextShardIterator":null,"ChildShards":null,"MillisBehindLatest":null}`,
		"encrypted":        body(`{"SequenceNumber":"1","EncryptionType":"KMS","Data":"` + data("x") + `"}`),
		"unknown members":  `{"New":{"a":[1,"]}",{"b":null}]},"Other":"\"","Records":[{"SequenceNumber":"1","Data":"","X":[{"Y":"}"}],"Z":-1.5e3,"B":true}],"Last":false}`,
		"repeated members": `{"NextShardIterator":"a","NextShardIterator":"b","Records":[{"SequenceNumber":"1","SequenceNumber":"2","Data":"","PartitionKey":"a","PartitionKey":null}]}`,
		"escapes in key":   body(`{"SequenceNumber":"1","Data":"","PartitionKey":"a\"b\\c\/d\b\f\n\r\te\u00e9\u20AC\ud83d\ude00\ud800x\ude00\ud800\u0041end"}`, plain),
		"escaped name":     body(`{"SequenceNumb\u0065r":"1","D\u0061ta":"` + data("x") + `"}`),
		"escaped data":     body(`{"SequenceNumber":"1","Data":"`+strings.ReplaceAll(data("\xff\xff\xffabc\xff\xfe"), "/", `\/`)+`"}`, plain),
		"line breaks":      body(`{"SequenceNumber":"1","Data":"` + data("abcabc")[:4] + `\r\n` + data("abcabc")[4:] + `"}`),
		"utf-8 key":        body(`{"SequenceNumber":"1","Data":"","PartitionKey":"ключ 😀"}`),
		"bad utf-8":        body("{\"SequenceNumber\":\"1\",\"Data\":\"\",\"PartitionKey\":\"a\xff\xfe\"}"),
		"bad utf-8 escape": body("{\"SequenceNumber\":\"1\",\"Data\":\"\",\"PartitionKey\":\"a\\n\xff\xfe\"}"),
		"end": `{"MillisBehindLatest":0,"Records":[],"ChildShards":[{"ShardId":"shardId-000000000002","ParentShards":["shardId-000000000000","shardId-000000000001"],` +
			`"HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"340282366920938463463374607431768211455"}},{"ShardId":"shardId-000000000003","ParentShards":["shardId-000000000000"]}]}`,
		"large": body(`{"SequenceNumber":"1","Data":"`+data(strings.Repeat("0123456789", 1<<20))+`"}`, plain),
	} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/chunked=%v", name, chunked), func(t *testing.T) {
				want, wantErr, got, gotErr := calls(t, canned{200, []byte(text), chunked})
				if wantErr != nil || gotErr != nil {
					t.Fatalf("stock error %v, swapped error %v", wantErr, gotErr)
				}
				compare(t, want, got)
			})
		}
	}
}

func TestSizesOfEveryTail(t *testing.T) {
	// The SIMD decoder takes blocks of 32 and leaves tails to another path: every length around them is met.
	raw := make([]byte, 300)
	for i := range raw {
		raw[i] = byte(i * 7)
	}
	var records []string
	for n := range raw {
		records = append(records, fmt.Sprintf(`{"SequenceNumber":"%d","Data":"%s"}`, n+1, base64.StdEncoding.EncodeToString(raw[:n])))
	}
	want, wantErr, got, gotErr := calls(t, canned{200, []byte(body(records...)), false})
	if wantErr != nil || gotErr != nil {
		t.Fatalf("stock error %v, swapped error %v", wantErr, gotErr)
	}
	compare(t, want, got)
	if got.Payload != 299*300/2 {
		t.Errorf("payload %d bytes, want %d", got.Payload, 299*300/2)
	}
}

func TestMalformedAnswersAreErrors(t *testing.T) {
	for name, text := range map[string]string{
		"empty body":          "",
		"white space":         "  ",
		"null":                "null",
		"empty object":        "{}",
		"no records":          `{"NextShardIterator":"x"}`,
		"null records":        `{"Records":null}`,
		"null record":         `{"Records":[null]}`,
		"records twice":       `{"Records":[],"Records":[]}`,
		"no sequence number":  `{"Records":[{"Data":""}]}`,
		"cut":                 body(`{"SequenceNumber":"1","Data":"QUJD"}`)[:90],
		"cut in data":         `{"Records":[{"SequenceNumber":"1","Data":"QUJD`,
		"text after":          body() + "x",
		"bad base64":          body(`{"SequenceNumber":"1","Data":"QUJ*"}`),
		"bad base64 tail":     body(`{"SequenceNumber":"1","Data":"QUJDR"}`),
		"data not a string":   body(`{"SequenceNumber":"1","Data":1}`),
		"key not a string":    body(`{"SequenceNumber":"1","Data":"","PartitionKey":1}`),
		"time not a number":   body(`{"SequenceNumber":"1","Data":"","ApproximateArrivalTimestamp":"x"}`),
		"leading zero":        body(`{"SequenceNumber":"1","Data":"","ApproximateArrivalTimestamp":01}`),
		"trailing comma":      body(`{"SequenceNumber":"1","Data":"",}`),
		"control character":   body("{\"SequenceNumber\":\"1\",\"Data\":\"\",\"PartitionKey\":\"a\x01\"}"),
		"control among many":  body("{\"SequenceNumber\":\"1\",\"Data\":\"\",\"PartitionKey\":\"0123456789\x1f0123456789abcdefghij\"}"),
		"bad escape":          body(`{"SequenceNumber":"1","Data":"","PartitionKey":"\x"}`),
		"bad unicode escape":  body(`{"SequenceNumber":"1","Data":"","PartitionKey":"\u12G4"}`),
		"bad unknown member":  `{"X":{"a":},"Records":[]}`,
		"bad unknown string":  `{"X":"\q","Records":[]}`,
		"unclosed unknown":    `{"Records":[],"X":[`,
		"deep unknown member": `{"Records":[],"X":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			a := new(Answer)
			err := GetRecords(t.Context(), client(canned{200, []byte(text), false}, Use), input, a)
			if err == nil {
				t.Fatalf("no error, %d records, next %q", len(a.Records), a.NextIterator)
			}
			var de *smithy.DeserializationError
			if !errors.As(err, &de) {
				t.Errorf("error %T %v is no DeserializationError", err, err)
			}
			if a.buf != nil || a.Records != nil {
				t.Error("the answer holds memory after an error")
			}
		})
	}
}

func TestErrorsStayTheSDKs(t *testing.T) {
	text := []byte(`{"__type":"ExpiredIteratorException","message":"Iterator expired."}`)
	_, wantErr, _, gotErr := calls(t, canned{400, text, false})
	var want, got *types.ExpiredIteratorException
	if !errors.As(wantErr, &want) || !errors.As(gotErr, &got) || want.ErrorMessage() != got.ErrorMessage() {
		t.Fatalf("stock %v, swapped %v", wantErr, gotErr)
	}
}

func TestOtherCallsStayTheSDKs(t *testing.T) {
	out, err := client(canned{200, []byte(`{"ShardIterator":"abc"}`), false}, Use).GetShardIterator(t.Context(),
		&kinesis.GetShardIteratorInput{ShardId: aws.String("s"), ShardIteratorType: types.ShardIteratorTypeLatest})
	if err != nil || aws.ToString(out.ShardIterator) != "abc" {
		t.Fatalf("iterator %q, error %v", aws.ToString(out.ShardIterator), err)
	}
}

func TestClientWithoutUseIsRefused(t *testing.T) {
	if err := GetRecords(t.Context(), client(canned{200, []byte(body()), false}), input, new(Answer)); err == nil {
		t.Fatal("an answer that nobody decoded counts as empty")
	}
}

func TestAnswerIsReused(t *testing.T) {
	a := new(Answer)
	c := client(canned{200, []byte(body(`{"SequenceNumber":"1","Data":"QUJD"}`)), false}, Use)
	for range 3 {
		if err := GetRecords(t.Context(), c, input, a); err != nil {
			t.Fatal(err)
		}
		if len(a.Records) != 1 || string(a.Records[0].Data) != "ABC" || a.Payload != 3 {
			t.Fatalf("records %+v, payload %d", a.Records, a.Payload)
		}
	}
	a.Release()
	a.Release()
	if a.Records != nil || a.NextIterator != "" {
		t.Error("a released answer shows records")
	}
}
