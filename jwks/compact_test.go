// The checks of a token's format and header.

package jwks_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

func TestMalformedTokensAreRefusedBeforeAnyKeyIsFetched(t *testing.T) {
	c := newClock()
	good := sign(keyA(), goodHeader().json(), goodClaims(c.Now()).json())
	segments := strings.Split(good, ".")
	header, payload, signature := segments[0], segments[1], segments[2]

	// The last character of a signature of 256 octets has four unused bits. In canonical base64url they are zero.
	last := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", signature[len(signature)-1])
	trailingBits := signature[:len(signature)-1] +
		string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last+1])

	for name, test := range map[string]struct{ token, part string }{
		"the empty string":                     {"", "token"},
		"two megabytes":                        {strings.Repeat("a", 2<<20), "token"},
		"a good token padded beyond the limit": {good + strings.Repeat("A", 16<<10), "token"},
		"ten thousand dots":                    {strings.Repeat(".", 10000), "token"},
		"two segments":                         {header + "." + payload, "token"},
		"four segments":                        {good + "." + signature, "token"},
		"the five segments of a JWE":           {good + ".AA.AA", "token"},
		"a trailing dot":                       {good + ".", "token"},
		"three empty segments":                 {"..", "header"},
		"an empty header":                      {"." + payload + "." + signature, "header"},
		"an empty payload":                     {header + ".." + signature, "payload"},
		"an empty signature":                   {header + "." + payload + ".", "signature"},
		"a padded signature":                   {good + "==", "signature"},
		"a signature with trailing bits":       {header + "." + payload + "." + trailingBits, "signature"},
		"a line feed within the signature":     {good[:len(good)-3] + "\n" + good[len(good)-3:], "signature"},
		"a carriage return within the payload": {header + ".\r" + payload + "." + signature, "payload"},
		"a trailing line feed":                 {good + "\n", "signature"},
		"a leading space":                      {" " + good, "header"},
		"the alphabet of standard base64":      {header + "." + payload + ".+/+/", "signature"},
		"the JSON serialization":               {`{"protected":"` + header + `","payload":"` + payload + `","signature":"` + signature + `"}`, "token"},
		"the JSON serialization with two dots": {`{"protected":"` + header + `","payload":"..","signature":"` + signature + `"}`, "header"},
		"an authorization scheme in front":     {"Bearer " + good, "header"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t, publish(jwkA()))
			keys, _ := newKeySet(e)
			v := jwks.NewVerifier(keys, jwks.WithIssuers(issuer), jwks.WithClientIDs(clientID))

			claims, err := v.Verify(t.Context(), test.token)

			requireRefused(t, err, test.part)
			assert.Nil(t, claims)
			assert.Zero(t, e.requests.Load())
			_, err = jwks.UnverifiedClaims(test.token)
			requireRefused(t, err, test.part)
		})
	}
}

func TestAMalformedOrForbiddenHeaderIsRefused(t *testing.T) {
	good := goodHeader()
	for name, test := range map[string]struct{ header, part string }{
		"not JSON":                {`RS256`, "header"},
		"an array":                {`["RS256"]`, "header"},
		"a string":                {`"RS256"`, "header"},
		"null":                    {`null`, "header"},
		"an object and more":      {good.json() + `{}`, "header"},
		"invalid UTF-8":           {"{\"alg\":\"RS256\",\"kid\":\"kid_a\",\"x\":\"\xff\"}", "header"},
		"alg twice":               {`{"alg":"RS256","alg":"RS256","kid":"kid_a"}`, "header"},
		"kid twice, once escaped": {`{"alg":"RS256","kid":"kid_a","\u006bid":"kid_b"}`, "header"},
		"a duplicate deep inside an unknown value": {`{"alg":"RS256","kid":"kid_a","x":[1,{"y":[{"z":1,"z":2}]}]}`, "header"},
		"no alg":                         {good.without("alg").json(), "alg"},
		"alg none":                       {good.with("alg", "none").json(), "alg"},
		"alg in other case":              {good.with("alg", "rs256").json(), "alg"},
		"alg with a name in other case":  {`{"ALG":"RS256","kid":"kid_a"}`, "alg"},
		"alg RS384":                      {good.with("alg", "RS384").json(), "alg"},
		"alg PS256":                      {good.with("alg", "PS256").json(), "alg"},
		"alg ES256":                      {good.with("alg", "ES256").json(), "alg"},
		"alg HS256":                      {good.with("alg", "HS256").json(), "alg"},
		"alg a list":                     {good.with("alg", []string{"RS256"}).json(), "alg"},
		"alg empty":                      {good.with("alg", "").json(), "alg"},
		"no kid":                         {good.without("kid").json(), "kid"},
		"an empty kid":                   {good.with("kid", "").json(), "kid"},
		"a number as kid":                {good.with("kid", 1).json(), "kid"},
		"a kid beyond the limit":         {good.with("kid", strings.Repeat("k", 257)).json(), "kid"},
		"crit with an unknown extension": {good.with("crit", []string{"exp"}).with("exp", 1).json(), "crit"},
		"an empty crit":                  {good.with("crit", []string{}).json(), "crit"},
		"an unencoded payload":           {good.with("b64", false).json(), "b64"},
		"an embedded key":                {good.with("jwk", jwkB()).json(), "jwk"},
		"the URL of keys":                {good.with("jku", "https://evil.test/jwks").json(), "jku"},
		"the URL of a certificate":       {good.with("x5u", "https://evil.test/cert").json(), "x5u"},
		"an embedded certificate":        {good.with("x5c", []string{"MIIB"}).json(), "x5c"},
		"a typ that is not a string":     {good.with("typ", 1).json(), "typ"},
		"a leading space":                {" " + good.json(), "header"},
		"a trailing line feed":           {good.json() + "\n", "header"},
		"a number beyond float64":        {`{"alg":"RS256","kid":"kid_a","x":[1e400]}`, "header"},
		"a cty that is null":             {good.with("cty", nil).json(), "cty"},
	} {
		t.Run(name, func(t *testing.T) {
			v, c := newVerifier(t)
			token := sign(keyA(), test.header, goodClaims(c.Now()).json())

			claims, err := v.Verify(t.Context(), token)

			requireRefused(t, err, test.part)
			assert.Nil(t, claims)
		})
	}
}

func TestAnUnusualButValidHeaderIsAccepted(t *testing.T) {
	for name, header := range map[string]string{
		"as WorkOS sends it":            goodHeader().json(),
		"with a typ":                    goodHeader().with("typ", "JWT").json(),
		"with an unknown parameter":     goodHeader().with("x", object{"alg": "none"}).json(),
		"with space within":             "{\n\t\"alg\" : \"RS256\" ,\r\n \"kid\" : \"kid_a\" }",
		"with an escaped name":          `{"\u0061lg":"RS256","kid":"kid_a"}`,
		"with ALG besides alg":          `{"alg":"RS256","ALG":"none","kid":"kid_a"}`,
		"with a certificate thumbprint": goodHeader().with("x5t", "AAAA").json(),
	} {
		t.Run(name, func(t *testing.T) {
			v, c := newVerifier(t)

			claims, err := v.Verify(t.Context(), sign(keyA(), header, goodClaims(c.Now()).json()))

			require.NoError(t, err)
			assert.Equal(t, "user_01A", claims.Subject)
		})
	}
}

func TestAnHS256TokenKeyedWithThePublicKeyIsRefused(t *testing.T) {
	v, c := newVerifier(t)
	input := b64([]byte(`{"alg":"HS256","kid":"kid_a"}`)) + "." + b64([]byte(goodClaims(c.Now()).json()))
	mac := hmac.New(sha256.New, x509.MarshalPKCS1PublicKey(&keyA().PublicKey))
	mac.Write([]byte(input))

	_, err := v.Verify(t.Context(), input+"."+b64(mac.Sum(nil)))

	refused := requireRefused(t, err, "alg")
	assert.Equal(t, `"RS256"`, refused.Want)
	assert.Equal(t, `"HS256"`, refused.Got)
}
