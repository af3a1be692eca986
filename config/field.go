package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// section is a mapping of the file: its keys, in the order in which the documentation lists them.
type section struct {
	key      string
	doc      string
	fields   []field
	sections []section

	elsewhere func(key string) string // where a key belongs that is not this section's but might be taken for one; nil: anywhere
}

// field is a key with a value, bound to where the value goes.
type field struct {
	key      string
	kind     string // the type's name in the documentation
	doc      string // one or more full sentences
	limits   string // what is allowed, as error messages and the documentation say it
	standard string // the default as the documentation says it; empty: none
	prose    bool   // standard is a sentence about the default, not the default itself
	required bool
	secret   bool    // the value must not be quoted in errors
	null     string  // what YAML's null, written out, is the text of; empty: it is the same as the key left out
	filled   bool    // a value that is empty is a fault, not the same as the key left out
	file     bool    // the value is the name of a file, whose text goes to set
	list     bool    // the value is a list of texts, which go to set one by one
	form     form    // what an editor can know of a value
	path     *string // with file: where the file's name goes, from the pipeline file's folder on
	apart    bool    // with file: somebody else reads the text, which may be large; it only has to be there
	schema   object  // the JSON Schema of a value that node reads

	// node reads a value that is neither a text nor a list of texts, in place of set.
	node func(d *decoder, key string, n ast.Node)

	// set takes the text of a value that is not empty. Its error is the problem, told so that it follows the value's text:
	// "is not a whole number"; where errRange or errForm will do, limits says the rest.
	set func(text string) error
}

var (
	errRange = errors.New("is out of range")
	errForm  = errors.New("does not have the right form")
)

// form is what can be said of a value in a JSON Schema. The zero form is any text.
type form struct {
	pattern     string   // what the whole text matches
	choices     []string // one of these
	least, most int64    // with whole: the range of a plain number
	whole       bool     // a plain number may stand there, beside what pattern matches
	truth       bool     // true or false
}

func (f field) require() field           { f.required = true; return f }
func (f field) orElse(text string) field { f.standard, f.prose = text, true; return f }

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

// like is a text that the whole pattern matches.
func like(key string, dst *string, limits, pattern, doc string) field {
	f := text(key, dst, limits, matching(pattern), doc)
	f.form.pattern = pattern
	return f
}

// list is a list of texts that each match the pattern.
func list(key string, dst *[]string, limits, pattern, doc string) field {
	good := matching(pattern)
	return field{key: key, kind: "list", doc: doc, limits: limits, list: true, form: form{pattern: pattern}, set: func(s string) error {
		if !good(s) {
			return errForm
		}
		*dst = append(*dst, s)
		return nil
	}}
}

// yes is a key that is true or false.
func yes(key string, dst *bool, doc string) field {
	return field{key: key, kind: "true or false", doc: doc, standard: strconv.FormatBool(*dst), limits: "true, false", form: form{truth: true},
		set: func(s string) error {
			if s != "true" && s != "false" {
				return errors.New("is neither true nor false")
			}
			*dst = s == "true"
			return nil
		}}
}

const (
	durationPattern = `0|([0-9.]+(ns|us|µs|μs|ms|s|m|h|d))+`
	sizePattern     = `[0-9]+ *([KMGT]i?B|B)?`
)

func duration(key string, dst *time.Duration, least, most time.Duration, doc string) field {
	return field{key: key, kind: "duration", doc: doc, standard: durationText(*dst),
		limits: durationText(least) + " to " + durationText(most), form: form{pattern: durationPattern},
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
		limits: least.String() + " to " + most.String(), form: form{pattern: sizePattern, whole: true, least: int64(least), most: int64(most)},
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
		limits: fmt.Sprintf("a whole number from %d to %d", least, most), form: form{pattern: `[0-9]+`, whole: true, least: int64(least), most: int64(most)},
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
	return field{key: key, kind: "choice", doc: doc, standard: string(*dst), limits: strings.Join(names, ", "), form: form{choices: names},
		set: func(s string) error {
			if !slices.Contains(names, s) {
				return errors.New("is not one of the choices")
			}
			*dst = T(s)
			return nil
		}}
}

const limitsFile = "the name of a readable file of at most 64KiB that holds "

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
		{key: key + "_file", kind: "file", limits: limitsFile + limits, file: true, set: set,
			doc: "File that holds `" + key + "`; a newline at its end is left out. Not together with `" + key + "`."},
	}
}

// tokenFile is the name of a file whose text, a token, is read anew for each use; dst gets the name. It is read once for the
// check, too.
func tokenFile(key string, dst *string, what, doc string) field {
	return field{key: key, kind: "file", doc: doc, limits: limitsFile + what, file: true, path: dst, set: checkToken}
}

func checkToken(s string) error {
	if !isLine(strings.TrimSpace(s)) {
		return errForm
	}
	return nil
}

// matching compiles its pattern at the first text: most files have few of the keys, and the long counted ones cost a millisecond.
func matching(pattern string) func(string) bool {
	compiled := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:` + pattern + `)$`) })
	return func(text string) bool { return compiled().MatchString(text) }
}
