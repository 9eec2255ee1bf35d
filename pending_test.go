// Tests of the content of a pending sign-in's cookie.

package authkit

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/fields"
	"github.com/authkit-go/authkit/seal"
	"github.com/authkit-go/authkit/workos"
)

func TestAPendingSignInDecodesToWhatWasEncoded(t *testing.T) {
	at := time.Date(2026, 3, 14, 9, 26, 53, 589_000_000, time.UTC)
	for name, p := range map[string]pendingSignIn{
		"full":        {state: "s", verifier: "v", returnTo: "/a?b=山", appState: "Ω\x00", invitationToken: "i", startedAt: at},
		"a long path": {state: "s", verifier: "v", returnTo: "/a?" + strings.Repeat("b=%5C&", 340), startedAt: at},
		"minimal":     {state: "s", verifier: "v", startedAt: at},
	} {
		t.Run(name, func(t *testing.T) {
			back, err := decodePendingSignIn(p.encode())
			require.NoError(t, err)
			assert.Equal(t, p, back)
		})
	}
}

func TestALongReturnPathIsCompressedUnlessThatMakesItLonger(t *testing.T) {
	random := make([]byte, 2000)
	rand.NewChaCha8([32]byte{}).Read(random)
	for name, c := range map[string]struct {
		path   string
		shrink bool
	}{
		"short":          {"/" + strings.Repeat("a", 510), false},
		"long":           {"/" + strings.Repeat("a", 511), true},
		"the longest":    {"/" + strings.Repeat("a/", 1023), true},
		"incompressible": {"/" + string(random), false},
	} {
		compressed := compressReturnPath(c.path)
		require.Equal(t, c.shrink, compressed != nil, name)
		if c.shrink {
			assert.Less(t, len(compressed), len(c.path), name)
			path, err := decompressReturnPath(compressed)
			require.NoError(t, err, name)
			assert.Equal(t, c.path, path, name)
		}
	}
}

func TestACompressedReturnPathThatIsTooLongOrBrokenIsRefused(t *testing.T) {
	bomb := compressReturnPath("/" + strings.Repeat("a", 10<<20))
	for name, compressed := range map[string][]byte{"ten megabytes": bomb, "nothing": {}, "cut": bomb[:len(bomb)/2], "no compressed data": []byte("/account")} {
		_, err := decompressReturnPath(compressed)
		assert.ErrorIs(t, err, fields.ErrEncoding, name)
	}
}

func TestAPendingSignInWithoutARequiredFieldIsRefused(t *testing.T) {
	at := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	for name, p := range map[string]pendingSignIn{
		"no state":    {verifier: "v", startedAt: at},
		"no verifier": {state: "s", startedAt: at},
		"no time":     {state: "s", verifier: "v"},
	} {
		_, err := decodePendingSignIn(p.encode())
		assert.ErrorIs(t, err, fields.ErrEncoding, name)
	}
}

func TestUnknownFieldsOfAPendingSignInAreSkipped(t *testing.T) {
	p := pendingSignIn{state: "s", verifier: "v", startedAt: time.UnixMilli(1).UTC()}
	e := fields.Encoder(p.encode())
	e.Text(77, "of a later release")
	pending, err := decodePendingSignIn(e)
	require.NoError(t, err)
	assert.Equal(t, p, pending)
}

func FuzzDecodePendingSignIn(f *testing.F) {
	p := pendingSignIn{state: "s", verifier: "v", returnTo: "/", startedAt: time.UnixMilli(1)}
	f.Add(p.encode())
	maxAge := time.Minute
	full := pendingSignIn{
		state: "s", verifier: "v", returnTo: "/a?b", appState: "a", invitationToken: "i", startedAt: time.UnixMilli(2).UTC(), maxAge: &maxAge,
		crossOrigin: true, restarted: true, continued: true, params: workos.AuthorizationParams{
			Provider: "p", ConnectionID: "c", OrganizationID: "o", ScreenHint: "s", LoginHint: "l", DomainHint: "d", Prompt: "q",
			ProviderScopes: []string{"email", "https://scope.example/a"},
		},
	}
	decoded, err := decodePendingSignIn(full.encode())
	require.NoError(f, err)
	require.Equal(f, full, decoded)
	f.Add(full.encode())
	f.Add([]byte{fields.Version, tagStartedAt, 1, 2})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		p, err := decodePendingSignIn(encoded)
		if err != nil {
			require.ErrorIs(t, err, fields.ErrEncoding)
			return
		}
		again, err := decodePendingSignIn(p.encode())
		require.NoError(t, err)
		require.Equal(t, p, again)
	})
}

func TestPendingSignInsAndSessionsDoNotOpenAsEachOther(t *testing.T) {
	for name, opt := range map[string]Option{"default seal": nil, "compact seal": WithCompactCookie()} {
		a, err := New(WithAPIKey("sk_1"), WithClientID("client_1"), WithCookiePassword("0123456789abcdef0123456789abcdef"), opt)
		require.NoError(t, err)
		sealers := map[string]seal.Sealer{"session": a.format.sealer, "sign-in": a.signInSealer, "step": a.stepSealer}
		for sealed, sealer := range sealers {
			text, err := sealer.Seal([]byte("x"))
			require.NoError(t, err)
			for opened, other := range sealers {
				_, err := other.Open(text)
				assert.Equal(t, sealed == opened, err == nil, "%s: %s opened as %s", name, sealed, opened)
			}
		}
	}
}
