// Package heapsize tells how many bytes a value takes on the heap. The limits of caches
// count them.
package heapsize

import "reflect"

// classes are the steps between the size classes of Go's allocator: sizes up to a limit are
// rounded up to a multiple of a step. Beyond the last one, a step is about an eighth of the
// size, which is near the classes (TestASizeIsThatOfTheAllocator).
var classes = [...]struct{ limit, step int }{
	{32, 8}, {256, 16}, {512, 32}, {768, 64}, {1536, 128}, {2304, 256}, {3072, 384},
}

// Of returns the bytes that one allocation of n bytes takes.
func Of(n int) int {
	if n <= 0 {
		return 0
	}
	for _, c := range classes {
		if n <= c.limit {
			return (n + c.step - 1) / c.step * c.step
		}
	}
	step := 512
	for 8*step < n {
		step *= 2
	}
	return (n + step - 1) / step * step
}

// Type returns the bytes that a value of a type takes, without what it points to.
func Type[T any]() int { return Of(int(reflect.TypeFor[T]().Size())) }

// Texts returns the bytes of texts that share one allocation.
func Texts(texts ...string) int {
	length := 0
	for _, text := range texts {
		length += len(text)
	}
	return Of(length)
}

// Array returns the bytes of a list without its texts.
func Array(values []string) int { return Of(len(values) * stringSize) }

// List returns the bytes of a list whose texts share one allocation.
func List(values []string) int { return Array(values) + Texts(values...) }

// stringSize is the size of a string without its text.
var stringSize = int(reflect.TypeFor[string]().Size())
