package produce

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

// Units are what a record of the input may be: a line, the whole file, or what a line spells in base64.
func Units() []string { return []string{"line", "file", "base64"} }

// Read reads all records of r, of which unit says what each is; compressed by gzip if so asked.
func Read(r io.Reader, unit string, compressed bool) ([][]byte, error) {
	records, err := read(r, unit)
	if err != nil || !compressed {
		return records, err
	}
	for i, data := range records {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		if _, err := w.Write(data); err != nil {
			return nil, fmt.Errorf("compress record %d: %w", i+1, err)
		}
		if err := w.Close(); err != nil {
			return nil, fmt.Errorf("compress record %d: %w", i+1, err)
		}
		records[i] = out.Bytes()
	}
	return records, nil
}

func read(r io.Reader, unit string) ([][]byte, error) {
	if unit == "file" {
		all, err := io.ReadAll(r)
		if err != nil {
			return nil, fmt.Errorf("read the record: %w", err)
		}
		if len(all) > maxLine {
			return nil, errors.New("read the record: it has more than 10 MiB")
		}
		return [][]byte{all}, nil
	}
	lines, err := Lines(r)
	if err != nil || unit != "base64" {
		return lines, err
	}
	for i, line := range lines {
		if lines[i], err = base64.StdEncoding.AppendDecode(nil, bytes.TrimSpace(line)); err != nil {
			return nil, fmt.Errorf("read records: line %d is no base64: %w", i+1, err)
		}
	}
	return lines, nil
}
