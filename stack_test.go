// The stack of a request of a cached session. The race detector makes frames larger.

//go:build !race

package authkit_test

import (
	"net/http"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// A server of HTTP/2 has a new goroutine for each request. Its stack has 2 KB at first. If it is too small, the runtime copies it
// into a larger one, which took a tenth of the CPU time of a small page. So the frames below a handler are small.
func TestTheMiddlewareAndAGuardTakeLittleOfTheStack(t *testing.T) {
	fake := authkittest.New(t)
	ak := newQuietAuthKit(t, fake)
	r, w := requestWithSession(t, ak, fake, nil), &reply{http.Header{}}
	var depth uintptr
	var email string
	handler := http.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		depth = stackPointer()
		s, _ := authkit.FromContext(r.Context())
		email = s.User().Email
	}))
	used := func(handler http.Handler) uintptr {
		largeFrame() // afterwards the stack is large enough and is not moved between the two measurements
		before := stackPointer()
		handler.ServeHTTP(w, r)
		return before - depth
	}
	guarded := ak.Middleware(ak.RequireAuth(handler))
	used(guarded) // verifies the session
	unguarded := used(handler)
	own := used(guarded) - unguarded
	require.Equal(t, "kim@example.com", email)
	t.Logf("%d bytes", own)
	assert.Positive(t, own)
	assert.Less(t, own, uintptr(600))
}

// stackPointer returns an address near the end of the stack.
//
//go:noinline
func stackPointer() uintptr {
	var here byte
	return uintptr(unsafe.Pointer(&here))
}

// largeFrame makes the stack of its goroutine large.
//
//go:noinline
func largeFrame() byte {
	var frame [64 << 10]byte
	for i := range frame {
		frame[i] = byte(i)
	}
	return frame[len(frame)/2]
}
