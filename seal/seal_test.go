// The tests that every format must pass.

package seal_test

import (
	"bytes"
	"errors"
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
	unknown  = "a password that no test opens with"
)

// format constructs a Sealer of one format.
type format func(t testing.TB, passwords ...string) seal.Sealer

var formats = map[string]format{
	"securecookie": func(t testing.TB, passwords ...string) seal.Sealer {
		return secureCookie(t, "session", passwords...)
	},
	"compact": func(t testing.TB, passwords ...string) seal.Sealer {
		return compact(t, "session", passwords...)
	},
	"iron": func(t testing.TB, passwords ...string) seal.Sealer {
		return iron(t, passwords...)
	},
	"workos-go": workOSGo,
}

// skipIfUnsupported skips a test of a format that a program with GODEBUG=fips140=only cannot use.
func skipIfUnsupported(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skipf("this program cannot use the format: %v", err)
	}
}

// inEachFormat runs a test once for each format.
func inEachFormat(t *testing.T, test func(t *testing.T, sealer format)) {
	for name, sealer := range formats {
		t.Run(name, func(t *testing.T) { test(t, sealer) })
	}
}

func TestASealedTextOpens(t *testing.T) {
	inEachFormat(t, func(t *testing.T, format format) {
		sealer := format(t, password)
		for name, plaintext := range map[string][]byte{
			"one byte":                   {0},
			"a short text":               []byte("hello"),
			"a block of the cipher":      []byte("0123456789abcdef"),
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
	})
}

func TestAnEmptyPlaintextIsNotSealed(t *testing.T) {
	inEachFormat(t, func(t *testing.T, format format) {
		_, err := format(t, password).Seal(nil)
		assert.ErrorContains(t, err, "the plaintext is empty")
	})
}

func TestASealedTextIsSafeInACookieAndUnique(t *testing.T) {
	inEachFormat(t, func(t *testing.T, format format) {
		sealer := format(t, password)
		seen := map[string]bool{}
		for length := range 64 {
			text, err := sealer.Seal(everyByte()[:length+1])
			require.NoError(t, err)
			// RFC 6265, section 4.1.1, without characters that browsers and frameworks encode.
			assert.Regexp(t, `^[A-Za-z0-9_.*~+/=-]+$`, text)
			assert.False(t, seen[text])
			seen[text] = true
		}
	})
}

func TestASealedTextDoesNotShowThePlaintext(t *testing.T) {
	inEachFormat(t, func(t *testing.T, format format) {
		text, err := format(t, password).Seal(bytes.Repeat([]byte("A"), 300))
		require.NoError(t, err)
		assert.NotContains(t, text, "AAAA")
	})
}

func TestTheFirstPasswordSealsAndAllPasswordsOpen(t *testing.T) {
	inEachFormat(t, func(t *testing.T, format format) {
		before, during, after := format(t, previous), format(t, password, previous), format(t, password)

		old, err := before.Seal([]byte("old"))
		require.NoError(t, err)
		opened, err := during.Open(old)
		require.NoError(t, err)
		assert.Equal(t, "old", string(opened))

		resealed, err := during.Seal([]byte("new"))
		require.NoError(t, err)
		opened, err = after.Open(resealed)
		require.NoError(t, err)
		assert.Equal(t, "new", string(opened))

		_, err = after.Open(old)
		assert.ErrorIs(t, err, seal.ErrOpen)
		_, err = before.Open(resealed)
		assert.ErrorIs(t, err, seal.ErrOpen)
	})
}

func TestAForeignOrAlteredTextDoesNotOpen(t *testing.T) {
	inEachFormat(t, func(t *testing.T, format format) {
		sealer := format(t, password, previous)
		text, err := sealer.Seal([]byte("the session"))
		require.NoError(t, err)
		another, err := format(t, unknown).Seal([]byte("the session"))
		require.NoError(t, err)

		for name, altered := range map[string]string{
			"empty":                         "",
			"not base64":                    "!!!!",
			"random":                        strings.Repeat("Zm9v", 100),
			"doubled":                       text + text,
			"with padding":                  text + "=",
			"with a line break":             text[:20] + "\n" + text[20:],
			"with a line break at the end":  text + "\r\n",
			"with a space":                  text + " ",
			"with another password":         another,
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
		for name, other := range formats {
			opened, err := other(t, password).Open(text)
			if err == nil {
				assert.Equal(t, "the session", string(opened), "%s opened another plaintext", name)
			}
		}
	})
}

func TestATruncatedOrBitFlippedTextDoesNotOpen(t *testing.T) {
	inEachFormat(t, func(t *testing.T, format format) {
		sealer := format(t, password)
		// Several lengths, so that the last character has each number of unused bits.
		for _, plaintext := range []string{"a", "ab", "abc", "abcd"} {
			text, err := sealer.Seal([]byte(plaintext))
			require.NoError(t, err)
			for i := range text {
				if text[i] != '~' { // the version of an iron text is optional
					_, err := sealer.Open(text[:i])
					require.ErrorIs(t, err, seal.ErrOpen, "cut to %d characters", i)
				}
				for bit := range 8 {
					flipped := []byte(text)
					flipped[i] ^= 1 << bit
					_, err := sealer.Open(string(flipped))
					require.ErrorIs(t, err, seal.ErrOpen, "bit %d of character %d", bit, i)
				}
			}
		}
	})
}

func TestABadPasswordIsNamedByPositionAndNotShown(t *testing.T) {
	constructors := map[string]func(...string) error{
		"securecookie": func(passwords ...string) error { _, err := seal.SecureCookie("session", passwords...); return err },
		"compact":      func(passwords ...string) error { _, err := seal.Compact("session", passwords...); return err },
		"iron":         func(passwords ...string) error { _, err := seal.Iron(passwords...); return err },
		"workos-go":    func(passwords ...string) error { _, err := seal.WorkOSGo(passwords...); return err },
	}
	for format, construct := range constructors {
		for name, c := range map[string]struct {
			passwords []string
			want      []string
		}{
			"no password":                   {nil, []string{"no password"}},
			"an empty one":                  {[]string{""}, []string{"password 1 of 1 is 0 bytes long"}},
			"one byte too short":            {[]string{password[:31]}, []string{"password 1 of 1 is 31 bytes long; at least 32"}},
			"each of several":               {[]string{"short1", password, "short-3"}, []string{"password 1 of 3 is 6 bytes", "password 3 of 3 is 7 bytes"}},
			"short in multibyte characters": {[]string{"山山山山山"}, []string{"password 1 of 1 is 15 bytes long"}},
		} {
			t.Run(format+"/"+name, func(t *testing.T) {
				err := construct(c.passwords...)
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
	}
}

// fuzzOpen fuzzes Open of one format. The seeds are sealed texts and small changes of them.
func fuzzOpen(f *testing.F, sealer seal.Sealer, seeds ...string) {
	genuine := []string{"a", "a longer text"}
	for _, plaintext := range genuine {
		text, err := sealer.Seal([]byte(plaintext))
		require.NoError(f, err)
		f.Add(text)
		f.Add(text + "=")
		f.Add(text[1:])
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		plaintext, err := sealer.Open(text)
		if err != nil {
			require.ErrorIs(t, err, seal.ErrOpen)
			return
		}
		require.Contains(t, genuine, string(plaintext), "a text opened that was not sealed")
	})
}

// During a rotation, the first password seals and both open.
func Example_passwordRotation() {
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
