package plan

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/table"
	"kinesis-snowflake/transform/step"
)

// maxTrials bounds how often the sample is taken through a changed pipeline to see whether that helps.
const maxTrials = 40

// remedies are changes of a pipeline file.
type remedies struct {
	a       *analysis
	pins    []string // lines of transform.columns
	steps   []string // items of transform.steps
	trials  int
	renamed map[string]bool
}

// fix looks for what settles each conflict of the report.
func (a *analysis) fix(r *Report) {
	fix := remedies{a: a, renamed: map[string]bool{}}
	for i := range r.Conflicts {
		fix.settle(&r.Conflicts[i], a.byName[r.Conflicts[i].Column])
	}
	r.Fix = fix.yaml()
}

func (m *remedies) settle(c *Conflict, col *column) {
	widest := m.a.widest(col)
	switch {
	case col.by != ByInference && m.cast(c, col):
		if pin, ok := m.pin(col, widest); ok {
			c.Advice = "or keep the values as they are, in transform.columns: " + pin
		}
	default:
		pin, ok := m.pin(col, widest)
		if !ok {
			c.Advice = "the table is frozen and has its types: change the column, or bring the values into its type with a step"
			return
		}
		m.pins = append(m.pins, pin)
		c.Fix = append(c.Fix, pin)
		switch {
		case col.by == ByTable:
			c.Advice = "a column of the table keeps its type, so the values get another one"
			if m.pinned(col) != nil {
				c.Advice += "; it takes the place of the pin that is there"
			}
		case m.pinned(col) != nil:
			c.Advice = "it takes the place of the pin that is there"
		}
	}
}

// pinned is the pin of a column's keys that the file has.
func (m *remedies) pinned(col *column) *table.Spec {
	pins := m.a.target.config.Pins
	i := slices.IndexFunc(pins, func(s table.Spec) bool {
		return slices.ContainsFunc(col.keys, func(key string) bool { return table.FoldKey(key) == table.FoldKey(s.Key) })
	})
	if i < 0 {
		return nil
	}
	return &pins[i]
}

// pin is the line by which the values get a column that has a place for them.
func (m *remedies) pin(col *column, typ table.Type) (string, bool) {
	if col.by != ByTable {
		if have := m.pinned(col); have != nil {
			return yamlText(have.Key) + ": " + pinText(*have, typ), true
		}
		return yamlText(col.keys[0]) + ": " + typ.String(), true
	}
	if m.a.target.config.Freeze {
		return "", false
	}
	base, _, _ := strings.Cut(typ.String(), "(")
	name := col.Name + "_" + base
	for n := 2; m.a.byName[name] != nil || m.renamed[name] || table.CheckName(name) != nil; n++ {
		name = fmt.Sprintf("%.200s_%s_%d", col.Name, base, n)
	}
	m.renamed[name] = true
	s := table.Spec{Key: col.keys[0], Name: name}
	if have := m.pinned(col); have != nil { // one pin is for all the ways to write a key
		s = *have
		s.Name = name
	}
	return yamlText(s.Key) + ": " + pinText(s, typ), true
}

// pinText is a pin as the file has it, with another type.
func pinText(s table.Spec, typ table.Type) string {
	text := typ.String()
	if strings.Contains(text, ",") {
		text = `"` + text + `"` // a comma ends a value in braces
	}
	parts := []string{"type: " + text}
	if s.Name != "" {
		parts = append(parts, "name: "+yamlText(s.Name))
	}
	if s.NotNull {
		parts = append(parts, "not_null: true")
	}
	if s.Comment != "" {
		parts = append(parts, "comment: "+yamlText(s.Comment))
	}
	if len(parts) == 1 {
		return typ.String()
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// cast looks for a step that brings the values into the column's type.
func (m *remedies) cast(c *Conflict, col *column) bool {
	if len(col.keys) != 1 {
		return false
	}
	path := col.keys[0]
	if !plainPath.MatchString(path) {
		path = jsonText(path)
	}
	typ := col.Type.String()
	forms := []string{""}
	switch col.Type.Base {
	case table.Date, table.Time, table.TimestampNTZ, table.TimestampLTZ, table.TimestampTZ:
		typ, _, _ = strings.Cut(typ, "(")
		forms = append(forms, epochs(m.a.fields(col))...)
	case table.Number, table.Float, table.Boolean, table.Varchar:
	default:
		return false
	}
	for _, form := range forms {
		if m.trials++; m.trials > maxTrials {
			return false
		}
		// What does not become the type stays as it is, and goes to _RESCUED as before: a fix makes no message fail.
		one := step.Config{Name: step.NameCast, At: step.Text{Value: step.NameCast}, OnError: step.Keep, Pairs: []step.Pair{{
			Path: step.Text{Value: path}, To: step.Text{Value: typ}, From: step.Text{Value: form},
		}}}
		pin := m.keeps(col)
		if !m.helps(one, col.Name, pin) {
			continue
		}
		to := braced(typ)
		if form != "" {
			to = fmt.Sprintf("{type: %s, from: %s}", to, form)
		}
		lines := []string{fmt.Sprintf("- cast: {%s: %s}", yamlText(path), to), "  on_error: keep"}
		m.steps, c.Fix = append(m.steps, lines...), append(c.Fix, lines...)
		if pin != nil {
			line := yamlText(pin.Key) + ": " + pinText(*pin, pin.Type)
			m.pins, c.Fix = append(m.pins, line), append(c.Fix, line)
		}
		return true
	}
	return false
}

// keeps is the pin by which a column keeps its type though a step edits its values: what the schema says of a key is no longer
// said of what a step makes of it.
func (m *remedies) keeps(col *column) *table.Spec {
	if col.by != BySchema && col.by != ByCast {
		return nil
	}
	s := table.Spec{Key: col.keys[0]}
	if have := m.pinned(col); have != nil {
		s = *have
	}
	s.Type = col.Type
	return &s
}

func braced(typ string) string {
	if strings.Contains(typ, ",") {
		return `"` + typ + `"`
	}
	return typ
}

var plainPath = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// helps takes the sample through the pipeline with one more step, and one more pin if that is not nil.
func (m *remedies) helps(one step.Config, name string, pin *table.Spec) bool {
	cfg := *m.a.cfg
	cfg.Transform.Steps = append(slices.Clone(cfg.Transform.Steps), one)
	t := m.a.target
	var err error
	if t.config, err = pipeline.TableConfig(&cfg); err != nil {
		return false
	}
	if pin != nil {
		t.config.Pins = append(slices.DeleteFunc(slices.Clone(t.config.Pins), func(s table.Spec) bool { return s.Key == pin.Key }), *pin)
	}
	again, err := analyse(&cfg, t, m.a.records, m.a.log)
	if err != nil || again.parts > m.a.parts {
		return false
	}
	col := again.byName[name]
	return col != nil && len(col.values) > 0 && again.conflict(col) == nil
}

// epochs are the units in which whole numbers may be times since 1970, by the size of the first one: between 1973 and 2286.
func epochs(fields []row.Field) []string {
	for _, f := range fields {
		if f.Kind != row.Int {
			continue
		}
		switch digits := len(strings.TrimPrefix(string(f.Value), "-")); {
		case digits >= 9 && digits <= 10:
			return []string{"epoch_s"}
		case digits >= 12 && digits <= 13:
			return []string{"epoch_ms"}
		case digits >= 15 && digits <= 16:
			return []string{"epoch_us"}
		case digits >= 18 && digits <= 19:
			return []string{"epoch_ns"}
		}
		return nil
	}
	return nil
}

// yaml is what is to be pasted into the file.
func (m *remedies) yaml() string {
	if len(m.pins)+len(m.steps) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("transform:\n")
	if len(m.steps) > 0 {
		b.WriteString("  steps:\n")
		for _, s := range m.steps {
			b.WriteString("    " + s + "\n")
		}
	}
	if len(m.pins) > 0 {
		b.WriteString("  columns:\n")
		for _, p := range m.pins {
			b.WriteString("    " + p + "\n")
		}
	}
	return b.String()
}

var plainText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// yamlText writes a text so that YAML reads it as that text, whatever version.
func yamlText(s string) string {
	if plainText.MatchString(s) && !slices.Contains([]string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}, strings.ToLower(s)) {
		return s
	}
	return jsonText(s)
}

func jsonText(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a text can always be encoded
	}
	return strings.TrimSuffix(b.String(), "\n")
}
