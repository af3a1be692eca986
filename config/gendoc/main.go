// Command gendoc writes the page that documents the pipeline file: go run ./config/gendoc docs/configuration.md
package main

import (
	"bytes"
	"fmt"
	"os"

	"kinesis-snowflake/config"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gendoc FILE")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(path string) error {
	var page bytes.Buffer
	if err := config.WriteReference(&page); err != nil {
		return err
	}
	return os.WriteFile(path, page.Bytes(), 0o644)
}
