// A Validity keeps no set of keys in memory.

package jwks

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A Validity is kept for each session in a cache, also while the session sends no request. The keys are fetched every ten minutes,
// so each such session could keep a set of its own.
func TestAValidityKeepsNoKeySetThatWasReplaced(t *testing.T) {
	const modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W" +
		"-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt" +
		"-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw" // RFC 7517, appendix A.1
	e := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[{"kty":"RSA","kid":"kid_1","e":"AQAB","n":"%s"}]}`, modulus)
	}))
	t.Cleanup(e.Close)
	keys := NewKeySet(e.URL)
	require.NoError(t, keys.Load(t.Context()))
	v := NewVerifier(keys)
	key, err := keys.Key(t.Context(), "kid_1")
	require.NoError(t, err)
	claims := &Claims{verifier: v, key: key, keyID: "kid_1", ExpiresAt: time.Now().Add(time.Hour)}
	valid, err := v.Validity(t.Context(), claims)
	require.NoError(t, err)
	require.True(t, valid.Covers(time.Now()))

	before := weak.Make(keys.current.Load())
	keys.mu.Lock()
	f, err := keys.fetch(t.Context(), lookup{}, &keys.shared, time.Now())
	keys.mu.Unlock()
	require.NoError(t, err)
	_, err = f.wait(t.Context())
	require.NoError(t, err)
	runtime.GC()
	assert.Nil(t, before.Value())
	assert.False(t, valid.Covers(time.Now()), "it is about other keys")
}
