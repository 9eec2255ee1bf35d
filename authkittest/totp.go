// Time-based one-time passwords (RFC 6238) as in authenticator apps: SHA-1, six digits, 30 seconds.

package authkittest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

const (
	totpPeriod = 30 // length of a time step in seconds
	totpSkew   = 1  // steps before and after the current one that are accepted (RFC 6238 section 5.2)
)

// TOTP returns the code that an authenticator app shows at a time. secret is in base32, as in the response to an enrollment.
// TOTP panics if secret is not base32.
func TOTP(secret string, at time.Time) string {
	key, err := totpKey(secret)
	if err != nil {
		panic("authkittest: the TOTP secret is not base32")
	}
	return hotp(key, totpStep(at))
}

func totpStep(at time.Time) int64 { return at.Unix() / totpPeriod }

// hotp returns the code of RFC 4226 section 5.3.
func hotp(key []byte, counter int64) string {
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, counter)
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%1_000_000)
}

// totpKey decodes a secret in upper or lower case, with or without padding.
func totpKey(secret string) ([]byte, error) {
	return base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(strings.ToUpper(secret), "="))
}

// newTOTPSecret returns a random secret of 160 bits, the length that RFC 4226 section 4 recommends.
func newTOTPSecret() string {
	key := make([]byte, 20)
	_, _ = rand.Read(key) // never fails
	return base32.StdEncoding.EncodeToString(key)
}

// totpURI returns the URI that authenticator apps scan: https://github.com/google/google-authenticator/wiki/Key-Uri-Format
func totpURI(secret, issuer, user string) string {
	label := url.PathEscape(issuer) + ":" + url.PathEscape(user)
	return "otpauth://totp/" + label + "?secret=" + secret + "&issuer=" + url.PathEscape(issuer) + "&algorithm=SHA1&digits=6&period=30"
}
