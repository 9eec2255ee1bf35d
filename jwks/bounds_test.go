// The bounds on the work that a token can cause before its signature is verified.

package jwks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

// maxHeader is the limit of the header segment, in bytes of base64url.
const maxHeader = 1 << 10

// headerOf returns a good header with one more parameter that has the given value.
func headerOf(value string) string { return `{"alg":"RS256","kid":"kid_a","x":` + value + `}` }

// padded returns a good header whose segment has the given number of bytes.
func padded(t *testing.T, segment int) string {
	t.Helper()
	octets := segment * 3 / 4
	header := headerOf(`"` + strings.Repeat("x", octets-len(headerOf(`""`))) + `"`)
	require.Len(t, b64([]byte(header)), segment)
	return header
}

// The size of the segment is checked before it is decoded.
func TestAHeaderBeyondAKilobyteIsRefusedBeforeItIsDecoded(t *testing.T) {
	v, c := newVerifier(t)
	payload := goodClaims(c.Now()).json()
	_, err := v.Verify(t.Context(), sign(keyA(), padded(t, maxHeader), payload))
	require.NoError(t, err)

	rest := "." + b64([]byte(payload)) + "." + b64(make([]byte, 256))
	for name, token := range map[string]string{
		"a good header, too long":       sign(keyA(), padded(t, maxHeader+2), payload),
		"15 KB of nested arrays":        b64([]byte(headerOf(nested("[", "]", 5600)))) + rest,
		"15 KB of nested objects":       b64([]byte(headerOf(nested(`{"":`, "}", 2200)))) + rest,
		"15 KB of members":              b64([]byte(members(1400))) + rest,
		"15 KB of numbers":              b64([]byte(headerOf("["+strings.Repeat("1,", 5500)+"1]"))) + rest,
		"15 KB that are not base64url":  strings.Repeat("!", 15<<10) + rest,
		"15 KB of line feeds":           strings.Repeat("\n", 15<<10) + rest,
		"1025 bytes that are not JSON":  strings.Repeat("A", maxHeader+1) + rest,
		"a kid of ten kilobytes":        b64([]byte(goodHeader().with("kid", strings.Repeat("k", 10<<10)).json())) + rest,
		"15 KB of an escaped parameter": b64([]byte(headerOf(`"`+strings.Repeat(`\u0041`, 1800)+`"`))) + rest,
	} {
		t.Run(name, func(t *testing.T) {
			require.Less(t, len(token), 16<<10)
			_, err := v.Verify(t.Context(), token)
			refused := requireRefused(t, err, "header")
			assert.Equal(t, "at most 1024 bytes", refused.Want)
			assert.LessOrEqual(t, testing.AllocsPerRun(10, func() { _, _ = v.Verify(t.Context(), token) }), 8.0)
		})
	}
}

func nested(open, end string, depth int) string {
	return strings.Repeat(open, depth) + "0" + strings.Repeat(end, depth)
}

func members(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`"%d":0`, i))
	}
	return "{" + strings.Join(list, ",") + "}"
}

// The parser builds no value of a header and bounds its nesting.
func TestAHeaderWithinAKilobyteCostsLittle(t *testing.T) {
	v, c := newVerifier(t)
	payload := goodClaims(c.Now()).json()
	for name, test := range map[string]struct {
		value string
		good  bool
	}{
		"arrays, 15 levels":                      {nested("[", "]", 15), true},
		"arrays, 16 levels":                      {nested("[", "]", 16), false},
		"objects, 15 levels":                     {nested(`{"":`, "}", 15), true},
		"objects, 16 levels":                     {nested(`{"":`, "}", 16), false},
		"arrays, 300 levels":                     {nested("[", "]", 300), false},
		"objects, 100 levels":                    {nested(`{"":`, "}", 100), false},
		"arrays that are not closed":             {strings.Repeat("[", 700), false},
		"numbers":                                {"[" + strings.Repeat("1,", 340) + "1]", true},
		"long numbers":                           {"[" + strings.Repeat("1", 300) + "," + strings.Repeat("0.1", 1) + "]", true},
		"a nested number beyond float64":         {nested("[", "]", 3)[:3] + "1e400]]]", false},
		"a number beyond float64, by its length": {strings.Repeat("9", 400), false},
		"empty objects":                          {"[" + strings.Repeat("{},", 220) + "{}]", true},
		"objects with one member":                {"[" + strings.Repeat(`{"":0},`, 90) + "0]", true},
	} {
		t.Run(name, func(t *testing.T) {
			token := sign(keyB(), headerOf(test.value), payload)
			require.LessOrEqual(t, len(token[:strings.IndexByte(token, '.')]), maxHeader)
			_, err := v.Verify(t.Context(), token)
			if test.good {
				requireRefused(t, err, "signature")
			} else {
				requireRefused(t, err, "header")
			}
			assert.LessOrEqual(t, testing.AllocsPerRun(10, func() { _, _ = jwks.UnverifiedClaims(token) }), 130.0)
		})
	}
}

// A payload with deeper nesting than any claim needs is refused, even with a good signature.
func TestADeeplyNestedPayloadIsRefused(t *testing.T) {
	v, c := newVerifier(t)
	for depth, good := range map[int]bool{500: true, 511: true, 512: false, 2000: false, 5500: false} {
		payload := strings.TrimSuffix(goodClaims(c.Now()).json(), "}") + `,"x":` + nested("[", "]", depth) + "}"
		_, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), payload))
		if good {
			require.NoError(t, err, depth)
		} else {
			requireRefused(t, err, "payload")
		}
	}
}
