package snowflake

import (
	"fmt"
	"strings"
	"time"
)

// timeFormats says how text becomes a date, time or timestamp and back.
type timeFormats struct {
	date, time, timestamp string // input formats; AUTO detects ISO 8601
	zone                  *time.Location
}

type wallClock struct {
	year, month, day, hour, minute, second, nano int
	pm, hour12, zoned                            bool
	offset                                       int // seconds
}

func (w wallClock) at(zone *time.Location) time.Time {
	if w.zoned {
		zone = time.FixedZone("", w.offset)
	}
	return time.Date(w.year, time.Month(w.month), w.day, w.hour, w.minute, w.second, w.nano, zone)
}

func (w wallClock) valid() bool {
	if w.month < 1 || w.month > 12 || w.day < 1 || w.hour > 23 || w.minute > 59 || w.second > 59 {
		return false
	}
	return w.day <= time.Date(w.year, time.Month(w.month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

var monthNames = [...]string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}

// formatElements are what a format may hold, longer ones first (Snowflake docs, "Date and time input and output formats").
var formatElements = [...]string{
	"TZHTZM", "TZH:TZM", "YYYY", "HH24", "HH12", "MMMM", "MON", "TZH", "TZM", "FF0", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6", "FF7", "FF8", "FF9",
	"YY", "MM", "DD", "DY", "MI", "SS", "FF", "AM", "PM",
}

type timeScanner struct {
	s  string
	ok bool
}

func (t *timeScanner) digits(least, most int) int {
	n, v := 0, 0
	for n < most && n < len(t.s) && t.s[n] >= '0' && t.s[n] <= '9' {
		v = v*10 + int(t.s[n]-'0')
		n++
	}
	if n < least {
		t.ok = false
	}
	t.s = t.s[n:]
	return v
}

func (t *timeScanner) fraction() int {
	nano, n := 0, 0
	for n < len(t.s) && t.s[n] >= '0' && t.s[n] <= '9' {
		if n < 9 {
			nano = nano*10 + int(t.s[n]-'0')
		}
		n++
	}
	if n == 0 {
		t.ok = false
	}
	for i := n; i < 9; i++ {
		nano *= 10
	}
	t.s = t.s[n:]
	return nano
}

func (t *timeScanner) literal(l string) {
	rest, ok := strings.CutPrefix(t.s, l)
	t.s, t.ok = rest, t.ok && ok
}

func (t *timeScanner) offset(minutes bool) int {
	if strings.HasPrefix(t.s, "Z") {
		t.s = t.s[1:]
		return 0
	}
	sign := 1
	switch {
	case strings.HasPrefix(t.s, "-"):
		sign = -1
	case !strings.HasPrefix(t.s, "+"):
		t.ok = false
		return 0
	}
	t.s = t.s[1:]
	o := t.digits(2, 2) * 3600
	if minutes && t.s != "" {
		t.s = strings.TrimPrefix(t.s, ":")
		o += t.digits(2, 2) * 60
	}
	return sign * o
}

// parseWith reads text by a format.
func parseWith(format, s string) (wallClock, bool) {
	w := wallClock{year: 1970, month: 1, day: 1}
	t := &timeScanner{s: s, ok: true}
	for f := format; f != "" && t.ok; {
		if f[0] == '"' {
			if end := strings.IndexByte(f[1:], '"'); end >= 0 {
				t.literal(f[1 : 1+end])
				f = f[end+2:]
				continue
			}
		}
		element := ""
		for _, e := range formatElements {
			if len(f) >= len(e) && strings.EqualFold(f[:len(e)], e) {
				element = e
				break
			}
		}
		if element == "" {
			t.literal(f[:1])
			f = f[1:]
			continue
		}
		f = f[len(element):]
		switch element {
		case "YYYY":
			w.year = t.digits(4, 4)
		case "YY":
			w.year = 2000 + t.digits(2, 2)
		case "MM":
			w.month = t.digits(1, 2)
		case "MON", "MMMM":
			w.month = 0
			for i, m := range monthNames {
				if len(t.s) >= 3 && strings.EqualFold(t.s[:3], m) {
					w.month = i + 1
				}
			}
			t.s = strings.TrimLeft(t.s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
		case "DY":
			t.s = strings.TrimLeft(t.s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
		case "DD":
			w.day = t.digits(1, 2)
		case "HH24":
			w.hour = t.digits(1, 2)
		case "HH12":
			w.hour, w.hour12 = t.digits(1, 2), true
		case "AM", "PM":
			if len(t.s) < 2 || !strings.EqualFold(t.s[1:2], "M") {
				return w, false
			}
			w.pm = strings.EqualFold(t.s[:1], "P")
			t.s = t.s[2:]
		case "MI":
			w.minute = t.digits(1, 2)
		case "SS":
			w.second = t.digits(1, 2)
		case "TZHTZM", "TZH:TZM":
			w.offset, w.zoned = t.offset(true), true
		case "TZH":
			w.offset, w.zoned = t.offset(false), true
		case "TZM":
			w.offset += t.digits(2, 2) * 60
		default:
			w.nano = t.fraction()
		}
	}
	if w.hour12 {
		w.hour %= 12
		if w.pm {
			w.hour += 12
		}
	}
	return w, t.ok && t.s == "" && w.valid()
}

// parseAuto reads ISO 8601: a date, a time, or both with an optional fraction and offset. Slashes and month names, which
// the service's AUTO also knows, are left out: what this refuses the service may accept, never the other way.
func parseAuto(s string, k Kind) (wallClock, bool) {
	w := wallClock{year: 1970, month: 1, day: 1}
	t := &timeScanner{s: s, ok: true}
	if k != KindTime {
		w.year = t.digits(4, 4)
		t.literal("-")
		w.month = t.digits(1, 2)
		t.literal("-")
		w.day = t.digits(1, 2)
		if t.s == "" || k == KindDate {
			return w, t.ok && t.s == "" && w.valid()
		}
		if t.s[0] != 'T' && t.s[0] != ' ' {
			return w, false
		}
		t.s = t.s[1:]
	}
	w.hour = t.digits(1, 2)
	t.literal(":")
	w.minute = t.digits(2, 2)
	if strings.HasPrefix(t.s, ":") {
		t.s = t.s[1:]
		w.second = t.digits(2, 2)
		if strings.HasPrefix(t.s, ".") {
			t.s = t.s[1:]
			w.nano = t.fraction()
		}
	}
	if t.s != "" && k != KindTime {
		t.s = strings.TrimPrefix(t.s, " ")
		w.offset, w.zoned = t.offset(true), true
	}
	return w, t.ok && t.s == "" && w.valid()
}

// parse makes a date, time or timestamp of text.
func (f timeFormats) parse(s string, k Kind) (Value, bool) {
	format := f.timestamp
	switch k {
	case KindDate:
		format = f.date
	case KindTime:
		format = f.time
	}
	var w wallClock
	var ok bool
	if format == "" || strings.EqualFold(format, "AUTO") {
		w, ok = parseAuto(s, k)
	} else {
		w, ok = parseWith(format, s)
	}
	if !ok {
		return Value{}, false
	}
	zone := f.zone
	if zone == nil || k == KindTimestampNTZ || k == KindDate {
		zone = time.UTC
	}
	if k == KindTimestampNTZ || k == KindDate || k == KindTime {
		w.zoned = false // the wall clock counts, the offset is dropped
	}
	at := w.at(zone)
	switch k {
	case KindDate:
		return Value{Kind: k, Int: floorDiv(at.Unix(), 86400)}, true
	case KindTime:
		return Value{Kind: k, Int: int64(w.hour*3600+w.minute*60+w.second)*1e9 + int64(w.nano)}, true
	}
	return TimestampValue(k, at), true
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// format writes a date, time or timestamp as text in the default output formats.
func (f timeFormats) format(v Value) string {
	switch v.Kind {
	case KindDate:
		return v.Time().Format("2006-01-02")
	case KindTime:
		s := v.Int / 1e9
		return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
	case KindTimestampNTZ:
		return v.Time().Format("2006-01-02 15:04:05.000")
	case KindTimestampLTZ:
		zone := f.zone
		if zone == nil {
			zone = time.UTC
		}
		return v.Time().In(zone).Format("2006-01-02 15:04:05.000 -0700")
	default:
		return v.Time().Format("2006-01-02 15:04:05.000 -0700")
	}
}
