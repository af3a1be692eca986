package step

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"kinesis-snowflake/transform/jsonscan"
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

var errNoTime = errors.New("is a text that spells no such time")

// noISO says what to do about a text that is no time of ISO 8601. Of a date such as 01/02/2026 nobody can tell which is the day.
func noISO(b []byte) error {
	if m := dayFirst.FindSubmatch(b); m != nil {
		return fmt.Errorf("is no date of ISO 8601; say how it is written with from: DD%[1]sMM%[1]sYYYY, or from: MM%[1]sDD%[1]sYYYY", m[1])
	}
	return errNoTime
}

var dayFirst = regexp.MustCompile(`^[0-9]{2}([-/.])[0-9]{2}[-/.][0-9]{4}`)

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
			return dst, same, fmt.Errorf("is %s, not a number", kindNames[jsonscan.KindOf(v)])
		}
		var err error
		if when, err = ofEpoch(n, c.unit); err != nil {
			return dst, same, err
		}
	case v[0] != '"':
		what := kindNames[jsonscan.KindOf(v)]
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
		if !ok || !when.valid() || c.base == baseTZ && when.far() || c.base == baseTime && !when.hasClock || c.base != baseTime && !when.hasDate {
			if c.layout == nil {
				return dst, same, noISO(inside)
			}
			return dst, same, errNoTime
		}
	}
	if c.base != baseDate && when.finerThan(c.fraction) {
		return dst, same, fmt.Errorf("has more than %d digits of a second", c.fraction)
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

var errYears = errors.New("lies outside of the years 1 to 9999")

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
