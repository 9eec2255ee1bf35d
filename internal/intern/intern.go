// Package intern shares equal lists of texts. Many users of an application have the same
// roles and the same permissions, so their sessions need one copy of each list.
package intern

import (
	"encoding/binary"
	"sync"
)

const (
	// maxValues and maxKey limit a list that is shared. A longer one is hardly the same for
	// many users. maxKey is in bytes.
	maxValues = 256
	maxKey    = 4 << 10
	// maxBytes limits the memory of each of the two generations.
	maxBytes = 512 << 10
	// overhead estimates the bytes of a list in the map, besides its texts.
	overhead = 128
	// header is the size of a string without its text.
	header = 16
)

// Lists holds one copy of each list that was shared lately, at most 1 MiB in all. The zero
// value is empty. It is safe for concurrent use.
//
// It has two generations. A new list joins the young one. When the young one is full, it
// becomes the old one, and the lists of the former old one are forgotten. A list of the old
// generation that is shared again joins the young one.
type Lists struct {
	mu         sync.RWMutex
	young, old map[string][]string
	bytes      int // of young
}

// Share returns a list with the same values in the same order. All callers with the same
// values get the same list, so they must not change it. It does not share memory with
// values.
//
// A list that is empty or too long is returned as it is.
func (l *Lists) Share(values []string) []string {
	if len(values) == 0 || len(values) > maxValues {
		return values
	}
	var buffer [512]byte
	key := buffer[:0]
	for _, value := range values {
		// With its length, no value can look like two.
		key = append(binary.AppendUvarint(key, uint64(len(value))), value...)
		if len(key) > maxKey {
			return values
		}
	}
	l.mu.RLock()
	shared, ok := l.young[string(key)]
	l.mu.RUnlock()
	if ok {
		return shared
	}
	return l.add(string(key), len(values))
}

// add returns the shared list of a key. The first call for the key makes the list.
func (l *Lists) add(key string, length int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if shared, ok := l.young[key]; ok {
		return shared // a concurrent call added it
	}
	shared, known := l.old[key]
	if !known {
		shared = split(key, length)
	}
	size := overhead + len(key) + header*length
	if l.young == nil || l.bytes+size > maxBytes {
		l.old, l.young, l.bytes = l.young, map[string][]string{}, 0
	}
	l.young[key] = shared
	l.bytes += size
	return shared
}

// split returns the values in a key. They share its memory.
func split(key string, length int) []string {
	values := make([]string, length)
	for i := range values {
		size, n := binary.Uvarint([]byte(key[:min(len(key), binary.MaxVarintLen64)]))
		values[i] = key[n:][:size]
		key = key[n+int(size):]
	}
	return values
}
