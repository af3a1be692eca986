package config

import (
	"encoding/json"
	"io"
	"slices"
	"strconv"
)

// WriteJSONSchema writes the JSON Schema (draft 2020-12) of a pipeline file, for editors. It takes every file that [Parse]
// takes, and tells most wrong ones: unknown and missing keys, wrong forms, more than one way to log in. What only Parse can
// know (the environment, secrets' files, the ARN's region) it lets pass.
func WriteJSONSchema(w io.Writer) error {
	p := Default()
	doc := schema(&p).jsonSchema()
	doc["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	doc["title"] = "kinesis-snowflake pipeline file"
	doc["description"] = "One Kinesis stream into one Snowflake table."
	doc["type"] = "object"
	doc["required"] = []string{"source", "sink"}
	doc["$defs"] = object{
		"leftOut":  object{"enum": []any{nil, ""}},
		"variable": object{"type": "string", "pattern": `\$\{`, "description": "Reads the environment: ${NAME}."},
		// What a variable holds may be empty, so a key with one is perhaps left out.
		"perhaps": object{"anyOf": []object{ref("leftOut"), ref("variable")}},
	}
	properties := doc["properties"].(object)
	properties["source"].(object)["allOf"] = sourceRules()
	properties["sink"].(object)["allOf"] = sinkRules()
	properties["sink"].(object)["anyOf"] = someLogin()
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(doc)
}

type object = map[string]any

func ref(name string) object { return object{"$ref": "#/$defs/" + name} }

func (s section) jsonSchema() object {
	properties := object{}
	var required []string
	for _, f := range s.fields {
		properties[f.key] = f.jsonSchema()
		if f.required {
			required = append(required, f.key)
		}
	}
	for _, sub := range s.sections {
		properties[sub.key] = sub.jsonSchema()
	}
	o := object{"type": []string{"object", "null"}, "description": s.doc, "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		o["required"] = required
		o["type"] = "object"
	}
	return o
}

func (f field) jsonSchema() object {
	o := object{"description": f.doc + " Allowed: " + f.limits + "."}
	if f.standard != "" && !f.prose {
		o["default"] = f.plainDefault()
	}
	if f.schema != nil {
		o["anyOf"] = []object{f.schema, ref("leftOut")}
		return o
	}
	one := f.valueSchema()
	if f.list {
		// Items may be empty, which is the same as left out.
		one = object{"type": "array", "items": object{"anyOf": []object{one, ref("variable"), ref("leftOut")}}}
	}
	forms := []object{one}
	if !f.list {
		forms = append(forms, ref("variable"))
	}
	if !f.required && !f.filled {
		forms = append(forms, ref("leftOut"))
	}
	o["anyOf"] = forms
	return o
}

// valueSchema is what a value is that comes from no variable. A text may be written as a number or a truth value is: it is read
// as it is written.
func (f field) valueSchema() object {
	form := f.form
	pattern := "^(" + form.pattern + ")$"
	switch {
	case f.file:
		return object{"type": "string", "minLength": 1}
	case form.truth:
		return object{"enum": []any{true, false, "true", "false"}}
	case form.choices != nil:
		return object{"enum": form.choices}
	case form.whole:
		return object{"anyOf": []object{
			{"type": "integer", "minimum": form.least, "maximum": form.most},
			{"type": "string", "pattern": pattern},
		}}
	case f.kind == "duration":
		return object{"type": "string", "pattern": pattern}
	case form.pattern != "":
		return object{"type": []string{"string", "number", "boolean"}, "pattern": pattern}
	}
	return object{"type": []string{"string", "number", "boolean"}, "minLength": 1}
}

func (f field) plainDefault() any {
	if f.form.truth {
		return f.standard == "true"
	}
	if n, err := strconv.ParseInt(f.standard, 10, 64); err == nil {
		return n
	}
	return f.standard
}

// excludes says that of these keys a file may give one.
func excludes(keys ...string) []object {
	var rules []object
	for i, k := range keys[:len(keys)-1] {
		others := object{}
		for _, other := range keys[i+1:] {
			others[other] = object{"not": given(other)}
		}
		rules = append(rules, object{"if": has(k), "then": object{"properties": others}})
	}
	return rules
}

// has is true of a section that certainly has the key.
func has(key string) object {
	return object{"required": []string{key}, "properties": object{key: given(key)}}
}

// given is a value that is certainly there, and for the key that may be false one that is true.
func given(key string) object {
	if key == "spcs" {
		return object{"enum": []any{true, "true"}}
	}
	return object{"not": ref("perhaps")}
}

// needs says that a key calls for another, which may also come as a file.
func needs(key string, others ...string) object {
	var ways []object
	for _, o := range others {
		ways = append(ways, object{"required": []string{o}})
	}
	return object{"if": has(key), "then": object{"anyOf": ways}}
}

func sourceRules() []object {
	var rules []object
	for _, k := range []string{"access_key_id", "secret_access_key", "session_token"} {
		rules = append(rules, excludes(k, k+"_file")...)
	}
	for _, k := range []string{"access_key_id", "access_key_id_file"} {
		rules = append(rules, needs(k, "secret_access_key", "secret_access_key_file"))
	}
	for _, k := range []string{"secret_access_key", "secret_access_key_file", "session_token", "session_token_file"} {
		rules = append(rules, needs(k, "access_key_id", "access_key_id_file"))
	}
	return append(rules, needs("external_id", "role_arn"))
}

// loginKeys are the keys that each are a way to log in.
func loginKeys() []string {
	var keys []string
	for _, l := range logins {
		keys = append(keys, l)
		if slices.Contains([]string{"private_key", "pat", "password"}, l) {
			keys = append(keys, l+"_file")
		}
	}
	return keys
}

func sinkRules() []object {
	rules := excludes(loginKeys()...)
	rules = append(rules, excludes("private_key_passphrase", "private_key_passphrase_file")...)
	for _, k := range []string{"private_key", "private_key_file", "password", "password_file"} {
		rules = append(rules, needs(k, "user"))
	}
	for _, b := range belongs {
		ways := []string{b.login}
		if b.login == "private_key" {
			ways = append(ways, "private_key_file")
		}
		rules = append(rules, needs(b.key, ways...))
	}
	for _, k := range loginKeys() {
		if k != "spcs" {
			rules = append(rules, needs(k, "account"))
		}
	}
	return rules
}

// someLogin says that there is a way to log in, perhaps from a variable.
func someLogin() []object {
	var ways []object
	for _, k := range loginKeys() {
		ways = append(ways, object{"required": []string{k}, "properties": object{k: object{"anyOf": []object{given(k), ref("variable")}}}})
	}
	return ways
}
