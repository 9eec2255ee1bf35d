// The format of WorkOS's official Go SDK.

package seal_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/seal"
)

func workOSGo(t testing.TB, passwords ...string) seal.Sealer {
	t.Helper()
	sealer, err := seal.WorkOSGo(passwords...)
	require.NoError(t, err)
	return sealer
}

// A session with a user and an impersonator that workos-go 10.1.1 sealed.
const (
	workOSGoVectorPassword = "test-password-at-least-32-characters-long"
	workOSGoVector         = "T3DgNIkvBIoFEFuWv9xQh7rrToEQg84EF5n5OS0/hH0zN5kZwU0NM4b3SagNxVcLv5exzXN8iTfZUvWcCVVh0u5FEkp+XO0T1iMts6nCAhCEXn" +
		"cg86c7d+y6w8QAVA/miSA6eo8gY+hrjGmpYMirw+EqdzIG1XU3iG6mLiC14/wLqZgr+A25lLYr9nvWx21/qigRfHPuzE4vtn9Bj1r3n7O8xmbn" +
		"tZ/A9sm/0q/8r7aNGia/Is+qYawaVNq11x5ozwxXowyZ+P1isPcqQsyyZ8Fh0iJCygeIw7ZbuTFEeprdnRsCrD93hQ9APG4MmrDGUaO17mCkzO" +
		"UzgyKipkiWF6V1ON56Zt+om1TxOVsknLlPpjFdTYux2UB9NWKR1kZHHPTe1Uv850WRhsgR5TW+peOlpU+Cv8ONjSbkCjRhQIbcNO3bLM49sBnk" +
		"CLNECP3MBnRjgZD+ja9qCvg6Rw6r3jgSWRqO71RRgFJ7SYhvV6+VrRjzEPv0YC8="
)

func TestATextSealedByTheOfficialSDKOpens(t *testing.T) {
	plaintext, err := workOSGo(t, password, workOSGoVectorPassword).Open(workOSGoVector)
	require.NoError(t, err)
	var session struct {
		AccessToken string `json:"access_token"`
		User        struct {
			FirstName string `json:"first_name"`
		} `json:"user"`
	}
	require.NoError(t, json.Unmarshal(plaintext, &session))
	assert.Equal(t, "a.b.c", session.AccessToken)
	assert.Equal(t, "Zoë", session.User.FirstName)
}

func TestAPasswordOf64HexadecimalDigitsIsTheKey(t *testing.T) {
	hexadecimal := strings.Repeat("0123456789abcdef", 4)
	text, err := workOSGo(t, hexadecimal).Seal([]byte("x"))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		password string
		opens    bool
	}{
		"the same":                           {hexadecimal, true},
		"the same key in upper case":         {strings.ToUpper(hexadecimal), true},
		"two more digits":                    {hexadecimal + "00", false},
		"the first half":                     {hexadecimal[:32], false},
		"with two other characters appended": {hexadecimal + "zz", false},
		"64 other characters":                {strings.Repeat("z", 64), false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := workOSGo(t, c.password).Open(text)
			assert.Equal(t, c.opens, err == nil, "%v", err)
		})
	}
}

// sealedByTheSDK seals a number of zero octets as the official Go SDK does. The
// SDK has no limit.
func sealedByTheSDK(t testing.TB, octets int) string {
	t.Helper()
	key := sha256.Sum256([]byte(password))
	block, err := aes.NewCipher(key[:])
	require.NoError(t, err)
	aead, err := cipher.NewGCM(block)
	if err != nil { // with GODEBUG=fips140=only
		t.Skip(err)
	}
	nonce := []byte("twelve bytes")
	return base64.StdEncoding.EncodeToString(aead.Seal(nonce, nonce, make([]byte, octets), nil))
}

func TestATextOfTheOfficialSDKOpensUpTo32KiB(t *testing.T) {
	const most = 32<<10/4*3 - 12 - 16 // octets, without the nonce and the tag
	text := sealedByTheSDK(t, most)
	require.Len(t, text, 32<<10)
	plaintext, err := workOSGo(t, password).Open(text)
	require.NoError(t, err)
	assert.Len(t, plaintext, most)
	sealed, err := workOSGo(t, password).Seal(make([]byte, most))
	require.NoError(t, err)
	assert.Len(t, sealed, 32<<10, "the longest text is sealed too")
	_, err = workOSGo(t, password).Open(sealedByTheSDK(t, 0))
	assert.ErrorIs(t, err, seal.ErrOpen, "an empty plaintext does not open")
	for _, octets := range []int{most + 1, 1 << 20} {
		_, err := workOSGo(t, password).Open(sealedByTheSDK(t, octets))
		require.ErrorIs(t, err, seal.ErrOpen, "%d octets", octets)
		assert.ErrorContains(t, err, "longer than 32768 bytes")
	}
}

func FuzzWorkOSGo(f *testing.F) { fuzzOpen(f, workOSGo(f, password, previous)) }
