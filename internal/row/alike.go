package row

import "strings"

// Alike makes reasons of failures equal that differ in numbers or in quoted texts only.
func Alike(reason string) string {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(reason); i++ {
		c := reason[i]
		switch {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' && (i == 0 || reason[i-1] == ' '):
			quote = c
			b.WriteByte(c)
		case c >= '0' && c <= '9':
			if s := b.String(); s == "" || s[len(s)-1] != '0' {
				b.WriteByte('0')
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
