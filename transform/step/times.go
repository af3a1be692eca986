package step

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// token is an element of a layout: a part of a time, or text that stands there as it is.
type token struct {
	part part
	text string // with partText
}

type part uint8

const (
	partText part = iota
	partYear
	partMonth
	partMonthName
	partDay
	partHour
	partHour12
	partHalf
	partMinute
	partSecond
	partFraction
	partZone
)

// parts are the names of a layout's parts; those that begin like another come first.
var parts = []struct {
	name string
	part part
}{
	{"YYYY", partYear}, {"MON", partMonthName}, {"MM", partMonth}, {"MI", partMinute}, {"DD", partDay}, {"HH24", partHour}, {"HH12", partHour12},
	{"AM", partHalf}, {"PM", partHalf}, {"SS", partSecond}, {"FF", partFraction}, {"TZH:TZM", partZone}, {"TZHTZM", partZone},
}

const allowedForms = `epoch_s, epoch_ms, epoch_us, epoch_ns, or a layout of YYYY, MM, MON, DD, HH24, HH12, AM, MI, SS, FF, TZH:TZM, text in double quotes, and signs`

// parseLayout reads a layout in Snowflake's words: DD.MM.YYYY HH24:MI:SS.
func parseLayout(text string) (tokens []token, err error) {
	for rest := text; rest != ""; {
		i := slices.IndexFunc(parts, func(p struct {
			name string
			part part
		}) bool {
			return strings.HasPrefix(rest, p.name)
		})
		switch c := rest[0]; {
		case i >= 0:
			tokens = append(tokens, token{part: parts[i].part})
			rest = rest[len(parts[i].name):]
		case c == '"':
			quoted, after, ok := strings.Cut(rest[1:], `"`)
			if !ok || quoted == "" {
				return nil, errors.New("is no layout: a quote has no end or holds nothing")
			}
			tokens = append(tokens, token{text: quoted})
			rest = after
		case 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9':
			return nil, fmt.Errorf("is no layout: it has %q outside of double quotes, which is no part of a time", rest)
		default:
			tokens = append(tokens, token{text: rest[:1]})
			rest = rest[1:]
		}
	}
	seen := map[part]bool{}
	for _, t := range tokens {
		if t.part != partText && seen[t.part] {
			return nil, errors.New("is no layout: it has one part twice")
		}
		seen[t.part] = true
	}
	if seen[partHour12] != seen[partHalf] || seen[partHour12] && seen[partHour] {
		return nil, errors.New("is no layout: HH12 and AM belong together, and HH24 stands alone")
	}
	return tokens, nil
}

// covers says what a layout lacks for a type.
func covers(tokens []token, b base) error {
	has := func(p ...part) bool {
		return slices.ContainsFunc(tokens, func(t token) bool { return slices.Contains(p, t.part) })
	}
	date := has(partYear) && has(partMonth, partMonthName) && has(partDay)
	clock := has(partHour, partHour12)
	switch {
	case b != baseTime && !date:
		return errors.New("has no year, month and day")
	case b == baseTime && !clock:
		return errors.New("has no hour")
	}
	return nil
}

// instant is a time as it was written.
type instant struct {
	year, month, day             int
	hour, minute, second, nanos  int
	hasDate, hasClock, hasOffset bool
	offset                       int // minutes
}

var errNoTime = errors.New("is a text that spells no such time")

func (c *caster) time(x *Runner, dst, v []byte) ([]byte, action, error) {
	var when instant
	switch {
	case c.unit != 0:
		n := v
		if v[0] == '"' {
			n, x.tmp = text(x.tmp[:0], v)
			if !isNumber(n) {
				return dst, same, errors.New("is a text that spells no number")
			}
			n = trimZeros(n)
		} else if v[0] != '-' && (v[0] < '0' || v[0] > '9') {
			return dst, same, fmt.Errorf("is %s, not a number", kindNames[kindOf(v)])
		}
		var err error
		if when, err = ofEpoch(n, c.unit); err != nil {
			return dst, same, err
		}
	case v[0] != '"':
		what := kindNames[kindOf(v)]
		if what == "a number" {
			what += "; say what it counts with from: epoch_s, epoch_ms, epoch_us or epoch_ns"
		}
		return dst, same, errors.New("is " + what)
	default:
		var inside []byte
		inside, x.tmp = text(x.tmp[:0], v)
		var ok bool
		if c.layout != nil {
			when, ok = parseTokens(c.layout, inside)
		} else {
			when, ok = parseISO(inside, c.base == baseTime)
		}
		if !ok || !when.valid() || c.base == baseTime && !when.hasClock || c.base != baseTime && !when.hasDate {
			return dst, same, errNoTime
		}
	}
	start := len(dst)
	if dst = when.append(append(dst, '"'), c.base); dst == nil {
		return nil, same, errNoTime
	}
	dst = append(dst, '"')
	if bytes.Equal(dst[start:], v) {
		return dst[:start], same, nil
	}
	return dst, changed, nil
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

var errYears = errors.New("lies outside of the years 1 to 9999")

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
	sign(b, ':')
	if len(*b) > 0 && !fixed(b, 2, &minutes) || minutes > 59 {
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

var monthNames = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}

func parseTokens(tokens []token, b []byte) (when instant, ok bool) {
	half := ""
	for _, t := range tokens {
		ok := true
		switch t.part {
		case partText:
			if ok = bytes.HasPrefix(b, []byte(t.text)); ok {
				b = b[len(t.text):]
			}
		case partYear:
			ok = fixed(&b, 4, &when.year)
		case partMonth:
			ok = fixed(&b, 2, &when.month)
		case partMonthName:
			if ok = len(b) >= 3; ok {
				when.month = 1 + slices.Index(monthNames, strings.ToLower(string(b[:3])))
				b = b[3:]
			}
		case partDay:
			ok, when.hasDate = fixed(&b, 2, &when.day), true
		case partHour, partHour12:
			ok, when.hasClock = fixed(&b, 2, &when.hour), true
			if t.part == partHour12 {
				ok = ok && 1 <= when.hour && when.hour <= 12
			}
		case partHalf:
			if ok = len(b) >= 2; ok {
				half = strings.ToLower(string(b[:2]))
				ok = half == "am" || half == "pm"
				b = b[2:]
			}
		case partMinute:
			ok = fixed(&b, 2, &when.minute)
		case partSecond:
			ok = fixed(&b, 2, &when.second)
		case partFraction:
			ok = when.fraction(&b)
		case partZone:
			ok = when.zone(&b)
		}
		if !ok {
			return when, false
		}
	}
	if half != "" {
		if when.hour %= 12; half == "pm" {
			when.hour += 12
		}
	}
	return when, len(b) == 0
}

// valid reports whether there is such a time. Snowflake has no leap second, and no offset beyond 14 hours.
func (when *instant) valid() bool {
	if when.hasDate {
		last := time.Date(when.year, time.Month(when.month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
		if when.year < 1 || when.month < 1 || when.month > 12 || when.day < 1 || when.day > last {
			return false
		}
	}
	return when.hour < 24 && when.minute < 60 && when.second < 60 && -14*60 < when.offset && when.offset < 14*60
}

// append writes a time as the sink reads it; nil if it leaves the years 1 to 9999. TIMESTAMP_NTZ is UTC's clock; a time without
// an offset is UTC's.
func (when *instant) append(dst []byte, b base) []byte {
	t := time.Date(when.year, time.Month(when.month), when.day, when.hour, when.minute, when.second, when.nanos, time.UTC)
	if b == baseNTZ {
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
	case when.offset == 0:
		dst = append(dst, 'Z')
	default:
		minutes := when.offset
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
