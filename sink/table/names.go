package table

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"unicode/utf8"
)

const (
	// MetadataColumn and RescuedColumn are the connector's own columns in every table.
	MetadataColumn = "KINESISMETADATA"
	RescuedColumn  = "_RESCUED"

	// MaxNameLength is the longest identifier of Snowflake, in characters.
	MaxNameLength = 255

	hashLength = 16 // hexadecimal digits: 64 bits of SHA-256
)

// ColumnName returns the name of the column that key belongs to, and false if it has none: the empty key, the
// connector's own columns, and keys that no identifier can hold (a NUL character, or text that is not UTF-8, as an
// unpaired surrogate is not).
//
// ASCII letters are turned to upper case, everything else is kept, so keys that differ only in the case of ASCII
// letters share a column. A name of over 255 characters is cut and ends in a hash of the whole.
func ColumnName(key string) (string, bool) {
	name, ok := AppendColumnName(make([]byte, 0, len(key)+1), []byte(key))
	return string(name), ok
}

// AppendColumnName is ColumnName for byte slices; it allocates only if dst is too small.
func AppendColumnName(dst, key []byte) ([]byte, bool) {
	if len(key) == 0 || hostileText(key) {
		return dst, false
	}
	start := len(dst)
	dst = append(dst, key...)
	name := dst[start:]
	upperASCII(name)
	switch string(name) {
	case MetadataColumn, RescuedColumn:
		return dst[:start], false
	// ANSI functions that Snowflake refuses as a column's name even in quotes.
	case "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_USER", "LOCALTIME", "LOCALTIMESTAMP":
		return append(dst, '_'), true
	}
	if len(name) > MaxNameLength && utf8.RuneCount(name) > MaxNameLength {
		sum := sha256.Sum256(name)
		end := runeOffset(name, MaxNameLength-1-hashLength)
		dst = append(dst[:start+end], '_')
		dst = hex.AppendEncode(dst, sum[:hashLength/2])
		upperASCII(dst[start+end:])
	}
	return dst, true
}

// TableName returns the name of the table for a stream that was given none: the stream's, in upper case.
func TableName(stream string) string {
	name := []byte(stream)
	upperASCII(name)
	return string(name)
}

func upperASCII(b []byte) {
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - ('a' - 'A')
		}
	}
}

// runeOffset returns the length in bytes of the first n characters of valid UTF-8.
func runeOffset(b []byte, n int) int {
	i := 0
	for ; n > 0; n-- {
		_, size := utf8.DecodeRune(b[i:])
		i += size
	}
	return i
}

// hostileText reports whether no Snowflake text can hold b.
func hostileText(b []byte) bool { return bytes.IndexByte(b, 0) >= 0 || !utf8.Valid(b) }
