// The compact format.

package seal_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/seal"
)

func compact(t testing.TB, purpose string, passwords ...string) seal.Sealer {
	t.Helper()
	sealer, err := seal.Compact(purpose, passwords...)
	skipIfUnsupported(t, err)
	require.NoError(t, err)
	return sealer
}

// compactPrefix begins every compact text. It is part of cookies, so it must not change.
const compactPrefix = "c1."

// compactAnswer is a known answer. Another implementation computed it: testdata/compact.mjs.
type compactAnswer struct{ Name, Password, Purpose, Plaintext, Text string }

func compactAnswers(t testing.TB) (answers []compactAnswer) {
	t.Helper()
	encoded, err := os.ReadFile("testdata/compact.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(encoded, &answers))
	require.NotEmpty(t, answers)
	return answers
}

func TestTheKnownAnswersOfTheCompactFormatOpen(t *testing.T) {
	for _, answer := range compactAnswers(t) {
		t.Run(answer.Name, func(t *testing.T) {
			want, err := base64.RawURLEncoding.DecodeString(answer.Plaintext)
			require.NoError(t, err)
			for name, sealer := range map[string]seal.Sealer{
				"compact":               compact(t, answer.Purpose, answer.Password),
				"compact, second":       compact(t, answer.Purpose, unknown, answer.Password),
				"securecookie":          secureCookie(t, answer.Purpose, answer.Password),
				"securecookie, second":  secureCookie(t, answer.Purpose, unknown, answer.Password),
				"compact, of three":     compact(t, answer.Purpose, unknown, answer.Password, unknown),
				"compact, twice listed": compact(t, answer.Purpose, answer.Password, answer.Password),
			} {
				plaintext, err := sealer.Open(answer.Text)
				require.NoError(t, err, name)
				assert.True(t, bytes.Equal(want, plaintext), name)
			}
			_, err = compact(t, answer.Purpose+"x", answer.Password).Open(answer.Text)
			assert.ErrorIs(t, err, seal.ErrOpen, "another purpose")
			_, err = compact(t, answer.Purpose, answer.Password+"x").Open(answer.Text)
			assert.ErrorIs(t, err, seal.ErrOpen, "another password")
		})
	}
}

func TestACompactTextOpensOnlyForItsPurpose(t *testing.T) {
	purposes := []string{
		"session", "session/", "session/authkit-session", "session/authkit-session.0", "session/__Host-authkit-session",
		"session/Authkit-session", "sign-in", "step", "s", "\x00\x00\x00\x00\x00\x00\x00\x07session",
	}
	for _, sealed := range purposes {
		text, err := compact(t, sealed, password).Seal([]byte("x"))
		require.NoError(t, err)
		for _, opened := range purposes {
			for name, sealer := range map[string]seal.Sealer{
				"compact": compact(t, opened, password), "securecookie": secureCookie(t, opened, password),
			} {
				_, err := sealer.Open(text)
				assert.Equal(t, sealed == opened, err == nil, "sealed as %q, opened as %q by %s", sealed, opened, name)
			}
		}
	}
}

func TestAnEmptyPurposeOfTheCompactFormatIsRefused(t *testing.T) {
	_, err := seal.Compact("", password)
	assert.ErrorContains(t, err, "the purpose is empty")
}

// The bytes beside the plaintext are a salt of 16 and a tag of 16.
func TestACompactTextEncodesEachByteOnce(t *testing.T) {
	sealer := compact(t, "session", password)
	for _, size := range []int{1, 2, 3, 100, 3000} {
		text, err := sealer.Seal(bytes.Repeat([]byte("x"), size))
		require.NoError(t, err)
		assert.Equal(t, len(compactPrefix)+base64.RawURLEncoding.EncodedLen(16+16+size), len(text))
		assert.True(t, strings.HasPrefix(text, compactPrefix))
	}
}

// sealWithoutChecks seals any plaintext with password for the purpose session, as testdata/compact.mjs does.
func sealWithoutChecks(t *testing.T, plaintext []byte) string {
	salt := bytes.Repeat([]byte{1}, 16)
	key, err := hkdf.Key(sha256.New, []byte(password), nil, "authkit/seal/compact/v1"+string(salt), 32)
	require.NoError(t, err)
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	aead, err := cipher.NewGCM(block)
	require.NoError(t, err)
	additionalData := append(binary.BigEndian.AppendUint64(nil, uint64(len("session"))), "session"...)
	return compactPrefix + base64.RawURLEncoding.EncodeToString(aead.Seal(salt, make([]byte, 12), plaintext, additionalData))
}

// Seal refuses an empty plaintext, so Open does too.
func TestACompactTextOfNoPlaintextDoesNotOpen(t *testing.T) {
	sealer := compact(t, "session", password)
	opened, err := sealer.Open(sealWithoutChecks(t, []byte("x")))
	require.NoError(t, err)
	require.Equal(t, "x", string(opened))
	_, err = sealer.Open(sealWithoutChecks(t, nil))
	assert.ErrorContains(t, err, "it is too short")
}

// Seal refuses a plaintext whose text would be longer. The length bounds the work of Open, so it counts for all texts.
func TestACompactTextOfMoreThan32KiBDoesNotOpen(t *testing.T) {
	sealer := compact(t, "session", password)
	longest := base64.RawURLEncoding.DecodedLen(32<<10-len(compactPrefix)) - 16 - 16
	text := sealWithoutChecks(t, make([]byte, longest))
	require.LessOrEqual(t, len(text), 32<<10)
	_, err := sealer.Open(text)
	require.NoError(t, err)
	text = sealWithoutChecks(t, make([]byte, longest+1))
	require.Greater(t, len(text), 32<<10)
	_, err = sealer.Open(text)
	assert.ErrorIs(t, err, seal.ErrOpen)
	assert.ErrorContains(t, err, "it is longer than 32768 bytes")
}

func TestACompactTextHasOneEncoding(t *testing.T) {
	sealers := map[string]seal.Sealer{
		"compact":      compact(t, "session", password, previous),
		"securecookie": secureCookie(t, "session", password, previous),
	}
	for _, plaintext := range []string{"x", "xx", "xxx"} { // each number of unused bits
		text, err := sealers["compact"].Seal([]byte(plaintext))
		require.NoError(t, err)
		encoded := strings.TrimPrefix(text, compactPrefix)
		octets, err := base64.RawURLEncoding.DecodeString(encoded)
		require.NoError(t, err)
		others := map[string]string{
			"without the prefix":         encoded,
			"another version":            "c2." + encoded,
			"a prefix in capitals":       "C1." + encoded,
			"an incomplete prefix":       "c1" + encoded,
			"two prefixes":               compactPrefix + text,
			"two dots":                   "c1.." + encoded,
			"the prefix of iron":         "Fe26.2*" + encoded,
			"a space before it":          " " + text,
			"a space behind it":          text + " ",
			"quotes":                     `"` + text + `"`,
			"padding":                    text + "=",
			"the padding of base64":      compactPrefix + base64.URLEncoding.EncodeToString(octets) + "==",
			"a line break in the prefix": "c1\n." + encoded,
			"another alphabet":           compactPrefix + "+" + encoded[1:],
			"one octet more":             compactPrefix + base64.RawURLEncoding.EncodeToString(append(slices.Clone(octets), 0)),
			"a tag of 15 octets":         compactPrefix + base64.RawURLEncoding.EncodeToString(octets[:len(octets)-1]),
			"a tag of 12 octets":         compactPrefix + base64.RawURLEncoding.EncodeToString(octets[:len(octets)-4]),
			"no ciphertext":              compactPrefix + base64.RawURLEncoding.EncodeToString(slices.Concat(octets[:16], octets[len(octets)-16:])),
			"no tag":                     compactPrefix + base64.RawURLEncoding.EncodeToString(octets[:16]),
			"the prefix alone":           compactPrefix,
			"32 KiB and a byte":          compactPrefix + strings.Repeat("A", 32<<10-2),
		}
		for at := range len(text) + 1 {
			others["a line feed at "+text[:at]] = text[:at] + "\n" + text[at:]
			others["a carriage return at "+text[:at]] = text[:at] + "\r" + text[at:]
		}
		last := len(text) - 1
		for _, character := range base64url {
			if changed := text[:last] + string(character); changed != text {
				others["the last character "+string(character)] = changed
			}
		}
		for name, other := range others {
			for format, sealer := range sealers {
				_, err := sealer.Open(other)
				assert.ErrorIs(t, err, seal.ErrOpen, "%s, opened by %s", name, format)
			}
		}
		for format, sealer := range sealers {
			opened, err := sealer.Open(text)
			require.NoError(t, err, format)
			assert.Equal(t, plaintext, string(opened))
		}
	}
}

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// The generic test flips the bits of texts that Compact opens.
func TestABitFlippedCompactTextDoesNotOpenWithTheDefaultFormat(t *testing.T) {
	text, err := compact(t, "session", password).Seal([]byte("the session"))
	require.NoError(t, err)
	sealer := secureCookie(t, "session", password)
	for i := range text {
		for bit := range 8 {
			flipped := []byte(text)
			flipped[i] ^= 1 << bit
			_, err := sealer.Open(string(flipped))
			require.ErrorIs(t, err, seal.ErrOpen, "bit %d of character %d", bit, i)
		}
		_, err := sealer.Open(text[:i])
		require.ErrorIs(t, err, seal.ErrOpen, "cut to %d characters", i)
	}
}

// A text must not be taken for one of another format.
func TestAFormatOpensNoTextOfAnotherFormatExceptThatTheDefaultOpensCompact(t *testing.T) {
	for sealed, sealer := range formats {
		text, err := sealer(t, password).Seal([]byte("the session"))
		require.NoError(t, err)
		for opened, other := range formats {
			plaintext, err := other(t, password, previous).Open(text)
			if opened == sealed || opened == "securecookie" && sealed == "compact" {
				require.NoError(t, err, "%s, opened by %s", sealed, opened)
				assert.Equal(t, "the session", string(plaintext))
				continue
			}
			assert.ErrorIs(t, err, seal.ErrOpen, "%s, opened by %s", sealed, opened)
			_, err = other(t, password, previous).Open(compactPrefix + text)
			assert.ErrorIs(t, err, seal.ErrOpen, "%s with the prefix of compact, opened by %s", sealed, opened)
			_, err = other(t, password, previous).Open(strings.TrimPrefix(text, compactPrefix))
			assert.ErrorIs(t, err, seal.ErrOpen, "%s without the prefix, opened by %s", sealed, opened)
		}
	}
}

// Two texts with one key and one nonce would reveal the difference of their plaintexts. The tag and the keystream depend on
// the salt through the key alone.
func TestEachCompactTextHasASaltAndAKeyOfItsOwn(t *testing.T) {
	sealer := compact(t, "session", password)
	salts, keystreams := map[string]bool{}, map[string]bool{}
	const texts = 1000
	for range texts {
		text, err := sealer.Seal(make([]byte, 16)) // the ciphertext of zeros is the keystream
		require.NoError(t, err)
		octets, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text, compactPrefix))
		require.NoError(t, err)
		salts[string(octets[:16])], keystreams[string(octets[16:32])] = true, true
	}
	assert.Len(t, salts, texts)
	assert.Len(t, keystreams, texts)
}

// Open decodes into a shared buffer, which the next call overwrites.
func TestAnOpenedCompactPlaintextIsNotChangedByTheNextCall(t *testing.T) {
	sealer := compact(t, "session", password)
	first, err := sealer.Seal([]byte(strings.Repeat("a", 100)))
	require.NoError(t, err)
	second, err := sealer.Seal([]byte(strings.Repeat("b", 100)))
	require.NoError(t, err)
	opened, err := sealer.Open(first)
	require.NoError(t, err)
	_, err = sealer.Open(second)
	require.NoError(t, err)
	assert.Equal(t, strings.Repeat("a", 100), string(opened))
}

// Keys are derived with reused HMACs, and texts are decoded into reused buffers.
func TestACompactSealerIsSafeForConcurrentUse(t *testing.T) {
	sealers := map[string]seal.Sealer{"compact": compact(t, "session", password, previous), "securecookie": secureCookie(t, "session", password, previous)}
	older := compact(t, "session", previous)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			plaintext := bytes.Repeat([]byte{byte(i)}, 10*i+1)
			for range 200 {
				for _, sealer := range []seal.Sealer{sealers["compact"], older} {
					text, err := sealer.Seal(plaintext)
					assert.NoError(t, err)
					for name, opener := range sealers {
						opened, err := opener.Open(text)
						assert.NoError(t, err, name)
						assert.True(t, bytes.Equal(plaintext, opened), name)
					}
				}
			}
		})
	}
	wg.Wait()
}

func FuzzCompact(f *testing.F) {
	sealer := compact(f, "session", password, previous)
	text, err := secureCookie(f, "session", password).Seal([]byte("a"))
	require.NoError(f, err)
	foreign := compactAnswers(f)[1].Text
	fuzzOpen(f, sealer, text, compactPrefix, compactPrefix+text, foreign, compactPrefix+strings.Repeat("A", 100))
}

// Every session that is not cached is opened. With the race detector, the pool loses some of its buffers.
func TestOpeningACompactTextAllocatesThePlaintextAndTheCipher(t *testing.T) {
	sealer := compact(t, "session", password)
	text, err := sealer.Seal(bytes.Repeat([]byte("x"), 1500))
	require.NoError(t, err)
	_, err = sealer.Open(text) // the first one fills the pool
	require.NoError(t, err)
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = sealer.Open(text) }), 10.0)
}
