package step

import (
	"bytes"
	"errors"
	"time"
)

// instant is a time as it was written.
type instant struct {
	year, month, day             int
	hour, minute, second, nanos  int
	hasDate, hasClock, hasOffset bool
	offset                       int // minutes
}

// ofEpoch takes a count of units since 1970.
func ofEpoch(n []byte, unit time.Duration) (when instant, err error) {
	const least, most = -62135596800, 253402300800 // the years 1 to 9999
	if n, ok := smallInt(n); ok {
		perSecond := int64(time.Second / unit)
		whole, rest := n/perSecond, n%perSecond
		if rest < 0 {
			whole, rest = whole-1, rest+perSecond
		}
		if whole < least || whole >= most {
			return when, errYears
		}
		return ofUnix(whole, rest*int64(unit)), nil
	}
	d, err := parseDecimal(n)
	if err != nil {
		return when, err
	}
	if d, err = d.multiply(ofInt(int64(unit))); err != nil {
		return when, err
	}
	if !d.isWhole() {
		return when, errors.New("has a fraction finer than a nanosecond")
	}
	seconds, err := decimal{small: d.small, big: d.big, exp: d.exp - 9}.check()
	if err != nil || seconds.compare(ofInt(least)) < 0 || seconds.compare(ofInt(most)) >= 0 {
		return when, errYears
	}
	whole, _ := seconds.floor().int()
	rest, err := d.add(decimal{small: -whole, exp: 9})
	if err != nil {
		return when, err
	}
	nanos, _ := rest.int()
	return ofUnix(whole, nanos), nil
}

func ofUnix(seconds, nanos int64) instant {
	t := time.Unix(seconds, nanos).UTC()
	when := instant{hasDate: true, hasClock: true, hasOffset: true, nanos: int(nanos)}
	year, month, day := t.Date()
	when.year, when.month, when.day = year, int(month), day
	when.hour, when.minute, when.second = t.Clock()
	return when
}

// parseISO reads 2006-01-02, 2006-01-02T15:04:05.999999999+01:00 with a T or a space, and with or without the offset, and
// with onlyClock 15:04:05.999999999 too.
func parseISO(b []byte, onlyClock bool) (when instant, ok bool) {
	if onlyClock && len(b) > 2 && b[2] == ':' {
		ok = when.clock(&b)
		return when, ok && len(b) == 0
	}
	if !fixed(&b, 4, &when.year) || !sign(&b, '-') || !fixed(&b, 2, &when.month) || !sign(&b, '-') || !fixed(&b, 2, &when.day) {
		return when, false
	}
	when.hasDate = true
	if len(b) == 0 {
		return when, true
	}
	if b[0] != 'T' && b[0] != 't' && b[0] != ' ' {
		return when, false
	}
	b = b[1:]
	if !when.clock(&b) {
		return when, false
	}
	if len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	return when, len(b) == 0 || when.zone(&b) && len(b) == 0
}

func (when *instant) clock(b *[]byte) bool {
	when.hasClock = true
	if !fixed(b, 2, &when.hour) || !sign(b, ':') || !fixed(b, 2, &when.minute) {
		return false
	}
	if !sign(b, ':') {
		return true
	}
	return fixed(b, 2, &when.second) && (!sign(b, '.') || when.fraction(b))
}

// fraction takes up to nine digits, and zeros after them.
func (when *instant) fraction(b *[]byte) bool {
	n, unit := 0, int(time.Second)
	for n < len(*b) && '0' <= (*b)[n] && (*b)[n] <= '9' {
		d := int((*b)[n] - '0')
		if unit /= 10; unit == 0 && d != 0 {
			return false
		}
		when.nanos += d * unit
		n++
	}
	*b = (*b)[n:]
	return n > 0
}

func (when *instant) zone(b *[]byte) bool {
	when.hasOffset = true
	if sign(b, 'Z') || sign(b, 'z') {
		return true
	}
	minus := len(*b) > 0 && (*b)[0] == '-'
	if !minus && (len(*b) == 0 || (*b)[0] != '+') {
		return false
	}
	*b = (*b)[1:]
	var hours, minutes int
	if !fixed(b, 2, &hours) {
		return false
	}
	if (sign(b, ':') || len(*b) > 0) && !fixed(b, 2, &minutes) || minutes > 59 {
		return false
	}
	if when.offset = hours*60 + minutes; minus {
		when.offset = -when.offset
	}
	return true
}

// fixed takes a number of so many digits.
func fixed(b *[]byte, n int, to *int) bool {
	if len(*b) < n {
		return false
	}
	*to = 0
	for _, c := range (*b)[:n] {
		if c < '0' || c > '9' {
			return false
		}
		*to = *to*10 + int(c-'0')
	}
	*b = (*b)[n:]
	return true
}

func sign(b *[]byte, c byte) bool {
	if len(*b) == 0 || (*b)[0] != c {
		return false
	}
	*b = (*b)[1:]
	return true
}

// valid reports whether there is such a time. Snowflake has no leap second.
func (when *instant) valid() bool {
	if when.hasDate {
		last := time.Date(when.year, time.Month(when.month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
		if when.year < 1 || when.month < 1 || when.month > 12 || when.day < 1 || when.day > last {
			return false
		}
	}
	return when.hour < 24 && when.minute < 60 && when.second < 60 && -24*60 < when.offset && when.offset < 24*60
}

// far reports whether the offset is one that no TIMESTAMP_* is written with. An instant can be told by another.
func (when *instant) far() bool { return when.offset <= -14*60 || when.offset >= 14*60 }

// append writes a time as the sink reads it; nil if it leaves the years 1 to 9999. TIMESTAMP_NTZ is UTC's clock; a time without
// an offset is UTC's. A TIMESTAMP_LTZ keeps no offset, so that one that is far off is told by UTC's clock.
func (when *instant) append(dst []byte, b base) []byte {
	t := time.Date(when.year, time.Month(when.month), when.day, when.hour, when.minute, when.second, when.nanos, time.UTC)
	offset := when.offset
	if b == baseNTZ || b == baseLTZ && when.far() {
		offset = 0
		if t = t.Add(-time.Duration(when.offset) * time.Minute); t.Year() < 1 || t.Year() > 9999 {
			return nil
		}
	}
	switch b {
	case baseDate:
		return t.AppendFormat(dst, "2006-01-02")
	case baseTime:
		return appendFraction(t.AppendFormat(dst, "15:04:05"), when.nanos)
	}
	dst = appendFraction(t.AppendFormat(dst, "2006-01-02T15:04:05"), when.nanos)
	switch {
	case b == baseNTZ:
	case offset == 0:
		dst = append(dst, 'Z')
	default:
		minutes := offset
		if dst = append(dst, '+'); minutes < 0 {
			dst[len(dst)-1], minutes = '-', -minutes
		}
		dst = append(dst, byte('0'+minutes/600), byte('0'+minutes/60%10), ':', byte('0'+minutes%60/10), byte('0'+minutes%10))
	}
	return dst
}

// appendFraction appends the digits of a fraction that matter.
func appendFraction(dst []byte, nanos int) []byte {
	if nanos == 0 {
		return dst
	}
	var digits [9]byte
	for i := range digits {
		digits[8-i] = byte('0' + nanos%10)
		nanos /= 10
	}
	return append(append(dst, '.'), bytes.TrimRight(digits[:], "0")...)
}

// finerThan reports whether the time has more digits of a second than so many.
func (when *instant) finerThan(digits int) bool {
	unit := 1
	for range maxFraction - digits {
		unit *= 10
	}
	return when.nanos%unit != 0
}
