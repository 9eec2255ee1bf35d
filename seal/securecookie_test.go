// The securecookie format.

package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/seal"
)

func secureCookie(t testing.TB, purpose string, passwords ...string) seal.Sealer {
	t.Helper()
	sealer, err := seal.SecureCookie(purpose, passwords...)
	require.NoError(t, err)
	return sealer
}

func TestATextOpensOnlyForItsPurpose(t *testing.T) {
	purposes := []string{"session", "session/", "/session", "hash/session", "block/session", "sessio", "Session"}
	for _, sealed := range purposes {
		text, err := secureCookie(t, sealed, password).Seal([]byte("x"))
		require.NoError(t, err)
		for _, opened := range purposes {
			_, err := secureCookie(t, opened, password).Open(text)
			assert.Equal(t, sealed == opened, err == nil, "sealed as %q, opened as %q", sealed, opened)
		}
	}
}

func TestAnEmptyPurposeIsRefused(t *testing.T) {
	_, err := seal.SecureCookie("", password)
	assert.ErrorContains(t, err, "the purpose is empty")
}

// The bytes beside the plaintext are a date of 5, an initialization vector of 16 and a MAC of 32.
func TestASealedTextEncodesEachByteOnce(t *testing.T) {
	sealer := secureCookie(t, "session", password)
	for _, size := range []int{1, 100, 3000} {
		text, err := sealer.Seal(bytes.Repeat([]byte("x"), size))
		require.NoError(t, err)
		assert.Equal(t, base64.RawURLEncoding.EncodedLen(5+16+32+size), len(text))
	}
}

func TestASealedTextHasOneEncoding(t *testing.T) {
	sealer := secureCookie(t, "session", password)
	text, err := sealer.Seal([]byte("x"))
	require.NoError(t, err)
	packed, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(t, err)
	date, n := binary.Uvarint(packed)
	require.Equal(t, 5, n)
	longer := append(binary.AppendUvarint(nil, date), packed[n:]...)
	longer[n-1] |= 0x80
	longer = slices.Insert(longer, n, 0) // the same date with a leading zero
	again, _ := binary.Uvarint(longer)
	require.Equal(t, date, again)
	for name, other := range map[string]string{
		"a varint with a leading zero": base64.RawURLEncoding.EncodeToString(longer),
		"padding":                      text + "=",
		"a line break":                 text[:8] + "\n" + text[8:],
		"the standard alphabet":        base64.RawStdEncoding.EncodeToString(packed) + "+",
		"no ciphertext":                base64.RawURLEncoding.EncodeToString(packed[:n+32]),
		"no complete MAC":              base64.RawURLEncoding.EncodeToString(packed[:n+31]),
		"a date that does not end":     base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 60)),
	} {
		_, err := sealer.Open(other)
		assert.ErrorIs(t, err, seal.ErrOpen, name)
	}
	_, err = sealer.Open(text)
	assert.NoError(t, err)
}

func FuzzSecureCookie(f *testing.F) {
	text, err := compact(f, "session", previous).Seal([]byte("a")) // the format also opens compact texts
	require.NoError(f, err)
	fuzzOpen(f, secureCookie(f, "session", password, previous), text)
}

// Every session that is not cached is opened. With the race detector, the pool loses some of its buffers.
func TestOpeningASealAllocatesNoMoreThanSecureCookieDoes(t *testing.T) {
	plaintext := bytes.Repeat([]byte("x"), 1500)
	sealer := secureCookie(t, "session", password)
	text, err := sealer.Seal(plaintext)
	require.NoError(t, err)
	_, err = sealer.Open(text) // the first one fills the pool
	require.NoError(t, err)
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = sealer.Open(text) }), 16.0)
}

// A program with GODEBUG=fips140=only cannot use the compact format, but it may get a cookie in it.
func TestTheDefaultFormatRefusesACompactTextThatItCannotOpen(t *testing.T) {
	_, err := secureCookie(t, "session", password).Open(compactPrefix + strings.Repeat("A", 64))
	assert.ErrorIs(t, err, seal.ErrOpen)
}
