package config

import "strings"

// names lists what a section may hold.
func (s section) names() []string {
	var all []string
	for _, f := range s.fields {
		all = append(all, f.key)
	}
	for _, sub := range s.sections {
		all = append(all, sub.key)
	}
	return all
}

// strayed says where a key belongs that is none of this section's; empty when that is not known.
func (s section) strayed(key string) string {
	if s.elsewhere == nil {
		return ""
	}
	return s.elsewhere(key)
}

func (s section) keys() string { return strings.Join(s.names(), ", ") }

// nearest is the path of the key that an unknown one was likely meant to be: one of another section with the same name, or
// the least misspelt one of own, the section at path, where it stands. Empty when none is near.
func nearest(own, root section, path, key string) string {
	var same, near string
	var walk func(s section, at string)
	walk = func(s section, at string) {
		for _, candidate := range s.names() {
			if candidate == key && same == "" {
				same = join(at, candidate)
			}
		}
		for _, sub := range s.sections {
			walk(sub, join(at, sub.key))
		}
	}
	walk(root, "")
	least := 1 + max(1, min(3, len(key)/3)) // a third of the letters wrong is a typing error, more is another word
	for _, candidate := range own.names() {
		if d := distance(strings.ToLower(key), candidate); d < least {
			least, near = d, join(path, candidate)
		}
	}
	if same != "" {
		return same
	}
	return near
}

// distance is how many letters to put in, take out, change or swap with their neighbour make a into b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 {
		return len(x) // no key is nearly as long, and the file decides how long this one is
	}
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}
