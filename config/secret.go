package config

import (
	"fmt"
	"log/slog"
)

const hidden = "<secret>"

// Secret is a value that prints as <secret> everywhere: in logs, in errors, in JSON and in YAML. Only [Secret.Reveal] gives
// it away. The zero value is a secret that was not given.
type Secret struct{ value string }

// NewSecret hides a value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal is the value itself: for the one call that needs it, never for an error or a log line.
func (s Secret) Reveal() string { return s.value }

// IsZero says whether the secret was not given.
func (s Secret) IsZero() bool { return s.value == "" }

func (Secret) String() string { return hidden }

// GoString hides the value from %#v.
func (Secret) GoString() string { return hidden }

// Format hides the value from every verb; without it %d or %x would print the field.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// MarshalJSON hides the value.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// MarshalText hides the value, also where a secret is a map's key.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalYAML hides the value.
func (Secret) MarshalYAML() (any, error) { return hidden, nil }

// LogValue hides the value.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
