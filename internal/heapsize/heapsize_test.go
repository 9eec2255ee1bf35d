// Tests of sizes on the heap.

package heapsize

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// allocated returns the bytes that the allocator has reserved for n bytes.
func allocated(n int) int { return cap(append([]byte(nil), make([]byte, n)...)) }

func TestASizeIsThatOfTheAllocator(t *testing.T) {
	for n := 1; n <= 16<<10; n++ {
		want := allocated(n)
		if n <= 2304 {
			require.Equal(t, want, Of(n), "%d bytes", n)
			continue
		}
		require.InEpsilon(t, want, Of(n), 0.16, "%d bytes", n)
	}
	assert.Zero(t, Of(0))
	assert.Zero(t, Of(-1))
}

func TestTheSizeOfATypeAndOfTexts(t *testing.T) {
	assert.Equal(t, 24, Type[[3]int64]())
	assert.Equal(t, 48, Type[[33]byte]())
	assert.Equal(t, 8, Type[*[100]byte](), "only the pointer")
	assert.Equal(t, 16, Texts("12345", "", "6789"))
	assert.Zero(t, Texts())
	assert.Equal(t, 32+8, List([]string{"abc", "de"}))
	assert.Zero(t, List(nil))
}
