// The iron format.

package seal_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/seal"
)

func iron(t testing.TB, passwords ...string) *seal.IronSealer {
	t.Helper()
	sealer, err := seal.Iron(passwords...)
	skipIfUnsupported(t, err)
	require.NoError(t, err)
	return sealer
}

// A text that iron-session sealed, with its password and plaintext.
const (
	ironVectorPassword = "test-password-at-least-32-characters-long"
	ironVector         = "Fe26.2*1*b541837a8b40776f11b4027e594a8dcd25ec99229cdc45ed3b687cbccca64f47*DEmkyWywBMwX-Or2pdwoWA*" +
		"UbrlJcc9zsf2V72e1ZtRLAMXll8I9g0vHxmSPeDHYBvpXz6eZWpwOhhIN51Qv2KQTBOTdZ68NM1rlMEi8Qw8_3MJx2d5gCF3HuxdD8i_rW1ZtOKA_" +
		"FeJ2wMv9hOsRbjLUcBSY22V_1uWn8ntaDr30g**55f4e2b49646b2f99b283de7c94ff44b321457ef3a53ae0cdef5e7022e89361e*" +
		"vFrhRr_N5aoWweeL27cA7KlzbQsHlgOVgG0N-L1Phjo~2"
	ironVectorPlaintext = `{"accessToken":"a.b.c","refreshToken":"r","user":{"id":"user_1","name":"é"},"authenticationMethod":"Password"}`
)

func TestATextSealedByIronSessionOpens(t *testing.T) {
	for name, c := range map[string]struct {
		passwords []string
		text      string
	}{
		"unchanged":                  {[]string{ironVectorPassword}, ironVector},
		"without the version":        {[]string{ironVectorPassword}, strings.TrimSuffix(ironVector, "~2")},
		"with the earlier version":   {[]string{ironVectorPassword}, strings.TrimSuffix(ironVector, "2") + "1"},
		"with the password second":   {[]string{password, ironVectorPassword}, ironVector},
		"with another password ID":   {[]string{password}, sealAs(t, password, "7", "", "~2")},
		"without a password ID":      {[]string{password}, sealAs(t, password, "", "", "~2")},
		"with the latest expiration": {[]string{password}, sealAs(t, password, "1", "9999999999999999", "~2")},
	} {
		t.Run(name, func(t *testing.T) {
			plaintext, err := iron(t, c.passwords...).Open(c.text)
			require.NoError(t, err)
			assert.Equal(t, ironVectorPlaintext, string(plaintext))
		})
	}
}

// A text that iron-store 1.3.5 sealed. The earlier version of iron-session, next-iron-session, used that. It is the golden
// seal of internal/interop/earlier.mjs.
const (
	earlierVector = "Fe26.2*1*50e3fe4d9f6b368f7a43c7879e67c368a10cbe516fe30eeb8c14989a806dee9a*OLGiZbGTfc1vm77E886DsQ*" +
		"D7cQgKLzJQZXxYkcgJMvA8UFxZN-EoV1yJ2OOqRA3moEdyJVFwU0lPZawCxxkt36b1XXFsjX556HhYTcHtQi7fjmZUIZE-6H4lf-wdm4y3N2b_vLLESuR8jEPoOP98Fh**" +
		"958716afab7524afc25927328a8d95971875cdf60233bfe04e50d269bb5c2c74*iG7OS7oZOFq98NOX2cNTEovWW3qP0zPhxezi06H0_uc"
	earlierVectorPlaintext = `{"persistent":{"accessToken":"a.b.c","refreshToken":"r","user":{"id":"user_1"}},"flash":{}}`
)

// Its releases wrote no suffix. Later versions of iron-session take every text without ~2 for one of them.
func TestATextOfTheEarlierIronSessionOpensUnchanged(t *testing.T) {
	for _, suffix := range []string{"", "~1", "~2"} {
		plaintext, err := iron(t, ironVectorPassword).Open(earlierVector + suffix)
		require.NoError(t, err, "the suffix %q", suffix)
		assert.Equal(t, earlierVectorPlaintext, string(plaintext), "the suffix %q", suffix)
	}
}

// sealAs seals the vector's plaintext with parts that Seal never writes: another
// password ID, an expiration, another version.
func sealAs(t testing.TB, password, id, expiration, suffix string) string {
	t.Helper()
	text, err := iron(t, password).Seal([]byte(ironVectorPlaintext))
	require.NoError(t, err)
	parts := strings.Split(strings.TrimSuffix(text, "~2"), "*")
	parts[1], parts[5] = id, expiration
	return remac(t, password, parts) + suffix
}

// remac replaces the mac by a valid one.
func remac(t testing.TB, password string, parts []string) string {
	t.Helper()
	key, err := pbkdf2.Key(sha1.New, password, []byte(parts[6]), 1, 32)
	if err != nil { // with GODEBUG=fips140=only
		t.Skip(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join(parts[:6], "*")))
	parts[7] = base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	return strings.Join(parts, "*")
}

func TestABitFlippedIronSessionTextDoesNotOpen(t *testing.T) {
	sealer := iron(t, ironVectorPassword)
	for i := range ironVector {
		for bit := range 8 {
			flipped := []byte(ironVector)
			flipped[i] ^= 1 << bit
			_, err := sealer.Open(string(flipped))
			require.ErrorIs(t, err, seal.ErrOpen, "bit %d of character %d", bit, i)
		}
	}
}

func TestAMalformedIronTextIsRefusedWithTheReason(t *testing.T) {
	parts := strings.Split(strings.TrimSuffix(ironVector, "~2"), "*")
	with := func(i int, part string) string {
		changed := append([]string{}, parts...)
		changed[i] = part
		return remac(t, ironVectorPassword, changed) + "~2"
	}
	for name, c := range map[string]struct {
		text, want string
	}{
		"an empty text":                      {"", "it has 1 parts; the iron format has 8"},
		"a million asterisks":                {strings.Repeat("*", 1_000_000), "longer than 32768 bytes"},
		"asterisks up to the limit":          {strings.Repeat("*", 32<<10), "32769 parts"},
		"a part too many":                    {ironVector + "*", "its iron-session version is neither 1 nor 2"},
		"a part too many before the version": {strings.Replace(ironVector, "~", "*~", 1), "9 parts"},
		"a megabyte of ciphertext":           {strings.Replace(ironVector, parts[4], strings.Repeat("A", 1<<20), 1), "longer than"},
		"a later version":                    {strings.TrimSuffix(ironVector, "2") + "3", "its iron-session version is neither 1 nor 2"},
		"an empty version":                   {strings.TrimSuffix(ironVector, "2"), "its iron-session version is neither 1 nor 2"},
		"two versions":                       {ironVector + "~2", "its iron-session version is neither 1 nor 2"},
		"a later format":                     {with(0, "Fe26.3"), "it does not start with Fe26.2"},
		"another password and its ID":        {sealAs(t, unknown, "99", "", "~2"), `password ID "99"`},
		"a password ID in other letters":     {with(1, "é"), "invalid password ID"},
		"a long password ID":                 {with(1, strings.Repeat("1", 65)), "invalid password ID"},
		"a short salt":                       {with(2, parts[2][:63]), "invalid salt"},
		"a salt in capitals":                 {with(2, strings.ToUpper(parts[2])), "invalid salt"},
		"a salt with a character before 0":   {with(2, "/"+parts[2][1:]), "invalid salt"},
		"a salt with a character after 9":    {with(2, ":"+parts[2][1:]), "invalid salt"},
		"a salt with a character before a":   {with(2, "`"+parts[2][1:]), "invalid salt"},
		"a salt with a letter after f":       {with(2, "g"+parts[2][1:]), "invalid salt"},
		"a long mac salt":                    {with(6, parts[6]+"0"), "invalid salt"},
		"an iv of 15 octets":                 {with(3, "DEmkyWywBMwX-Or2pdwo"), "invalid initialization vector"},
		"an iv with a line break":            {with(3, "\n"+parts[3]), "invalid initialization vector"},
		"a ciphertext of a partial block":    {with(4, parts[4]+"AAAA"), "invalid ciphertext"},
		"a ciphertext with base64 padding":   {with(4, parts[4]+"=="), "invalid ciphertext"},
		"a truncated ciphertext":             {with(4, parts[4][:len(parts[4])-4]), "invalid ciphertext"},
		"a ciphertext with a line break":     {with(4, parts[4]+"\n"), "invalid ciphertext"},
		"a ciphertext in another alphabet":   {with(4, parts[4][:64]+"!"), "invalid ciphertext"},
		"no ciphertext":                      {with(4, ""), "invalid ciphertext"},
		"a mac with a line break":            {strings.Replace(ironVector, parts[7], parts[7]+"\n", 1), "invalid mac"},
		"a mac in two lines":                 {strings.Replace(ironVector, parts[7], parts[7][:20]+"\r\n"+parts[7][20:], 1), "invalid mac"},
		"a short mac":                        {strings.Replace(ironVector, parts[7], parts[7][:40], 1), "invalid mac"},
		"an expiration that starts with 0":   {with(5, "01"), "invalid expiration"},
		"an expiration that is a word":       {with(5, "never"), "invalid expiration"},
		"an expiration of zero":              {with(5, "0"), "invalid expiration"},
		"an expiration with a sign":          {with(5, "+1"), "invalid expiration"},
		"a negative expiration":              {with(5, "-1"), "invalid expiration"},
		"an expiration of 17 digits":         {with(5, "10000000000000000"), "invalid expiration"},
		"another password":                   {sealAs(t, unknown, "1", "", "~2"), "its mac matches none of the passwords"},
		"wrong padding":                      {with(4, strings.Repeat("A", 64)), "invalid padding"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := iron(t, ironVectorPassword).Open(c.text)
			require.ErrorIs(t, err, seal.ErrOpen)
			assert.ErrorContains(t, err, c.want)
		})
	}
	for i := range parts {
		if i == 5 {
			continue // the expiration is optional
		}
		for name, text := range map[string]string{
			"empty":   strings.Join(append(append(append([]string{}, parts[:i]...), ""), parts[i+1:]...), "*") + "~2",
			"missing": strings.Join(append(append([]string{}, parts[:i]...), parts[i+1:]...), "*") + "~2",
		} {
			_, err := iron(t, ironVectorPassword).Open(text)
			require.ErrorIs(t, err, seal.ErrOpen, "part %d %s", i, name)
		}
	}
}

// padded seals blocks that already contain their padding.
func padded(t testing.TB, blocks []byte) string {
	t.Helper()
	text, err := iron(t, password).Seal([]byte("x"))
	require.NoError(t, err)
	parts := strings.Split(strings.TrimSuffix(text, "~2"), "*")
	key, err := pbkdf2.Key(sha1.New, password, []byte(parts[2]), 1, 32)
	require.NoError(t, err)
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	iv, err := base64.RawURLEncoding.DecodeString(parts[3])
	require.NoError(t, err)
	ciphertext := make([]byte, len(blocks))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(ciphertext, blocks)
	parts[4] = base64.RawURLEncoding.EncodeToString(ciphertext)
	return remac(t, password, parts) + "~2"
}

// RFC 5652, section 6.3: each octet of the padding is its length, 1 to 16.
func TestOnlyPKCS7PaddingIsAccepted(t *testing.T) {
	const text = "0123456789abcdef0123456789abcdef"
	end := func(octets ...byte) []byte { return append([]byte(text[:32-len(octets)]), octets...) }
	for name, c := range map[string]struct {
		blocks []byte
		want   string // empty if it is refused
	}{
		"one octet":                      {end(1), text[:31]},
		"two octets":                     {end(2, 2), text[:30]},
		"a block":                        {end(bytes.Repeat([]byte{16}, 16)...), text[:16]},
		"none":                           {end(0), ""},
		"two zero octets":                {end(0, 0), ""},
		"seventeen octets":               {end(bytes.Repeat([]byte{17}, 17)...), ""},
		"two blocks":                     {bytes.Repeat([]byte{32}, 32), ""},
		"more than the text has":         {end(255), ""},
		"a wrong first octet":            {end(2, 3, 3), ""},
		"a wrong octet in between":       {end(4, 4, 5, 4), ""},
		"a wrong first octet of a block": {end(append([]byte{15}, bytes.Repeat([]byte{16}, 15)...)...), ""},
		"a zero before the last octet":   {end(0, 2), ""},
	} {
		t.Run(name, func(t *testing.T) {
			plaintext, err := iron(t, password).Open(padded(t, c.blocks))
			if c.want != "" {
				require.NoError(t, err)
				assert.Equal(t, c.want, string(plaintext))
				return
			}
			require.ErrorIs(t, err, seal.ErrOpen)
			assert.ErrorContains(t, err, "invalid padding")
			assert.Empty(t, plaintext)
		})
	}
}

func TestAnIronPasswordIDHasAtMost64WordCharacters(t *testing.T) {
	for _, id := range []string{"0", "9", "a", "z", "A", "Z", "_", "key_9Zz", strings.Repeat("k", 64)} {
		_, err := iron(t, password).Open(sealAs(t, password, id, "", "~2"))
		assert.NoError(t, err, id)
	}
	for _, id := range []string{"/", ":", "@", "[", "`", "{", "^", "-", ".", " ", "a b", strings.Repeat("k", 65)} {
		_, err := iron(t, password).Open(sealAs(t, password, id, "", "~2"))
		require.ErrorIs(t, err, seal.ErrOpen, id)
		assert.ErrorContains(t, err, "invalid password ID", id)
	}
}

func TestTwoIronTextsOfOnePlaintextShareNoRandomPart(t *testing.T) {
	parts := func() []string {
		text, err := iron(t, password).Seal([]byte("the session"))
		require.NoError(t, err)
		return strings.Split(text, "*")
	}
	one, other := parts(), parts()
	for i, name := range map[int]string{2: "salt", 3: "initialization vector", 4: "ciphertext", 6: "mac salt", 7: "mac"} {
		assert.NotEqual(t, one[i], other[i], name)
	}
	assert.NotEqual(t, one[2], one[6], "the salts of one seal")
}

// fixedClock always shows the same time and calls nothing.
type fixedClock time.Time

func (c fixedClock) Now() time.Time { return time.Time(c) }

func (c fixedClock) AfterFunc(time.Duration, func()) func() bool { return func() bool { return true } }

func TestAnIronTextExpiresAMinuteAfterItsTTL(t *testing.T) {
	now := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	sealer := iron(t, password).WithTTL(time.Hour).WithClock(fixedClock(now))
	text, err := sealer.Seal([]byte("x"))
	require.NoError(t, err)
	assert.Contains(t, text, fmt.Sprintf("*%d*", now.Add(time.Hour).UnixMilli()))
	eternal, err := sealer.WithTTL(0).Seal([]byte("x"))
	require.NoError(t, err)
	for after, opens := range map[time.Duration]bool{
		0:         true,
		time.Hour: true,
		time.Hour + time.Minute - time.Millisecond: true,
		time.Hour + time.Minute:                    false,
		24 * time.Hour:                             false,
	} {
		now := now.Add(after)
		reader := iron(t, password).WithClock(fixedClock(now))
		_, err := reader.Open(text)
		if opens {
			assert.NoError(t, err, "%s later", after)
		} else {
			assert.ErrorIs(t, err, seal.ErrOpen, "%s later", after)
			assert.ErrorContains(t, err, "expired at 2026-03-14T10:26:53Z")
		}
		_, err = reader.Open(eternal)
		assert.NoError(t, err)
	}
}

func TestAnIronPasswordIsCountedInUTF16CodeUnits(t *testing.T) {
	for name, c := range map[string]struct {
		password, want string
	}{
		"32 characters of one byte":       {password, ""},
		"32 characters of two bytes":      {strings.Repeat("é", 32), ""},
		"16 characters of two code units": {strings.Repeat("🔑", 16), ""},
		"31 characters of three bytes":    {strings.Repeat("山", 31), "is 31 characters long; the iron format needs at least 32"},
		"15 characters of two code units": {strings.Repeat("🔑", 15), "is 30 characters long"},
		"invalid UTF-8":                   {strings.Repeat("\xff", 32), "is not valid UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := seal.Iron(password, c.password)
			if c.want == "" {
				skipIfUnsupported(t, err)
				assert.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "password 2 of 2 "+c.want)
			assert.NotContains(t, err.Error(), c.password)
		})
	}
}

func TestAPlaintextTooLongToOpenIsNotSealed(t *testing.T) {
	for _, format := range []string{"compact", "iron", "workos-go"} {
		_, err := formats[format](t, password).Seal(make([]byte, 32<<10))
		assert.ErrorIs(t, err, seal.ErrTooLong, format)
		assert.ErrorContains(t, err, "this format allows at most 32768", format)
	}
}

func FuzzIron(f *testing.F) {
	fuzzOpen(f, iron(f, password, previous), ironVector, strings.Repeat("*", 1000), "Fe26.2*1*****1*~2",
		sealAs(f, unknown, "99", "1", "~3"))
}
