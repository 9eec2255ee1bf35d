package seal_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/seal"
)

const (
	password = "0123456789abcdef0123456789abcdef"
	previous = "fedcba9876543210fedcba9876543210"
	stranger = "a password that nobody here ever had"
)

func secureCookie(t testing.TB, purpose string, passwords ...string) seal.Sealer {
	t.Helper()
	sealer, err := seal.SecureCookie(purpose, passwords...)
	require.NoError(t, err)
	return sealer
}

func TestWhatIsSealedOpens(t *testing.T) {
	sealer := secureCookie(t, "session", password)
	for name, plaintext := range map[string][]byte{
		"one byte":                   {0},
		"a short text":               []byte("hello"),
		"text in several scripts":    []byte("Zoë 山田 Ωμέγα"),
		"every byte value":           everyByte(),
		"more than fits in a cookie": bytes.Repeat([]byte("0123456789"), 2000),
	} {
		t.Run(name, func(t *testing.T) {
			given := bytes.Clone(plaintext)
			text, err := sealer.Seal(given)
			require.NoError(t, err)
			assert.Equal(t, plaintext, given, "the caller's slice was changed")

			opened, err := sealer.Open(text)
			require.NoError(t, err)
			assert.True(t, bytes.Equal(plaintext, opened))
		})
	}
}

func TestNothingCannotBeSealed(t *testing.T) {
	_, err := secureCookie(t, "session", password).Seal(nil)
	assert.ErrorContains(t, err, "nothing to seal")
}

func TestASealIsSafeInACookieAndNeverTheSameTwice(t *testing.T) {
	sealer := secureCookie(t, "session", password)
	seen := map[string]bool{}
	for length := range 64 {
		text, err := sealer.Seal(everyByte()[:length+1])
		require.NoError(t, err)
		assert.Regexp(t, `^[A-Za-z0-9_-]+$`, text)
		assert.False(t, seen[text])
		seen[text] = true
	}
}

func TestTheTextShowsNothingOfWhatItHolds(t *testing.T) {
	sealer := secureCookie(t, "session", password)
	text, err := sealer.Seal(bytes.Repeat([]byte("A"), 300))
	require.NoError(t, err)
	assert.NotContains(t, text, "AAAA")
}

func TestTheFirstPasswordSealsAndAllOpen(t *testing.T) {
	before := secureCookie(t, "session", previous)
	during := secureCookie(t, "session", password, previous)
	after := secureCookie(t, "session", password)

	old, err := before.Seal([]byte("old"))
	require.NoError(t, err)
	opened, err := during.Open(old)
	require.NoError(t, err)
	assert.Equal(t, "old", string(opened))

	renewed, err := during.Seal([]byte("new"))
	require.NoError(t, err)
	opened, err = after.Open(renewed)
	require.NoError(t, err)
	assert.Equal(t, "new", string(opened))

	_, err = after.Open(old)
	assert.ErrorIs(t, err, seal.ErrOpen)
	_, err = before.Open(renewed)
	assert.ErrorIs(t, err, seal.ErrOpen)
}

func TestATextThatWasNotSealedHereDoesNotOpen(t *testing.T) {
	sealer := secureCookie(t, "session", password, previous)
	text, err := sealer.Seal([]byte("the session"))
	require.NoError(t, err)
	another, err := secureCookie(t, "session", stranger).Seal([]byte("the session"))
	require.NoError(t, err)
	otherPurpose, err := secureCookie(t, "state", password).Seal([]byte("the session"))
	require.NoError(t, err)

	for name, altered := range map[string]string{
		"empty":                         "",
		"not base64url":                 "!!!!",
		"random":                        strings.Repeat("Zm9v", 100),
		"doubled":                       text + text,
		"with padding":                  text + "=",
		"with a line break":             text[:20] + "\n" + text[20:],
		"with a line break at the end":  text + "\r\n",
		"with a space":                  text + " ",
		"of another password":           another,
		"of another purpose":            otherPurpose,
		"a megabyte of the same letter": strings.Repeat("A", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sealer.Open(altered)
			require.ErrorIs(t, err, seal.ErrOpen)
			if altered != "" {
				assert.NotContains(t, err.Error(), altered)
			}
		})
	}
}

func TestNoPrefixAndNoSingleFlippedBitOpens(t *testing.T) {
	sealer := secureCookie(t, "session", password)
	// Three lengths, so that the last character has each number of unused bits.
	for _, plaintext := range []string{"a", "ab", "abc", "abcd"} {
		text, err := sealer.Seal([]byte(plaintext))
		require.NoError(t, err)
		for i := range text {
			_, err := sealer.Open(text[:i])
			require.ErrorIs(t, err, seal.ErrOpen, "cut to %d characters", i)
			for bit := range 8 {
				flipped := []byte(text)
				flipped[i] ^= 1 << bit
				_, err := sealer.Open(string(flipped))
				require.ErrorIs(t, err, seal.ErrOpen, "bit %d of character %d", bit, i)
			}
		}
	}
}

func TestPurposesThatReadAlikeStayApart(t *testing.T) {
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

func TestBadPasswordsAreNamedByPositionAndNeverShown(t *testing.T) {
	for name, c := range map[string]struct {
		passwords []string
		want      []string
	}{
		"none at all":          {nil, []string{"no password"}},
		"an empty one":         {[]string{""}, []string{"password 1 of 1 is 0 bytes long"}},
		"one byte too short":   {[]string{password[:31]}, []string{"password 1 of 1 is 31 bytes long; at least 32"}},
		"each of several":      {[]string{"short1", password, "short-3"}, []string{"password 1 of 3 is 6 bytes", "password 3 of 3 is 7 bytes"}},
		"short though in runs": {[]string{"山山山山山"}, []string{"password 1 of 1 is 15 bytes long"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := seal.SecureCookie("session", c.passwords...)
			require.Error(t, err)
			for _, want := range c.want {
				assert.ErrorContains(t, err, want)
			}
			for _, password := range c.passwords {
				if password != "" {
					assert.NotContains(t, err.Error(), password)
				}
			}
		})
	}
	_, err := seal.SecureCookie("", password)
	assert.ErrorContains(t, err, "no purpose")
}

func FuzzOpen(f *testing.F) {
	sealer, err := seal.SecureCookie("session", password, previous)
	require.NoError(f, err)
	genuine := []string{"a", "a longer text"}
	for _, plaintext := range genuine {
		text, err := sealer.Seal([]byte(plaintext))
		require.NoError(f, err)
		f.Add(text)
		f.Add(text + "=")
		f.Add(text[1:])
	}
	f.Fuzz(func(t *testing.T, text string) {
		plaintext, err := sealer.Open(text)
		if err != nil {
			require.ErrorIs(t, err, seal.ErrOpen)
			return
		}
		require.Contains(t, genuine, string(plaintext), "a text opened that nobody sealed")
	})
}

func Example() {
	// A password in rotation: the first seals, both open.
	sealer, err := seal.SecureCookie("session",
		"the new password, 32 bytes or more",
		"the old password, 32 bytes or more")
	if err != nil {
		panic(err)
	}

	text, err := sealer.Seal([]byte("kim@example.com"))
	if err != nil {
		panic(err)
	}
	plaintext, err := sealer.Open(text)
	fmt.Println(string(plaintext), err)

	_, err = sealer.Open(text + "x")
	fmt.Println(err)
	// Output:
	// kim@example.com <nil>
	// seal: the text does not open with any of the passwords
}

func everyByte() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return all
}
