package validate

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"kinesis-snowflake/internal/row"
)

// MaxWork is how many values, times levels of nesting, a document may have for the library to check it.
const MaxWork = 300_000

// Mode says what becomes of a document that violates the schema.
type Mode string

// The modes. The empty one is Reject.
const (
	Reject Mode = "reject" // it is a failed message
	Warn   Mode = "warn"   // it becomes a row all the same, so that a column cannot rely on the schema
)

// Options say how a schema is read.
type Options struct {
	// BaseDir is the folder in which $ref finds other files. If it is empty, it finds none.
	BaseDir string
	// File is the schema's own name within BaseDir, for references to it by its name and for errors; "schema.json" if empty.
	File string
	Mode Mode
}

// Schema is a compiled JSON Schema. It is safe for concurrent use.
type Schema struct {
	address  string
	files    *loader            // has read all of the schema
	library  *jsonschema.Schema // to look at; each Validator has another to check by
	compares bool               // numbers of a document, with more than numbers of the schema
	fast     *form
	columns  []ColumnHint
}

// Compile reads a schema, and the files that it refers to.
func Compile(schema []byte, o Options) (_ *Schema, err error) {
	defer func() {
		if r := recover(); r != nil { // the library panics on some schemas that its own check lets pass
			err = fmt.Errorf("compile JSON Schema: %v", r)
		}
	}()
	if o.File == "" {
		o.File = "schema.json"
	}
	schema = bytes.TrimPrefix(schema, byteOrderMark)
	var text json.RawMessage
	if err := json.Unmarshal(schema, &text); err != nil {
		return nil, fmt.Errorf("read JSON Schema: not JSON%s: %w", placeOf(schema, err), err)
	}
	switch text[0] {
	case '{', 't', 'f':
	default:
		return nil, errors.New("read JSON Schema: it is neither an object nor true or false")
	}
	if err := cmp.Or(checkNumbers(schema), checkKind(schema)); err != nil {
		return nil, fmt.Errorf("read JSON Schema: %w", err)
	}
	s := &Schema{address: "file:///" + url.PathEscape(o.File), files: &loader{texts: map[string][]byte{}}}
	if o.BaseDir != "" {
		if s.files.dir, err = filepath.Abs(o.BaseDir); err != nil {
			return nil, fmt.Errorf("find the schema's folder: %w", err)
		}
		s.address = (&url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(s.files.dir, o.File))}).String()
	}
	s.files.texts[s.address] = schema
	if s.files.base = baseOf(schema); s.files.base != nil {
		s.files.texts[withoutFragment(s.files.base)] = schema
	}
	if s.library, err = s.compile(nil); err != nil {
		return nil, fmt.Errorf("compile JSON Schema: %w", wordSchemaError(err))
	}
	if err := checkSchema(s.library); err != nil {
		return nil, fmt.Errorf("compile JSON Schema: %w", err)
	}
	s.compares = comparesNumbers(s.library, s.files.texts)
	s.fast = compileForm(s.library)
	s.columns = columns(s.library, s.files, o.Mode)
	return s, nil
}

// placeOf says where a text is no JSON, counted from 1 as editors do; "" if that is not known.
func placeOf(text []byte, err error) string {
	fault, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return ""
	}
	before := text[:min(max(int(fault.Offset)-1, 0), len(text))] // what was read includes the character at fault
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return fmt.Sprintf(" at line %d, column %d", 1+bytes.Count(before, []byte("\n")), 1+utf8.RuneCount(line))
}

// compile makes the library's form of the schema, which charges b, if it is not nil, for its work.
func (s *Schema) compile(b *budget) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.AssertFormat = true
	c.ExtractAnnotations = true
	c.LoadURL = s.files.load
	// Draft 7 would assert contents, the later ones do not.
	c.Decoders["base64"] = nil
	c.MediaTypes["application/json"] = nil
	if b != nil {
		c.RegisterExtension("budget", nil, b)
	}
	if err := c.AddResource(s.address, bytes.NewReader(s.files.texts[s.address])); err != nil {
		return nil, err
	}
	library, err := c.Compile(s.address)
	if err == nil {
		walk(library, countRight)
	}
	return library, err
}

// Columns returns what the schema says about columns, in the order of its text. The slice must not be changed.
func (s *Schema) Columns() []ColumnHint { return s.columns }

// Validator returns a Validator.
func (s *Schema) Validator() *Validator {
	v := &Validator{s: s, fast: newEvaluator(s.fast)}
	// The budget is a part of the library's schema, so each goroutine has its own.
	library, err := s.compile(&v.budget)
	if err != nil {
		panic(fmt.Sprintf("a schema that was compiled cannot be compiled again: %v", err))
	}
	v.library = library
	return v
}

// Validator checks documents, one at a time. It is used by one goroutine at a time.
type Validator struct {
	s       *Schema
	fast    *evaluator
	library *jsonschema.Schema
	budget  budget
	reader  reader
}

// maxKept is how large scratch memory may be that stays allocated between documents.
const maxKept = 64 << 10

// Check returns nil if doc keeps the schema, and else a failure that names the place in the document, the keyword and the value; it
// is the caller's to keep. doc must be valid JSON, checked before.
func (v *Validator) Check(doc []byte) *row.Failure {
	found := v.fast.check(doc)
	if found == good {
		return nil
	}
	return v.check(doc, found)
}

// check lets the library decide about a document that the compiled form did not find good.
func (v *Validator) check(doc []byte, found verdict) *row.Failure {
	size := measure(doc)
	if size.work() > MaxWork {
		if found == bad {
			return failure("it violates the schema; with %d values on up to %d levels it is too large to say where", size.values, size.levels)
		}
		return failure("it is too large to be checked against this schema: it has %d values on up to %d levels, and their product may be %d", size.values, size.levels, MaxWork)
	}
	r := &v.reader
	*r = reader{b: doc, text: r.text}
	value := r.read()
	if cap(r.text) > maxKept {
		r.text = nil
	}
	r.b = nil
	if r.tamed != nil && v.s.compares {
		f := failure("the number %s is too long or too large to be checked by multipleOf or uniqueItems", cut(r.tamed))
		f.Plain = "a number is too long or too large to be checked by multipleOf or uniqueItems"
		return f
	}
	v.budget.left = visits(size.levels)
	err := validateGuarded(v.library, value)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errSpent) && found == bad:
		return failure("it violates the schema; it takes too many steps to say where")
	case errors.Is(err, errSpent):
		return failure("it takes too many steps to be checked against this schema")
	}
	var violation *jsonschema.ValidationError
	if !errors.As(err, &violation) {
		f := failure("it cannot be checked: %v", err)
		f.Plain = "it cannot be checked"
		return f
	}
	reason, plain := explain(violation, doc)
	return &row.Failure{Stage: row.StageValidate, Reason: reason, Plain: plain}
}

// validateGuarded is the library's Validate, a panic being an error.
func validateGuarded(s *jsonschema.Schema, value any) (err error) {
	defer func() {
		switch r := recover(); r {
		case nil:
		case errSpent:
			err = errSpent
		default:
			err = fmt.Errorf("the validator panicked: %v", r)
		}
	}()
	return s.Validate(value)
}

func failure(format string, args ...any) *row.Failure {
	return &row.Failure{Stage: row.StageValidate, Reason: fmt.Sprintf(format, args...)}
}
