package table

import (
	"bytes"
	"time"

	"kinesis-snowflake/internal/row"
)

// The formats of dates and times in a load file. The session that runs the COPY sets them as its DATE_INPUT_FORMAT,
// TIME_INPUT_FORMAT and TIMESTAMP_INPUT_FORMAT too, since a cast in the SELECT of a COPY reads the session's.
//
// Every timestamp bears an offset, because one format serves all three types; for TIMESTAMP_NTZ, which keeps the wall
// clock and drops the offset, it is +00:00.
const (
	DateFormat      = "YYYY-MM-DD"
	TimeFormat      = "HH24:MI:SS.FF9"
	TimestampFormat = `YYYY-MM-DD"T"HH24:MI:SS.FF9TZH:TZM`
)

const maxTimeText = len("2006-01-02T15:04:05.123456789+00:00")

// appendTime fits a string into DATE, TIME or TIMESTAMP_*, written in the load file's format.
func appendTime(dst []byte, t *Type, f *row.Field) ([]byte, Reason) {
	if f.Kind != row.String {
		return dst, ReasonKind
	}
	var buf [maxTimeText]byte
	text, ok := shortText(buf[:0], f.Value[1:len(f.Value)-1])
	if !ok || len(text) > maxTimeText {
		return dst, ReasonKind
	}
	start := len(dst)
	dst = append(dst, '"')
	if t.Base != Time {
		if len(text) < 10 || !isDate(text[:10]) {
			return dst[:start], ReasonKind
		}
		dst = append(dst, text[:10]...)
		text = text[10:]
	}
	if t.Base == Date {
		if len(text) > 0 {
			return dst[:start], ReasonKind
		}
		return append(dst, '"'), ReasonNone
	}
	if t.Base != Time {
		if len(text) == 0 || text[0] != 'T' && text[0] != ' ' {
			return dst[:start], ReasonKind
		}
		dst = append(dst, 'T')
		text = text[1:]
	}
	dst, text, digits := appendClock(dst, text)
	if digits < 0 {
		return dst[:start], ReasonKind
	}
	if digits > t.Scale {
		return dst[:start], ReasonNumber
	}
	clock := len(dst) - len("00:00:00.000000000")
	if dst, ok = appendZone(dst, t.Base, text); !ok {
		return dst[:start], ReasonKind
	}
	if t.Base == TimestampLTZ || t.Base == TimestampTZ {
		if !inUTCYears(dst[start+1:start+11], dst[clock:]) {
			return dst[:start], ReasonNumber
		}
	}
	return append(dst, '"'), ReasonNone
}

// appendClock copies HH:MM:SS and a fraction, which it pads to nine digits. It returns what follows, and the number of
// fraction digits that matter, or -1 if text does not begin with a clock time.
func appendClock(dst, text []byte) (_, rest []byte, digits int) {
	if len(text) < 8 || text[2] != ':' || text[5] != ':' ||
		!inRange(text[:2], 0, 23) || !inRange(text[3:5], 0, 59) || !inRange(text[6:8], 0, 59) {
		return dst, text, -1
	}
	dst = append(dst, text[:8]...)
	text = text[8:]
	var fraction []byte
	if len(text) > 0 && text[0] == '.' {
		end := 1
		for end < len(text) && '0' <= text[end] && text[end] <= '9' {
			end++
		}
		if fraction, text = text[1:end], text[end:]; len(fraction) == 0 || len(fraction) > maxFraction {
			return dst, text, -1
		}
	}
	dst = append(dst, '.')
	dst = append(dst, fraction...)
	dst = appendZeros(dst, maxFraction-len(fraction))
	return dst, text, len(bytes.TrimRight(fraction, "0"))
}

// appendZone appends the offset to write for what follows a clock time. Another offset than UTC's would be lost in a
// TIMESTAMP_NTZ, and a text without one says no instant.
func appendZone(dst []byte, base Base, text []byte) (_ []byte, ok bool) {
	switch string(text) {
	case "":
		if base == Time {
			return dst, true
		}
		return append(dst, "+00:00"...), base == TimestampNTZ
	case "Z", "+00:00":
		if base == Time {
			return dst, true // the clock time of UTC, as RFC 3339 and JSON Schema's format time have to say it
		}
		return append(dst, "+00:00"...), true
	}
	ok = len(text) == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':' &&
		inRange(text[1:3], 0, 13) && inRange(text[4:6], 0, 59)
	return append(dst, text...), ok && (base == TimestampLTZ || base == TimestampTZ)
}

// inUTCYears reports whether an instant, of a date and a clock time with its offset, is in the years 1 to 9999 of UTC, too: it is
// stored so.
func inUTCYears(date, clock []byte) bool {
	first, last := string(date) == "0001-01-01", string(date) == "9999-12-31"
	if !first && !last {
		return true
	}
	zone := clock[len(clock)-6:]
	offset := number(zone[1:3])*60 + number(zone[4:6])
	if zone[0] == '-' {
		offset = -offset
	}
	minutes := number(clock[:2])*60 + number(clock[3:5]) - offset
	return !(first && minutes < 0 || last && minutes >= 24*60)
}

// isInstant reports whether a JSON string is an RFC 3339 date-time that a TIMESTAMP_TZ holds: with a T, an offset, and a
// fraction of up to nine digits.
func isInstant(value []byte) bool {
	if len(value) < len(`"2006-01-02T15:04:05Z"`) || len(value) > maxTimeText+2 || value[5] != '-' || value[11] != 'T' {
		return false
	}
	var buf [maxTimeText + 2]byte
	_, reason := appendTime(buf[:0], &Type{Base: TimestampTZ, Scale: maxFraction}, &row.Field{Kind: row.String, Value: value})
	return reason == ReasonNone
}

func isDate(text []byte) bool {
	if text[4] != '-' || text[7] != '-' || !allDigits(text[:4]) || !inRange(text[5:7], 1, 12) {
		return false
	}
	year, month := number(text[:4]), number(text[5:7])
	return year > 0 && inRange(text[8:10], 1, daysIn(year, month))
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func inRange(digits []byte, low, high int) bool {
	return allDigits(digits) && low <= number(digits) && number(digits) <= high
}

func number(digits []byte) (n int) {
	for _, c := range digits {
		n = n*10 + int(c-'0')
	}
	return n
}

// appendArrival appends milliseconds since the Unix epoch as 2025-11-05T09:12:15.300, in UTC.
func appendArrival(dst []byte, ms int64) []byte {
	t := time.UnixMilli(ms).UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(dst, "2006-01-02T15:04:05.000")
	}
	hour, minute, second := t.Clock()
	milli := t.Nanosecond() / 1e6
	dst = append(dst, '0'+byte(year/1000), '0'+byte(year/100%10))
	dst = appendTwo(dst, year%100)
	dst = appendTwo(append(dst, '-'), int(month))
	dst = appendTwo(append(dst, '-'), day)
	dst = appendTwo(append(dst, 'T'), hour)
	dst = appendTwo(append(dst, ':'), minute)
	dst = appendTwo(append(dst, ':'), second)
	return append(dst, '.', '0'+byte(milli/100), '0'+byte(milli/10%10), '0'+byte(milli%10))
}

func appendTwo(dst []byte, n int) []byte { return append(dst, '0'+byte(n/10), '0'+byte(n%10)) }
