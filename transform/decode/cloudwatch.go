package decode

import (
	"encoding/json"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/jsonscan"
)

// CloudWatchKey is the member of a document that tells where and when its log event was written.
const CloudWatchKey = "cloudwatch"

// logEvents takes the log events of a record that CloudWatch Logs sent.
func (d *Decoder) logEvents(text []byte) error {
	var err error
	d.members, err = d.scanner.Object(text, d.members[:0])
	if err != nil {
		if found := compressionOf(text); found != None && d.layers == 0 {
			return d.refuse(text, "the record is %s, though transform.decode.compression is none", found)
		}
		return d.refuse(text, "not a record of CloudWatch Logs: %v", err)
	}
	kind := textOf(member(d.members, "messageType"))
	switch string(kind) {
	case "DATA_MESSAGE":
	case "CONTROL_MESSAGE":
		d.controls.Add(1)
		return nil
	case "":
		return d.refuse(text, "not a record of CloudWatch Logs: it has no messageType")
	default:
		bad := failure("not a record of CloudWatch Logs that is known: its messageType is %.40q", kind)
		bad.Plain = "not a record of CloudWatch Logs that is known, by its messageType"
		return d.put(text, bad)
	}
	events := member(d.members, "logEvents")
	if events.Kind != row.Array || events.Name == nil {
		return d.refuse(text, "not a record of CloudWatch Logs: its logEvents are no array")
	}
	rest := trim(events.Value[1:])
	if rest[0] == ']' {
		return nil
	}
	for {
		if full, err := d.full(rest); full || err != nil {
			return err
		}
		end := elementEnd(rest)
		if err := d.logEvent(trim(rest[:end])); err != nil {
			return err
		}
		if rest[end] == ']' {
			return nil
		}
		rest = rest[end+1:]
	}
}

// logEvent takes one log event, which was scanned with the record.
func (d *Decoder) logEvent(event []byte) error {
	var err error
	d.event, err = d.events.Object(event, d.event[:0])
	if err != nil {
		return d.refuse(event, "a log event is %v", err)
	}
	message := member(d.event, "message")
	if message.Name == nil {
		return d.refuse(event, "a log event has no message")
	}
	doc, comma := d.document[:0], true
	if object, empty := d.object(message); object != nil {
		doc, comma = append(doc, object[:len(object)-1]...), !empty
	} else {
		doc = append(doc, `{"message":`...)
		doc = append(doc, message.Value...)
	}
	if comma {
		doc = append(doc, ',')
	}
	doc = append(doc, `"`+CloudWatchKey+`":{`...)
	start := len(doc)
	doc = appendMembers(doc, start, d.event, "message", "message")
	doc = appendMembers(doc, start, d.members, "messageType", "logEvents")
	doc = append(doc, "}}"...)
	d.document = doc
	d.made += len(doc)
	return d.put(doc, nil)
}

// object returns the text of a message that is a JSON object, from its first brace to its last, and whether it is empty; nil for any other
// message.
func (d *Decoder) object(message row.Field) (object []byte, empty bool) {
	if message.Kind == row.Object {
		fields, err := d.messages.Object(message.Value, d.message[:0])
		d.message = fields
		return message.Value, err == nil && len(fields) == 0
	}
	if message.Kind != row.String || message.Flags&row.Hostile != 0 {
		return nil, false
	}
	text := message.Value[1 : len(message.Value)-1]
	if message.Flags&row.Escaped != 0 {
		d.text = jsonscan.AppendText(d.text[:0], text)
		text = d.text
	}
	text = trim(text)
	if len(text) == 0 || text[0] != '{' {
		return nil, false
	}
	fields, err := d.messages.Object(text, d.message[:0])
	d.message = fields
	if err != nil {
		return nil, false
	}
	return text, len(fields) == 0
}

// appendMembers appends all fields but two to an object that begins at start.
func appendMembers(doc []byte, start int, fields []row.Field, but, orBut string) []byte {
	for _, f := range fields {
		if string(f.Name) == but || string(f.Name) == orBut {
			continue
		}
		if len(doc) > start {
			doc = append(doc, ',')
		}
		doc = appendKey(doc, f)
		doc = append(doc, ':')
		doc = append(doc, f.Value...)
	}
	return doc
}

// appendKey appends a key as JSON.
func appendKey(doc []byte, f row.Field) []byte {
	plain := true
	if f.Flags&row.HostileKey == 0 { // else it is its own raw text
		for _, c := range f.Name {
			plain = plain && c >= ' ' && c != '"' && c != '\\'
		}
	}
	if !plain {
		if quoted, err := json.Marshal(string(f.Name)); err == nil { // text always can
			return append(doc, quoted...)
		}
	}
	doc = append(doc, '"')
	doc = append(doc, f.Name...)
	return append(doc, '"')
}

// member returns the last field of a name; a zero one if there is none.
func member(fields []row.Field, name string) (found row.Field) {
	for _, f := range fields {
		if string(f.Name) == name {
			found = f
		}
	}
	return found
}

// textOf returns the text of a string without escapes, nil for anything else.
func textOf(f row.Field) []byte {
	if f.Kind != row.String || f.Flags&row.Escaped != 0 || f.Name == nil {
		return nil
	}
	return f.Value[1 : len(f.Value)-1]
}
