package config

import (
	"strings"
	"testing"
)

func TestValueForms(t *testing.T) {
	long := strings.Repeat("ä", 255)
	for name, tt := range map[string]struct {
		check     func(string) bool
		good, bad []string
	}{
		"stream": {matching(streamName + "|" + streamARN),
			[]string{"orders", "Orders.v2_x-y", strings.Repeat("a", 128), "arn:aws:kinesis:eu-central-1:123456789012:stream/orders", "arn:aws-us-gov:kinesis:us-gov-west-1:123456789012:stream/o"},
			[]string{"a b", "a/b", strings.Repeat("a", 129), "arn:aws:kinesis:eu-central-1:1234:stream/orders", "arn:aws:kinesis:eu-central-1:123456789012:stream/orders/consumer/c:1", "arn:aws:dynamodb:eu-central-1:123456789012:table/t", "orders\n"}},
		"identifier": {isIdentifier, []string{"RAW", "my \"db\"", long}, []string{long + "x", "a\x00b", "a\nb", "\xff"}},
		"table":      {isTable, []string{"ORDERS", long[:2*247]}, []string{long[:2*248], "a\tb"}},
		"account": {isAccount, []string{"myorg-myaccount", "xy12345.eu-central-1", "my_org-acc"},
			[]string{"https://a.snowflakecomputing.com", "a.snowflakecomputing.com", "A.SnowflakeComputing.com", "a.snowflakecomputing.cn", "a b", "a/b"}},
		"endpoint": {isEndpoint, []string{"http://127.0.0.1:4567", "https://vpce-1.kinesis.eu-central-1.vpce.amazonaws.com", "https://h/", "http://[::1]:80"},
			[]string{"h:80", "ftp://h", "http://", "http://:80", "http://u:p@h", "http://h/p", "http://h?q", "http://h?", "http://h#f", "http://h:0", "http://h:70000", "http://h:x", "//h"}},
		"listen": {isListen, []string{"off", ":0", "127.0.0.1:9090", "[::]:65535", "localhost:80"},
			[]string{"localhost", "9090", "h:65536", "h:-1", "h:http", "http://h:1", "a b:1", "::1:80"}},
		"private key": {isPEM, []string{somePrivateKey(t), "text before\n" + somePrivateKey(t)},
			[]string{"x", "-----BEGIN PRIVATE KEY-----\n", strings.ReplaceAll(somePrivateKey(t), "PRIVATE", "PUBLIC")}},
	} {
		for _, s := range tt.good {
			if !tt.check(s) {
				t.Errorf("%s: %q is refused", name, s)
			}
		}
		for _, s := range tt.bad {
			if tt.check(s) {
				t.Errorf("%s: %q is accepted", name, s)
			}
		}
	}
}
