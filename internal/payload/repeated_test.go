// Texts that many sessions contain, and the memory that tokens take because of them.

package payload

import (
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// There are many more texts than places for them, so most texts find another one in their place.
func TestARepeatedTextIsNeverAnotherTextOfItsPlace(t *testing.T) {
	for range 2 {
		for i := range 50 * len(repeated) {
			text := fmt.Sprintf(`{"alg":"RS256","kid":"key_%d"}`, i)
			require.Equal(t, text, repeatedText([]byte(text)))
			require.Equal(t, text, repeatedText([]byte(text)))
		}
	}
}

func TestOnlyShortTextsAreShared(t *testing.T) {
	for length, shared := range map[int]bool{1: true, maxRepeated: true, maxRepeated + 1: false, 1000: false} {
		text := strings.Repeat("r", length)
		one, other := repeatedText([]byte(text)), repeatedText([]byte(text))
		assert.Equal(t, shared, unsafe.StringData(one) == unsafe.StringData(other), "%d bytes", length)
	}
	assert.Empty(t, repeatedText(nil))
}

// The header is the part that sessions share. If it were in the memory of the other parts, each session would keep its own.
func TestTheSizeOfATokenIsTheMemoryThatItTakes(t *testing.T) {
	const tokens = 2000
	for _, header := range []int{80, maxRepeated, maxRepeated + 1, 700} {
		for name, decode := range map[string]func(text string, packed []byte) Token{
			"split": func(text string, _ []byte) Token { return NewToken(text) },
			"unpacked": func(_ string, packed []byte) Token {
				token, err := unpackToken(packed)
				require.NoError(t, err)
				return token
			},
		} {
			encode := base64.RawURLEncoding.EncodeToString
			text := encode([]byte(strings.Repeat("h", header))) + "." + encode([]byte(strings.Repeat("p", 100))) + "." + encode([]byte(strings.Repeat("s", 100)))
			first := NewToken(text)
			packed, ok := first.pack()
			require.True(t, ok)
			kept := make([]Token, tokens)
			before := liveHeap()
			for i := range kept {
				kept[i] = decode(text, packed)
			}
			grown := liveHeap() - before
			assert.InEpsilon(t, grown/tokens, kept[0].size(), 0.05, "%s, with a header of %d bytes", name, header)
			runtime.KeepAlive(kept)
		}
	}
}

// liveHeap returns the bytes of the heap that are in use.
func liveHeap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // frees what pools still held during the first run
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
