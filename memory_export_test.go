// What tests of both packages need to see whether memory is freed.

package authkit

import (
	"runtime"
	"unsafe"
	"weak"
)

// InOwnMemory returns a text in memory of its own, and a pointer to that memory.
func InOwnMemory(text string) (string, weak.Pointer[byte]) {
	octets := []byte(text)
	return unsafe.String(&octets[0], len(octets)), weak.Make(&octets[0])
}

// IsFreed reports whether a collection frees the memory.
func IsFreed(memory weak.Pointer[byte]) bool {
	runtime.GC()
	runtime.GC() // frees what pools still held during the first run
	return memory.Value() == nil
}
