package config

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"kinesis-snowflake/sink/table"
)

// Evolution says what becomes of values that the table has no place for.
type Evolution string

// The ways.
const (
	EvolutionAdd    Evolution = "add"    // columns are added and widened for them
	EvolutionFreeze Evolution = "freeze" // they go to _RESCUED
)

// TableMode says what the table's columns are.
type TableMode string

// The modes.
const (
	TableColumns TableMode = "columns" // one for each top-level key
	TableVariant TableMode = "variant" // one for the whole record
)

const (
	limitsColumnType = "NUMBER(p,s), FLOAT, BOOLEAN, VARCHAR(n), BINARY(n), DATE, TIME(d), TIMESTAMP_NTZ(d), TIMESTAMP_LTZ(d), TIMESTAMP_TZ(d), VARIANT, OBJECT or ARRAY"
	limitsColumns    = "a mapping from a record's key to a type, or to a mapping of name, type, not_null, comment and order"
	limitsName255    = "1 to 255 characters, none of them NUL, no name that Snowflake refuses for a column, and not KINESISMETADATA or _RESCUED"
	maxComment       = 1024
	maxOrder         = math.MaxInt32
)

// columnSchema is what one pin of columns may say.
func columnSchema(s *table.Spec, order *int) section {
	return section{fields: []field{
		{key: "type", kind: "type", limits: limitsColumnType, form: form{pattern: `\s*[A-Za-z][A-Za-z0-9_ ]*(\([0-9, ]*\))?\s*`}, set: func(text string) (err error) {
			s.Type, err = table.ParseColumnType(text)
			return err
		}},
		{key: "name", kind: "text", limits: limitsName255, set: func(text string) error { s.Name = text; return table.CheckName(text) }},
		yes("not_null", &s.NotNull, ""),
		{key: "comment", kind: "text", limits: fmt.Sprintf("1 to %d characters", maxComment), set: func(text string) error {
			if s.Comment = text; len([]rune(text)) > maxComment {
				return errRange
			}
			return nil
		}},
		count("order", order, 1, maxOrder, ""),
	}}
}

// columnsReader reads the pins. dst gets them in the order of their columns: those with an order by it, then the others as
// they stand.
func columnsReader(dst *[]table.Spec) func(*decoder, string, ast.Node) {
	return func(d *decoder, key string, n ast.Node) {
		if text, ok := scalar(n); ok && text == "" {
			return
		}
		m, ok := n.(*ast.MappingNode)
		if !ok {
			d.fail(at(n.GetToken()), key, "is "+describe(n)+" where a mapping belongs", limitsColumns)
			return
		}
		type pin struct {
			table.Spec
			order int
		}
		var pins []pin
		seen, keys, columns := map[string]bool{}, map[string]string{}, map[string]string{}
		for _, v := range m.Values {
			where := at(v.Key.GetToken())
			var p pin
			if p.Key, ok = d.name(key, v, seen, limitsColumns); !ok {
				continue
			}
			path := key + "." + printable(p.Key)
			if !d.pin(path, v.Value, &p.Spec, &p.order) {
				continue
			}
			column, ok := p.Column()
			if !ok {
				d.fail(where, path, "is a key that can have no column of its own name", "a name beside it")
				continue
			}
			folded := table.FoldKey(p.Key)
			if other, ok := keys[folded]; ok {
				d.fail(where, path, "is one key with "+quote(other)+", from which it differs in the case of letters only", "one pin for all the ways to write a key")
				continue
			}
			if other, ok := columns[column]; ok {
				problem := "gets the same column as " + quote(other)
				if !d.varies[path+".name"] {
					problem += ": " + quote(column)
				}
				d.fail(where, path, problem, "a name of its own for each column")
				continue
			}
			keys[folded], columns[column] = p.Key, p.Key
			pins = append(pins, p)
		}
		slices.SortStableFunc(pins, func(a, b pin) int { return cmp.Compare(uint(a.order)-1, uint(b.order)-1) }) // no order is 0: last
		for _, p := range pins {
			*dst = append(*dst, p.Spec)
		}
		d.set[key] = len(pins) > 0
	}
}

// pin reads what is said of one key: a type alone, or a mapping.
func (d *decoder) pin(key string, n ast.Node, s *table.Spec, order *int) bool {
	faults := len(d.errs)
	switch n := n.(type) {
	case *ast.MappingNode:
		d.section(columnSchema(s, order), key, n, at(n.GetToken()))
		if len(d.errs) == faults && *s == (table.Spec{Key: s.Key}) && *order == 0 {
			d.fail(at(n.GetToken()), key, "says nothing", limitsColumns)
		}
	default:
		text, ok := d.text(key, n, limitsColumnType)
		if !ok {
			return false
		}
		var err error
		if s.Type, err = table.ParseColumnType(text.Value); err != nil {
			where := position{text.Line, text.Column}
			d.fail(where, key, quote(cmp.Or(d.wrote[where], text.Value))+" "+err.Error(), limitsColumnType)
		}
	}
	return len(d.errs) == faults
}

func columnsJSONSchema() object {
	var s table.Spec
	var order int
	one := columnSchema(&s, &order)
	pin := one.jsonSchema()
	pin["type"], pin["minProperties"] = "object", 1
	delete(pin, "description")
	typ := one.fields[0].valueSchema()
	return object{"type": "object", "additionalProperties": object{"anyOf": []object{typ, ref("variable"), pin}}}
}

// columnRules checks what spans the keys of the table's shape.
func (d *decoder) columnRules(p *Pipeline) {
	const columns, key = "transform.columns", "sink.key"
	if p.Transform.TableMode == TableVariant && d.set[columns] {
		d.fail(d.at[columns], columns, "has no say with table_mode: variant", "columns with table_mode: columns, or neither")
	}
	seen := map[string]bool{}
	for _, k := range p.Sink.Key {
		folded := k
		if p.Transform.TableMode == TableColumns {
			folded = table.FoldKey(k)
		}
		if seen[folded] {
			named := quote(k)
			if d.varies[key] {
				named = "a key"
			}
			d.fail(d.at[key], key, "names "+named+" twice", "each key once")
		}
		seen[folded] = true
	}
}

// Table is what the file says of the table's columns, less the keys of the records.
func (t *Transform) Table() table.Config {
	return table.Config{
		Pins: t.Columns, Freeze: t.Evolution == EvolutionFreeze, Variant: t.TableMode == TableVariant,
		Timestamps: t.DetectTimestamps, Limit: t.MaxColumns,
	}
}
