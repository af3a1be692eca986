package table

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// RecordColumn holds the whole record where a table has no columns of its own for keys.
const RecordColumn = "RECORD"

// Spec says what the column of one key is to be. Keys that differ only in the case of ASCII letters share a column, so
// they share a Spec.
type Spec struct {
	Key  string
	Name string // the column's, as it is written here; empty: that of the key, by [ColumnName]
	Type Type   // the zero Type leaves it to a hint, or to inference
	// NotNull makes the column NOT NULL where the table is created. By a pin, a row without a value that fits is failed,
	// whatever the table says; by a hint, the column accepts NULL again once a row comes without.
	NotNull bool
	Comment string
}

// Column returns the name of the column, and false if the key can have none.
func (s *Spec) Column() (string, bool) {
	if s.Name != "" {
		return s.Name, true
	}
	return ColumnName(s.Key)
}

// CheckName reports why a column cannot bear the name.
func CheckName(name string) error {
	own, ok := ColumnName(name)
	switch {
	case name == "":
		return errors.New("is empty")
	case hostileText([]byte(name)):
		return errors.New("holds what no column's name may hold")
	case utf8.RuneCountInString(name) > MaxNameLength:
		return fmt.Errorf("is longer than %d characters", MaxNameLength)
	case !ok && (name == MetadataColumn || name == RescuedColumn):
		return errors.New("is a column of the connector's own")
	case ok && own == name+"_":
		return errors.New("is a name that Snowflake refuses for a column")
	}
	return nil
}

// want is a Spec by its column, with what pins and hints say together.
type want struct {
	Column
	pinned bool // a pin says its type
	must   bool // a pin says that it has a value in every row
}

// wants are the columns that are decided before inference, in the order that they are to stand in.
type wants struct {
	list    []want
	index   map[string]int    // by name
	renamed map[string]string // key, ASCII letters in upper case -> column; only for pins with a name
}

func newWants(c *Config) *wants {
	w := &wants{index: map[string]int{}, renamed: map[string]string{}}
	for i := range c.Pins {
		if pin := &c.Pins[i]; pin.Name != "" {
			w.renamed[FoldKey(pin.Key)] = pin.Name
		}
	}
	add := func(s *Spec, pin bool) {
		name, ok := w.column(s.Key)
		if !ok {
			return
		}
		i, known := w.index[name]
		if !known {
			i = len(w.list)
			w.index[name] = i
			w.list = append(w.list, want{Column: Column{Name: name}})
		}
		e := &w.list[i]
		if e.Type == (Type{}) && s.Type != (Type{}) {
			e.Type, e.pinned = s.Type, pin
		}
		if e.Comment == "" {
			e.Comment = s.Comment
		}
		e.NotNull = e.NotNull || s.NotNull
		e.must = e.must || pin && s.NotNull
	}
	for i := range c.Pins {
		add(&c.Pins[i], true)
	}
	for i := range c.Hints {
		add(&c.Hints[i], false)
	}
	return w
}

// find returns what is wanted of a column, or nil.
func (w *wants) find(name string) *want {
	if i, ok := w.index[name]; ok {
		return &w.list[i]
	}
	return nil
}

// column is ColumnName where no pin names another.
func (w *wants) column(key string) (string, bool) {
	name, ok := w.appendColumn(make([]byte, 0, len(key)+1), []byte(key))
	return string(name), ok
}

// appendColumn allocates only if dst is too small.
func (w *wants) appendColumn(dst, key []byte) ([]byte, bool) {
	if len(w.renamed) > 0 {
		start := len(dst)
		dst = append(dst, key...)
		upperASCII(dst[start:])
		name, ok := w.renamed[string(dst[start:])]
		dst = dst[:start]
		if ok {
			return append(dst, name...), true
		}
	}
	return AppendColumnName(dst, key)
}

// FoldKey turns a key's ASCII letters to upper case: keys that are equal then share a column.
func FoldKey(key string) string {
	b := []byte(key)
	upperASCII(b)
	return string(b)
}

// ColumnOf returns the name of the column that a key belongs to, and false if it has none.
func (c *Config) ColumnOf(key string) (string, bool) { return newWants(c).column(key) }
