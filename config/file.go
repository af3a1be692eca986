package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxSecret bounds what is read of a secret's file; the longest secrets, keys and tokens, have a few KiB.
const maxSecret = 64 << 10

// fileName makes a relative name start from the pipeline file's folder.
func (d *decoder) fileName(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(d.file), name)
}

var errLarge = fmt.Errorf("is larger than %s", Size(maxSecret))

// content is the text of a secret's file. The errors leave out the name: it may come from the environment.
func (d *decoder) content(name string) (string, error) {
	data, err := d.read(name)
	var fault *os.PathError
	switch {
	case errors.As(err, &fault):
		return "", fmt.Errorf("cannot be read: %w", fault.Err)
	case err != nil:
		return "", errors.New("cannot be read")
	case len(data) > maxSecret:
		return "", errLarge
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" {
		return "", errors.New("is empty")
	}
	return text, nil
}

// readSecret reads no more than it takes to see that a file is too large.
func readSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSecret+1))
}
