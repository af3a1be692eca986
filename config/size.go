package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes.
type Size int64

var units = []struct {
	name  string
	bytes int64
}{
	// Larger units first, so that a size prints in the largest that divides it; powers of two before powers of ten.
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1},
}

// String is the size in the largest unit that divides it: 128MiB.
func (s Size) String() string {
	for _, u := range units {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

var errSize = errors.New("is not a size; write a whole number of bytes, or one with a unit: B, KB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (powers of 1024), for example 128MiB")

// ParseSize reads a whole number of bytes, or one with a unit: 128MiB, 64KB, 1048576.
func ParseSize(text string) (Size, error) {
	digits := strings.TrimRight(text, "BKMGTi ")
	unit := strings.TrimLeft(text[len(digits):], " ")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || strings.HasPrefix(digits, "+") || strings.HasSuffix(text, " ") {
		return 0, errSize
	}
	if unit == "" {
		return Size(n), nil
	}
	for _, u := range units {
		if u.name != unit {
			continue
		}
		if n > math.MaxInt64/u.bytes {
			return 0, fmt.Errorf("is larger than %s can say", "int64")
		}
		return Size(n * u.bytes), nil
	}
	return 0, errSize
}
