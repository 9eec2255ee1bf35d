// Texts that many sessions contain.

package payload

import (
	"hash/maphash"
	"sync/atomic"
)

// maxRepeated is the length of the longest text that is kept in repeated, in bytes. The
// header of a token of WorkOS has about 80.
const maxRepeated = 256

var (
	repeatedSeed = maphash.MakeSeed()
	// repeated holds the latest text of each hash, so it takes 16 KiB at most.
	repeated [64]atomic.Pointer[string]
)

// repeatedText returns a text that is often the same in many sessions, such as the header of
// a token, whose sessions then share its memory.
func repeatedText(value []byte) string {
	if len(value) == 0 || len(value) > maxRepeated {
		return string(value)
	}
	slot := &repeated[maphash.Bytes(repeatedSeed, value)%uint64(len(repeated))]
	if kept := slot.Load(); kept != nil && *kept == string(value) {
		return *kept
	}
	text := string(value)
	slot.Store(&text)
	return text
}
