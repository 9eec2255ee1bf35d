// The memory of verified tokens keeps nothing of the requests that have brought them.

package resource_test

import (
	"runtime"
	"strings"
	"testing"
	"unsafe"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestATokenThatIsRememberedKeepsNoMemoryOfItsRequest(t *testing.T) {
	p := protect(t)
	token := p.token(p.user())
	header := []byte("Bearer " + token + strings.Repeat(" ", 4<<10))
	memory := weak.Make(&header[0])
	verified, err := p.api.Verify(t.Context(), unsafe.String(&header[len("Bearer ")], len(token)))
	require.NoError(t, err)
	require.Equal(t, 1, p.api.CachedTokens())
	runtime.GC()
	runtime.GC() // frees what pools still held during the first run
	assert.Nil(t, memory.Value())
	again, err := p.api.Verify(t.Context(), token)
	require.NoError(t, err)
	assert.Same(t, verified, again, "it comes from the memory")
}
