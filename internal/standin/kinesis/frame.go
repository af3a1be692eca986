package kinesis

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	eventStreamType = "application/vnd.amazon.eventstream"

	framePrelude = 12 // total length, length of the headers, checksum of the two
	headerString = 7  // the type of a header's value
)

// appendFrame writes one message of the event stream encoding: prelude, headers, payload, checksum. Lengths are 32 bits,
// big-endian; both checksums are CRC-32 (IEEE), the second over all before it. The payload is what write appends.
func appendFrame(dst []byte, headers [][2]string, write func([]byte) []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, framePrelude)...)
	for _, h := range headers {
		dst = append(append(dst, byte(len(h[0]))), h[0]...)
		dst = binary.BigEndian.AppendUint16(append(dst, headerString), uint16(len(h[1])))
		dst = append(dst, h[1]...)
	}
	head := len(dst) - start - framePrelude
	dst = write(dst)
	frame := dst[start:]
	binary.BigEndian.PutUint32(frame, uint32(len(frame)+crc32.Size))
	binary.BigEndian.PutUint32(frame[4:], uint32(head))
	binary.BigEndian.PutUint32(frame[8:], crc32.ChecksumIEEE(frame[:8]))
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(frame))
}

// initialFrame stands for the operation's output, which has no members. Clients wait for it before they look at events.
func initialFrame(dst []byte) []byte {
	return appendFrame(dst, [][2]string{{":message-type", "event"}, {":event-type", "initial-response"}, {":content-type", contentType}},
		func(b []byte) []byte { return append(b, "{}"...) })
}

func eventFrame(dst []byte, write func([]byte) []byte) []byte {
	return appendFrame(dst, [][2]string{{":message-type", "event"}, {":event-type", "SubscribeToShardEvent"}, {":content-type", "application/json"}}, write)
}

func exceptionFrame(dst []byte, e *Error) []byte {
	return appendFrame(dst, [][2]string{{":message-type", "exception"}, {":exception-type", e.Code}, {":content-type", "application/json"}},
		func(b []byte) []byte { return append(append(append(b, `{"message":`...), quote(e.Message)...), '}') })
}
