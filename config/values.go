package config

import (
	"encoding/pem"
	"errors"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	streamName = `[a-zA-Z0-9_.-]{1,128}`
	streamARN  = `arn:aws[a-z-]*:kinesis:([a-z0-9-]{1,64}):[0-9]{12}:stream/([a-zA-Z0-9_.-]{1,128})`
	roleARN    = `arn:aws[a-z-]*:iam::[0-9]{12}:role/[!-~]{1,575}`
)

var streamParts = regexp.MustCompile("^" + streamARN + "$")

// isLine is a text that fits a header, a file name or a query: no control character, so no newline.
func isLine(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}

// isIdentifier bounds a name to the 255 characters that a Snowflake identifier may have.
func isIdentifier(s string) bool { return isLine(s) && utf8.RuneCountInString(s) <= 255 }

// isTable leaves room for the ending of the offsets table's name.
func isTable(s string) bool {
	return isLine(s) && utf8.RuneCountInString(s) <= 255-len("$OFFSETS")
}

var accountName = matching(`[a-zA-Z0-9_.-]{1,255}`)

func isAccount(s string) bool {
	return accountName(s) && !strings.HasSuffix(strings.ToLower(s), ".snowflakecomputing.com") &&
		!strings.HasSuffix(strings.ToLower(s), ".snowflakecomputing.cn")
}

func isEndpoint(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil &&
		(u.Path == "" || u.Path == "/") && u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" && validPort(u.Port())
}

func validPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

func isListen(s string) bool {
	if s == "off" {
		return true
	}
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil && isLine(s) && !strings.ContainsAny(s, " /")
}

func isPEM(s string) bool {
	block, _ := pem.Decode([]byte(s))
	return block != nil && strings.HasSuffix(block.Type, "PRIVATE KEY")
}

func startField(dst *Start) field {
	return field{
		key: "start", kind: "text", standard: string(dst.Position),
		form:   form{pattern: `TRIM_HORIZON|LATEST|[0-9]{4}-[0-9]{2}-[0-9]{2}T\S+`},
		limits: "TRIM_HORIZON, LATEST, or a time in RFC 3339 form such as 2026-01-31T00:00:00Z",
		doc:    "Where to begin at the first start: with the oldest record, with those that come from now on, or with those that arrived at or after a time. Once there is a checkpoint this has no say.",
		set: func(s string) error {
			switch p := StartPosition(s); p {
			case TrimHorizon, Latest:
				*dst = Start{Position: p}
				return nil
			case AtTimestamp:
				return errors.New("is no start; write the time itself")
			}
			t, err := time.Parse(time.RFC3339, s)
			if err != nil {
				return errForm
			}
			*dst = Start{Position: AtTimestamp, Time: t.UTC()}
			return nil
		},
	}
}
