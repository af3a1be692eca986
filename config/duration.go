package config

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

var errDuration = errors.New("is not a duration; write a number and a unit: ms, s, m, h or d, also joined, for example 500ms, 90s, 1h30m or 2d")

// ParseDuration reads Go's durations, and days before them: 90s, 1h30m, 2d, 1d12h. A day is 24 hours. No sign.
func ParseDuration(text string) (time.Duration, error) {
	if strings.HasPrefix(text, "-") || strings.HasPrefix(text, "+") {
		return 0, errDuration
	}
	days, rest, ok := strings.Cut(text, "d")
	if !ok {
		return goDuration(text)
	}
	// Days are read as hours and multiplied, so that fractions and overflow are time.ParseDuration's business.
	d, err := time.ParseDuration(days + "h")
	if err != nil || strings.ContainsAny(days, "hmsuµn") {
		return 0, errDuration
	}
	total := d * 24
	if total/24 != d {
		return 0, errDuration
	}
	if rest != "" {
		r, err := goDuration(rest)
		if err != nil || strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, "+") {
			return 0, errDuration
		}
		if total += r; total < r {
			return 0, errDuration
		}
	}
	return total, nil
}

func goDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, errDuration
	}
	return d, nil
}

// durationText is the short form of a duration: 1m, not 1m0s.
func durationText(d time.Duration) string {
	if d >= day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
