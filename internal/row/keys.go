package row

import (
	"maps"
	"sync"
	"sync/atomic"
)

// MaxKeys is the number of distinct keys that a Keys remembers. It bounds memory against records whose keys are
// data (a UUID as a key); a table takes at most 500 columns by inference, so no column is lost to it.
const MaxKeys = 4096

// Keys interns top-level keys for one pipeline. Reads take no lock; it is safe for concurrent use.
type Keys struct {
	mu    sync.Mutex
	state atomic.Pointer[keyState]
}

type keyState struct {
	byName map[string]Key
	names  []string
}

// NewKeys returns an empty dictionary.
func NewKeys() *Keys {
	k := &Keys{}
	k.state.Store(&keyState{byName: map[string]Key{}})
	return k
}

// Intern returns the Key of name, adding it if there is room, else NoKey. It allocates only for a new name.
func (k *Keys) Intern(name []byte) Key {
	known := k.state.Load()
	if key, ok := known.byName[string(name)]; ok {
		return key
	}
	if len(known.names) >= MaxKeys {
		return NoKey
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	old := k.state.Load()
	if key, ok := old.byName[string(name)]; ok {
		return key
	}
	if len(old.names) >= MaxKeys {
		return NoKey
	}
	next := &keyState{byName: maps.Clone(old.byName), names: append(old.names[:len(old.names):len(old.names)], string(name))}
	key := Key(len(old.names))
	next.byName[string(name)] = key
	k.state.Store(next)
	return key
}

// Name returns the text of an interned key.
func (k *Keys) Name(key Key) string { return k.state.Load().names[key] }

// Len returns the number of keys interned so far; keys are 0 to Len()-1.
func (k *Keys) Len() int { return len(k.state.Load().names) }
