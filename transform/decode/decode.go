package decode

import (
	"bytes"
	"fmt"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/jsonscan"
)

// Compression is how records are compressed.
type Compression string

// The compressions. The empty one is None.
const (
	None Compression = "none"
	Auto Compression = "auto"
	Gzip Compression = "gzip"
	Zstd Compression = "zstd"
)

// Framing is how several documents stand in one record.
type Framing string

// The framings. The empty one is Single.
const (
	Single    Framing = "single"
	Lines     Framing = "lines"
	Array     Framing = "array"
	AnyFrames Framing = "auto"
)

// Envelope is what stands around the documents.
type Envelope string

// The envelopes. The empty one is NoEnvelope.
const (
	NoEnvelope     Envelope = "none"
	CloudWatchLogs Envelope = "cloudwatch-logs"
)

const (
	// DefaultMaxDecoded is how large a record may become by decompression if nothing else is said: 64 MiB.
	DefaultMaxDecoded = 64 << 20
	// MaxRatio is how many times its own size a record may become by decompression. It is there for zstd: gzip cannot do
	// more than 1,032 times.
	MaxRatio = 1100
	// AlwaysDecoded is the size up to which no ratio is looked at: 1 MiB.
	AlwaysDecoded = 1 << 20
	// MaxDocuments is how many documents one record may hold.
	MaxDocuments = 1 << 20
	// MaxMade is how many bytes the documents of one envelope may have together, each of which repeats what the envelope
	// says: 256 MiB. A few kilobytes could otherwise become terabytes.
	MaxMade = 256 << 20

	// maxKept is how large a buffer may be that stays allocated between records.
	maxKept = 4 << 20
)

// Options say how records are read.
type Options struct {
	Compression Compression
	Framing     Framing
	Envelope    Envelope
	MaxDecoded  int64 // bytes; 0 is DefaultMaxDecoded
}

// Decoder finds the documents of records, one record at a time. It is used by one goroutine at a time.
type Decoder struct {
	o      Options
	layers int // of compression that are undone

	gzip    *gzip.Reader
	source  bytes.Reader // of gzip
	zstd    *zstd.Decoder
	buffers [2][]byte // one a layer

	scanner  jsonscan.Scanner // of the envelope
	members  []row.Field
	events   jsonscan.Scanner // of a log event
	event    []row.Field
	messages jsonscan.Scanner // of a log event's message
	message  []row.Field
	text     []byte // a message, escapes decoded
	document []byte // a log event as it is handed on

	emit     func(index uint32, doc []byte, bad *row.Failure) error
	index    uint32
	made     int  // bytes of documents that were put together
	ended    bool // no more of the record is taken
	controls atomic.Uint64
}

// New returns a Decoder. It fails if o names what there is not.
func New(o Options) (*Decoder, error) {
	d := &Decoder{o: o, layers: 1}
	switch o.Compression {
	case "", None:
		d.layers = 0
	case Auto, Gzip, Zstd:
	default:
		return nil, fmt.Errorf("unknown compression %q", o.Compression)
	}
	switch o.Framing {
	case "", Single:
		d.o.Framing = Single
	case Lines, Array, AnyFrames:
	default:
		return nil, fmt.Errorf("unknown framing %q", o.Framing)
	}
	switch o.Envelope {
	case "", NoEnvelope:
		d.o.Envelope = NoEnvelope
	case CloudWatchLogs:
		d.layers *= 2
	default:
		return nil, fmt.Errorf("unknown envelope %q", o.Envelope)
	}
	if o.MaxDecoded < 0 {
		return nil, fmt.Errorf("decoded size %d is below 0", o.MaxDecoded)
	}
	if o.MaxDecoded == 0 {
		d.o.MaxDecoded = DefaultMaxDecoded
	}
	return d, nil
}

// Multi reports whether a record may hold several documents.
func (d *Decoder) Multi() bool { return d.o.Framing != Single || d.o.Envelope != NoEnvelope }

// Controls returns how many control messages of an envelope were dropped. Any goroutine may call it.
func (d *Decoder) Controls() uint64 { return d.controls.Load() }

// Documents calls emit for each document of data, in order, with its number among them, counted from 0. If bad is not nil,
// the document cannot be had, and doc is what there is to show of it. A record that cannot be read at all is one such
// document. The documents were not checked: that they are JSON is for the caller to see.
//
// A document is lent until emit returns. The error is emit's own, and ends the record. emit is not called after
// Documents has returned; made once for many records it costs no allocation.
func (d *Decoder) Documents(data []byte, emit func(index uint32, doc []byte, bad *row.Failure) error) error {
	text, bad := d.decompress(data)
	if bad != nil {
		return emit(0, data, bad)
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if !d.Multi() {
		err := emit(0, text, nil)
		d.giveBack()
		return err
	}
	d.emit, d.index, d.made, d.ended = emit, 0, 0, false
	err := d.frames(text)
	d.emit = nil
	d.giveBack()
	return err
}

// take hands a document on, out of its envelope if it has one.
func (d *Decoder) take(doc []byte) error {
	if d.o.Envelope == CloudWatchLogs {
		return d.logEvents(doc)
	}
	return d.put(doc, nil)
}

// refuse hands on a document that cannot be had.
func (d *Decoder) refuse(doc []byte, format string, args ...any) error {
	return d.put(doc, failure(format, args...))
}

func (d *Decoder) put(doc []byte, bad *row.Failure) error {
	i := d.index
	d.index++
	return d.emit(i, doc, bad)
}

// giveBack frees the memory that one odd record took.
func (d *Decoder) giveBack() {
	for i, b := range d.buffers {
		if cap(b) > maxKept {
			d.buffers[i] = nil
		}
	}
	if cap(d.text) > maxKept {
		d.text = nil
	}
	if cap(d.document) > maxKept {
		d.document = nil
	}
	// A field is 56 bytes.
	for _, fields := range []*[]row.Field{&d.members, &d.event, &d.message} {
		if cap(*fields) > row.MaxKeys {
			*fields = nil
		}
	}
}

func failure(format string, args ...any) *row.Failure {
	return &row.Failure{Stage: row.StageDecode, Reason: fmt.Sprintf(format, args...)}
}
