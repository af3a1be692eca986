package row

// Kind is the JSON kind of a value, numbers split into integers (no fraction, no exponent in the text) and others.
type Kind uint8

// The kinds. Their order is part of the spool format of one process only.
const (
	Null Kind = iota
	False
	True
	Int
	Float
	String
	Object
	Array
)

// Flag says what the scanner saw inside a value, so that later stages need not look again.
type Flag uint8

const (
	// Escaped: a string value (or some string inside a container) holds a backslash escape.
	Escaped Flag = 1 << iota
	// Hostile: the value holds \u0000 or an unpaired surrogate, which no Snowflake text may hold.
	Hostile
	// WideNumber: some number inside a container has over 15 significant digits or an exponent, so it may not
	// survive a JSON parser that reads doubles.
	WideNumber
	// HostileKey: the key itself holds \u0000 or an unpaired surrogate. Such a field has Key NoKey, and its Name is the
	// key's raw text, escapes left as they are: text that can be stored, where the decoded key could not.
	HostileKey
)

// Key is an interned top-level key: an index into a [Keys]. NoKey marks a key that was not interned because the
// dictionary is full.
type Key int32

// NoKey is the Key of a name that the dictionary had no room for.
const NoKey Key = -1

// Field is one top-level member of a row.
type Field struct {
	Key   Key
	Kind  Kind
	Flags Flag
	Name  []byte // the key's text, escapes decoded
	Value []byte // the value's raw JSON text, valid by RFC 8259, without surrounding white space
}

// Row is one row on its way to the table. It is reused: whoever keeps it copies it.
type Row struct {
	Sequence     []byte
	Subsequence  int64
	PartitionKey []byte
	Arrival      int64   // milliseconds since the Unix epoch
	Index        uint32  // which of its record's rows this is
	Multi        bool    // the record may make several rows, so Index belongs into the metadata
	Fields       []Field // in the record's order; a key may occur twice
}
