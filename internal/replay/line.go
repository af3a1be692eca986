package replay

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform"
)

// fields are those of a line, in whatever format.
type fields struct {
	Time        string `json:"time"`
	Stream      string `json:"stream"`
	StreamID    string `json:"stream_id"`
	Application string `json:"application"`
	Table       string `json:"table"`
	Shard       string `json:"shard"`
	Sequence    number `json:"sequence"`
	Subsequence number `json:"subsequence"`
	Row         number `json:"row"`
	Arrival     string `json:"arrival"`
}

// number is a number or a text of one.
type number string

// UnmarshalJSON implements [json.Unmarshaler].
func (n *number) UnmarshalJSON(b []byte) error {
	*n = number(strings.Trim(string(b), `"`))
	return nil
}

// wrapped is a line with what may stand around its fields.
type wrapped struct {
	fields
	Msg        string          `json:"msg"`
	Timestamp  string          `json:"timestamp"`
	Body       json.RawMessage `json:"body"`
	Attributes *fields         `json:"attributes"`
	Log        json.RawMessage `json:"log"`
	Message    json.RawMessage `json:"message"`
}

// maxWraps bounds the envelopes around a line: a collector's, and that of the runtime below it.
const maxWraps = 3

func parse(text []byte, depth int) (*fields, bool) {
	if f, ok := parseLine(text, depth); ok {
		return f, true
	}
	// Only where the line as a whole is none, since a reason may quote what looks like one.
	if at := bytes.Index(text, []byte(`"time=`)); at >= 0 && depth < maxWraps {
		return parseQuoted(text[at:], depth)
	}
	return nil, false
}

func parseLine(text []byte, depth int) (*fields, bool) {
	at := bytes.IndexByte(text, '{')
	if at < 0 || bytes.Contains(text[:at], []byte("msg=")) {
		return parseText(string(text))
	}
	if depth < maxWraps && at > 0 && text[at-1] == '"' {
		if f, ok := parseQuoted(text[at-1:], depth); ok {
			return f, true
		}
	}
	var w wrapped
	if json.NewDecoder(bytes.NewReader(text[at:])).Decode(&w) != nil { // what stands behind it is a collector's
		if f, ok := parseCut(text[at:]); ok {
			return f, true
		}
		return parseText(string(text))
	}
	var body string
	_ = json.Unmarshal(w.Body, &body) // anything but a text is not the connector's
	switch {
	case w.Msg == transform.FailedMessage:
		return &w.fields, true
	case body == transform.FailedMessage && w.Attributes != nil:
		if w.Attributes.Time == "" {
			w.Attributes.Time = w.Timestamp
		}
		return w.Attributes, true
	case depth >= maxWraps:
		return nil, false
	}
	for _, inner := range []json.RawMessage{w.Log, w.Message} {
		var line string
		if json.Unmarshal(inner, &line) != nil {
			line = string(inner) // an object, perhaps
		}
		if strings.Contains(line, transform.FailedMessage) {
			return parse([]byte(line), depth+1)
		}
	}
	return nil, false
}

// parseQuoted reads a line that is a value of JSON that was printed over several lines, or of CSV.
func parseQuoted(text []byte, depth int) (*fields, bool) {
	var line string
	if json.NewDecoder(bytes.NewReader(text)).Decode(&line) == nil && strings.Contains(line, transform.FailedMessage) {
		return parse([]byte(line), depth+1)
	}
	if bytes.HasPrefix(text, []byte(`"{""`)) || bytes.HasPrefix(text, []byte(`"time=`)) {
		return parse(bytes.ReplaceAll(text[1:], []byte(`""`), []byte(`"`)), depth+1)
	}
	return nil, false
}

// parseCut reads a line of JSON whose end is missing: cut by a collector that takes shorter ones only, split by a container's
// runtime (16 KiB), or not yet written. What names the message stands before its payload, and is taken only if what comes
// after it is there too, so that no number is cut.
func parseCut(text []byte) (*fields, bool) {
	have := map[string]json.RawMessage{}
	d := json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, false
	}
	whole := false
	for {
		name, err := d.Token()
		key, ok := name.(string)
		if err != nil || !ok {
			break
		}
		whole = whole || key == "partition_key"
		if key == "attributes" {
			if open, err := d.Token(); err != nil || open != json.Delim('{') {
				break
			}
			continue
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			break
		}
		have[key] = value
	}
	if !whole {
		return nil, false
	}
	for _, name := range []string{"msg", "body"} {
		if string(have[name]) == strconv.Quote(transform.FailedMessage) {
			if _, ok := have["time"]; !ok {
				have["time"] = have["timestamp"]
			}
			line, err := json.Marshal(have)
			var f fields
			return &f, err == nil && json.Unmarshal(line, &f) == nil
		}
	}
	return nil, false
}

var (
	quoting = strings.NewReplacer(`\`, "", `""`, `"`, " ", "")
	marks   = []string{`"msg":"messagefailed"`, `"body":"messagefailed"`, `msg="messagefailed"`}
)

// looksFailed reports whether a line that cannot be read is one of a failed message all the same.
func looksFailed(text []byte) bool {
	plain := quoting.Replace(string(text))
	return slices.ContainsFunc(marks, func(mark string) bool { return strings.Contains(plain, mark) })
}

// parseText reads key=value pairs, values quoted as in Go where they must be.
func parseText(text string) (*fields, bool) {
	f, found, whole := &fields{}, false, false
	to := map[string]*string{"time": &f.Time, "stream": &f.Stream, "stream_id": &f.StreamID, "application": &f.Application, "table": &f.Table, "shard": &f.Shard,
		"sequence": (*string)(&f.Sequence), "subsequence": (*string)(&f.Subsequence), "row": (*string)(&f.Row), "arrival": &f.Arrival}
	for text != "" {
		key, rest, ok := strings.Cut(text, "=")
		if !ok {
			break
		}
		key = key[strings.LastIndexByte(key, ' ')+1:]
		whole = whole || key == "partition_key" // which comes after what names the message: none of that is cut
		var value string
		if strings.HasPrefix(rest, `"`) {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				break // the line is cut here, and what looks like pairs is of the text within
			}
			text = rest[len(quoted):]
			if value, err = strconv.Unquote(quoted); err != nil {
				return nil, false
			}
		} else {
			value, text, _ = strings.Cut(rest, " ")
		}
		field := to[key]
		switch {
		case !found && key == "msg" && value == transform.FailedMessage:
			found = true
			*f = fields{Time: f.Time} // the rest stood in a collector's prefix
		case field != nil && (!found || *field == ""): // a collector's own may stand behind
			*field = value
		}
	}
	return f, found && whole
}

// maxSequence is the length of the longest sequence number.
const maxSequence = 129

func (f *fields) line() (Line, bool) {
	l := Line{
		Logged: timeOf(f.Time), Stream: f.Stream, StreamID: f.StreamID, Application: f.Application, Table: f.Table, Shard: f.Shard,
		At: row.Position{Sequence: string(f.Sequence)}, Arrival: timeOf(f.Arrival),
	}
	if n, err := strconv.ParseUint(cmp.Or(string(f.Row), "0"), 10, 32); err == nil {
		l.Rows = []uint32{uint32(n)}
	}
	sub, err := strconv.ParseInt(string(f.Subsequence), 10, 64)
	if f.Subsequence == "" {
		err = nil
	}
	l.At.Subsequence = sub
	return l, err == nil && sub >= 0 && l.At.IsNumber() && len(l.At.Sequence) <= maxSequence && l.Shard != "" && l.Stream != ""
}

// timeOf reads the times that loggers and Snowflake's event table write; zero for any other.
func timeOf(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999 -0700", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}
