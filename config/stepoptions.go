package config

import (
	"github.com/goccy/go-yaml/ast"

	"kinesis-snowflake/transform/step"
)

const limitsType = "NUMBER(p,s), NUMBER, FLOAT, BOOLEAN, VARCHAR, DATE, TIME, TIMESTAMP_NTZ, TIMESTAMP_LTZ, TIMESTAMP_TZ or VARIANT, or a mapping of type and from"

// readOptions reads a step whose value is a path, a list of paths, or a mapping of options.
func readOptions(options func(*decoder, *step.Config) section) stepReader {
	return func(d *decoder, key string, n ast.Node, c *step.Config) {
		m, ok := n.(*ast.MappingNode)
		if !ok {
			c.Paths = d.paths(key, n)
			return
		}
		d.section(options(d, c), key, m, at(n.GetToken()))
		if c.Name == step.NameHash {
			d.oneOf(key, "secret")
		}
	}
}

func flattenSchema(_ *decoder, c *step.Config) section {
	c.Separator = "_"
	return section{fields: []field{
		pathsField("paths", &c.Paths, "The objects to flatten; left out: every top-level one."),
		text("separator", &c.Separator, limitsText, isLine, "What stands between the parts of a new key."),
		count("depth", &c.Depth, 1, 100, "How many levels are lifted; left out: all.").orElse("all"),
	}}
}

func unnestSchema(_ *decoder, c *step.Config) section {
	c.Empty = step.EmptyRow
	one := pathsField("path", &c.Paths, "The array.").require()
	one.limits = limitsPath
	one.schema = textSchema()
	one.node = func(d *decoder, key string, n ast.Node) {
		if t, ok := d.text(key, n, limitsPath); ok {
			c.Paths = []step.Text{t}
			d.set[key] = true
		}
	}
	return section{fields: []field{
		one,
		textField("as", &c.As, limitsPath, "Where a row's element stands; left out: in the array's place."),
		textField("index", &c.Index, limitsPath, "Where a row's element number stands, counted from 0; left out: nowhere."),
		choice("empty", &c.Empty, "What a record without elements becomes: one row, or none.", step.EmptyRow, step.EmptyNone),
	}}
}

func hashSchema(_ *decoder, c *step.Config) section {
	var given Secret
	fields := []field{pathsField("paths", &c.Paths, "What is hashed.").require()}
	fields = append(fields, secret("secret", &given, "a text of at least 16 characters without control characters", func(s string) bool { return isLine(s) && len(s) >= 16 },
		"The key of HMAC-SHA256; left out: plain SHA-256, which anybody can try out on guesses.")...)
	for i := range fields[1:] {
		f := &fields[1+i]
		f.filled = true // a variable that is empty must not make of the keyed hash one that anybody can guess
		set := f.set
		f.set = func(s string) error {
			err := set(s)
			if err == nil {
				c.Secret = given
			}
			return err
		}
	}
	return section{fields: fields}
}

func castSchema(p *step.Pair) section {
	return section{fields: []field{
		textField("type", &p.To, limitsType, "The type.").require(),
		textField("from", &p.From, "epoch_s, epoch_ms, epoch_us, epoch_ns, or a layout such as DD.MM.YYYY HH24:MI:SS", "How a time is written."),
	}}
}

// textField is a text of which the step wants to know the place.
func textField(key string, dst *step.Text, limits, doc string) field {
	return field{key: key, kind: "text", doc: doc, limits: limits, schema: textSchema(), node: func(d *decoder, key string, n ast.Node) {
		if t, ok := d.text(key, n, limits); ok {
			*dst = t
			d.set[key] = true
		}
	}}
}

func pathsField(key string, dst *[]step.Text, doc string) field {
	return field{key: key, kind: "list", doc: doc, limits: limitsPaths, schema: pathsSchema(), node: func(d *decoder, key string, n ast.Node) {
		if *dst = d.paths(key, n); len(*dst) > 0 {
			d.set[key] = true
		}
	}}
}

func optionsSchema(options func(*decoder, *step.Config) section) func() object {
	return func() object {
		o := options(nil, &step.Config{}).jsonSchema()
		o["type"] = "object"
		delete(o, "description")
		return object{"anyOf": []object{pathsSchema(), o}}
	}
}

func textSchema() object {
	return object{"type": []string{"string", "number", "boolean"}, "minLength": 1}
}

func pathsSchema() object {
	return object{"anyOf": []object{textSchema(), {"type": "array", "minItems": 1, "items": textSchema()}}}
}

func mappingSchema() object {
	return object{"type": "object", "minProperties": 1, "additionalProperties": textSchema()}
}

func defaultJSONSchema() object { return object{"type": "object", "minProperties": 1} }

func castJSONSchema() object {
	o := castSchema(&step.Pair{}).jsonSchema()
	o["type"] = "object"
	delete(o, "description")
	return object{"type": "object", "minProperties": 1, "additionalProperties": object{"anyOf": []object{textSchema(), o}}}
}

func stepsSchema() object {
	properties := object{"on_error": object{"enum": []any{step.Fail, step.Null, step.Keep, nil, ""}}}
	var one []object
	for _, r := range stepReaders {
		properties[r.name] = r.schema()
		one = append(one, object{"required": []string{r.name}})
	}
	return object{"type": "array", "items": object{
		"type": "object", "additionalProperties": false, "properties": properties, "oneOf": one,
	}}
}
