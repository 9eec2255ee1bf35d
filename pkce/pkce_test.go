// The code verifier and the code challenge of RFC 7636.

package pkce_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/pkce"
)

func TestTheChallengeMatchesRFC7636AppendixB(t *testing.T) {
	assert.Equal(t,
		"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
		pkce.Challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))
}

func TestAVerifierIs32RandomOctetsInUnreservedCharacters(t *testing.T) {
	unreserved := regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	seen := map[string]bool{}
	for range 1000 {
		verifier := pkce.NewVerifier()
		require.Regexp(t, unreserved, verifier)
		octets, err := base64.RawURLEncoding.DecodeString(verifier)
		require.NoError(t, err)
		require.Len(t, octets, 32)
		require.False(t, seen[verifier], "two verifiers are equal")
		seen[verifier] = true
	}
}

func ExampleChallenge() {
	verifier := pkce.NewVerifier()

	authorize := url.Values{
		"code_challenge":        {pkce.Challenge(verifier)},
		"code_challenge_method": {pkce.Method},
	}
	redeem := url.Values{"code_verifier": {verifier}}

	fmt.Println(len(authorize.Get("code_challenge")), len(redeem.Get("code_verifier")))
	// Output: 43 43
}
