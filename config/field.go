package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// section is a mapping of the file: its keys, in the order in which the documentation lists them.
type section struct {
	key      string
	doc      string
	fields   []field
	sections []section
}

// field is a key with a value, bound to where the value goes.
type field struct {
	key      string
	kind     string // the type's name in the documentation
	doc      string // one or more full sentences
	limits   string // what is allowed, as error messages and the documentation say it
	standard string // the default as the documentation says it; empty: none
	required bool
	secret   bool // the value must not be quoted in errors
	file     bool // the value is the name of a file, whose text goes to set

	// set takes the text of a value that is not empty. Its error is the problem, told so that it follows the value's text:
	// "is not a whole number"; where errRange or errForm will do, limits says the rest.
	set func(text string) error
}

var (
	errRange = errors.New("is out of range")
	errForm  = errors.New("does not have the right form")
)

func (f field) require() field           { f.required = true; return f }
func (f field) orElse(text string) field { f.standard = text; return f }

// text is a free text that check accepts.
func text(key string, dst *string, limits string, check func(string) bool, doc string) field {
	return field{key: key, kind: "text", doc: doc, limits: limits, standard: *dst, set: func(s string) error {
		if !check(s) {
			return errForm
		}
		*dst = s
		return nil
	}}
}

func duration(key string, dst *time.Duration, least, most time.Duration, doc string) field {
	return field{key: key, kind: "duration", doc: doc, standard: durationText(*dst),
		limits: durationText(least) + " to " + durationText(most),
		set: func(s string) error {
			d, err := ParseDuration(s)
			if err != nil {
				return err
			}
			if d < least || d > most {
				return errRange
			}
			*dst = d
			return nil
		}}
}

func size(key string, dst *Size, least, most Size, doc string) field {
	return field{key: key, kind: "size", doc: doc, standard: dst.String(),
		limits: least.String() + " to " + most.String(),
		set: func(s string) error {
			n, err := ParseSize(s)
			if err != nil {
				return err
			}
			if n < least || n > most {
				return errRange
			}
			*dst = n
			return nil
		}}
}

func count(key string, dst *int, least, most int, doc string) field {
	return field{key: key, kind: "number", doc: doc, standard: strconv.Itoa(*dst),
		limits: fmt.Sprintf("a whole number from %d to %d", least, most),
		set: func(s string) error {
			n, err := strconv.Atoi(s)
			if errors.Is(err, strconv.ErrRange) {
				return errRange
			}
			if err != nil {
				return errors.New("is not a whole number; write digits only")
			}
			if n < least || n > most {
				return errRange
			}
			*dst = n
			return nil
		}}
}

func choice[T ~string](key string, dst *T, doc string, allowed ...T) field {
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	return field{key: key, kind: "choice", doc: doc, standard: string(*dst), limits: strings.Join(names, ", "),
		set: func(s string) error {
			if !slices.Contains(names, s) {
				return errors.New("is not one of the choices")
			}
			*dst = T(s)
			return nil
		}}
}

// secret is two keys for one value: the value itself, and the name of a file that holds it.
func secret(key string, dst *Secret, limits string, check func(string) bool, doc string) []field {
	set := func(s string) error {
		if !check(s) {
			return errForm
		}
		*dst = NewSecret(s)
		return nil
	}
	return []field{
		{key: key, kind: "secret", doc: doc, limits: limits, secret: true, set: set},
		{key: key + "_file", kind: "file", limits: "the name of a readable file of at most 64KiB that holds " + limits, file: true, set: set,
			doc: "File that holds `" + key + "`; a newline at its end is left out. Not together with `" + key + "`."},
	}
}

func matching(pattern string) func(string) bool {
	return regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString
}
