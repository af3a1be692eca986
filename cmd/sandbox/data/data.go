// Package data holds the records that the sandbox produces; README.md tells where they come from.
package data

import _ "embed"

// The records, one JSON object a line.
var (
	//go:embed earthquakes.jsonl
	Earthquakes string
	//go:embed github-events.jsonl
	GitHubEvents string
)
