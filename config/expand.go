package config

import (
	"fmt"
	"regexp"
	"strings"
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// isVariable says whether a text is one ${NAME} and nothing else, so that it can be shown even where what it holds is a secret.
func isVariable(text string) bool {
	name, ok := strings.CutPrefix(text, "${")
	name, closed := strings.CutSuffix(name, "}")
	return ok && closed && variableName.MatchString(name)
}

// expand replaces each ${NAME} by the variable's value and each $${ by a plain ${. A value is put in as it stands: what looks
// like ${..} inside it stays. Errors name variables, never values.
func expand(text string, env func(string) (string, bool)) (string, error) {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(text, "${")
		if !ok {
			b.WriteString(text)
			return b.String(), nil
		}
		if plain, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(plain + "${")
			text = after
			continue
		}
		b.WriteString(before)
		name, rest, ok := strings.Cut(after, "}")
		if !ok {
			return "", fmt.Errorf("has a ${ without its }; a plain ${ is written $${")
		}
		if !variableName.MatchString(name) {
			return "", fmt.Errorf("names no variable in ${%s}; a name is letters, digits and _, and a plain ${ is written $${", name)
		}
		value, ok := env(name)
		if !ok {
			return "", fmt.Errorf("reads the environment variable %s, which is not set", name)
		}
		b.WriteString(value)
		text = rest
	}
}
