// Forged access tokens, at every place where the application accepts a token.

package behaviour

import (
	"bytes"
	"compress/flate"
	"crypto"
	_ "crypto/sha512" // for RS384 and the like
	"encoding/base64"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
)

// forgedHeaders returns tokens whose header names a forbidden algorithm or key, or is malformed. Some name attackerURL as
// the source of their keys.
func forgedHeaders(attackerURL string) []forgery {
	embedded := jwk("key_embedded", unknownKey())
	forgeries := []forgery{
		{name: "alg none without a signature", header: setMember("alg", "none"), sign: unsigned},
		{name: "alg none with an arbitrary signature", header: setMember("alg", "none"), sign: func(string) []byte { return []byte("signature") }},
		{name: "alg none with a signature by the known key", header: setMember("alg", "none")},
		{name: "alg nOnE", header: setMember("alg", "nOnE"), sign: unsigned},
		{name: "an empty alg", header: setMember("alg", "")},
		{name: "no alg", header: removeMember("alg")},
		{name: "an alg that is null", header: setMember("alg", nil)},
		{name: "an alg that is a list", header: setMember("alg", []string{"RS256"})},
		{name: "alg rs256", header: setMember("alg", "rs256")},
		{name: "alg RS256 with a space", header: setMember("alg", "RS256 ")},
		{name: "RS384 by the known key", header: setMember("alg", "RS384"), sign: rs(crypto.SHA384, knownKey())},
		{name: "RS512 by the known key", header: setMember("alg", "RS512"), sign: rs(crypto.SHA512, knownKey())},
		{name: "PS256 by the known key", header: setMember("alg", "PS256"), sign: ps(crypto.SHA256, knownKey())},
		{name: "ES256 by a published key", header: func(h object) { h["alg"], h["kid"] = "ES256", curveID }, sign: es256},
		{name: "ES256 under the known key's ID", header: setMember("alg", "ES256"), sign: es256},
		{name: "EdDSA", header: setMember("alg", "EdDSA"), sign: func(string) []byte { return make([]byte, 64) }},
		{name: "a duplicate alg, the valid one first", headerText: appendMembers(`"alg":"none"`)},
		{name: "a duplicate alg, the valid one last", headerText: prependMembers(`"alg":"none"`)},
		{name: "a duplicate kid", headerText: appendMembers(`"kid":"key_known"`)},
		{name: "a key in jwk", header: func(h object) { h["jwk"], h["kid"] = embedded, "key_embedded" }, sign: rs(crypto.SHA256, unknownKey())},
		{name: "a key in jwk under the known key's ID", header: setMember("jwk", jwk(knownID, unknownKey())), sign: rs(crypto.SHA256, unknownKey())},
		{name: "a key in jwk beside a signature by the known key", header: setMember("jwk", embedded)},
		{name: "a jwk that is null", header: setMember("jwk", nil)},
		{name: "keys at jku", header: setMember("jku", attackerURL+"/jwks.json"), sign: rs(crypto.SHA256, unknownKey())},
		{name: "keys at jku beside a signature by the known key", header: setMember("jku", attackerURL)},
		{name: "a certificate at x5u", header: setMember("x5u", attackerURL+"/chain.pem"), sign: rs(crypto.SHA256, unknownKey())},
		{name: "a certificate at x5u beside a signature by the known key", header: setMember("x5u", attackerURL)},
		{name: "a certificate in x5c", header: setMember("x5c", []string{"MIIB"})},
		{name: "an unknown crit", header: func(h object) { h["crit"], h["exp"] = []string{"exp"}, 1 }},
		{name: "an empty crit", header: setMember("crit", []string{})},
		{name: "a payload that is not encoded (b64)", header: func(h object) { h["b64"], h["crit"] = false, []string{"b64"} }},
		{name: "no kid", header: removeMember("kid")},
		{name: "an empty kid", header: setMember("kid", "")},
		{name: "a kid that is a number", header: setMember("kid", 7)},
		{name: "a kid that is null", header: setMember("kid", nil)},
		{name: "a kid of a kilobyte", header: setMember("kid", strings.Repeat("k", 1<<10))},
		{name: "a header that is a list", headerText: replaceAll(`["RS256","key_known"]`)},
		{name: "a header that is a string", headerText: replaceAll(`"RS256"`)},
		{name: "a header that is not JSON", headerText: replaceAll(`{"alg":"RS256","kid":"key_known"`)},
		{name: "a header with trailing data", headerText: func(h string) string { return h + "{}" }},
	}
	secrets := publicKeyTexts(knownID, knownKey())
	for _, form := range slices.Sorted(maps.Keys(secrets)) {
		forgeries = append(forgeries, forgery{name: "HS256 keyed with the public key " + form, header: setMember("alg", "HS256"), sign: hs256(secrets[form])})
	}
	return forgeries
}

// malformedTokens returns texts that are no compact JWS, and a token that is too large.
func malformedTokens(a *App) []forgery {
	valid := a.forge(unchangedToken)
	segments := strings.Split(valid, ".")
	return []forgery{
		{name: "a word", token: replaceAll("token")},
		{name: "a dot", token: replaceAll(".")},
		{name: "two dots", token: replaceAll("..")},
		{name: "ten thousand dots", token: replaceAll(strings.Repeat(".", 10_000))},
		{name: "a token and ten thousand dots", token: replaceAll(valid + strings.Repeat(".", 10_000))},
		{name: "one segment", token: replaceAll(segments[0])},
		{name: "two segments", token: replaceAll(segments[0] + "." + segments[1])},
		{name: "four segments", token: replaceAll(valid + "." + segments[2])},
		{name: "four segments, the last one empty", token: replaceAll(valid + ".")},
		{name: "five segments", token: replaceAll(valid + "." + segments[1] + "." + segments[2])},
		{name: "an empty header", token: replaceSegment(0, replaceAll(""))},
		{name: "an empty payload", token: replaceSegment(1, replaceAll(""))},
		{name: "an empty signature", token: replaceSegment(2, replaceAll(""))},
		{name: "a padded header", token: replaceSegment(0, func(s string) string { return s + "=" })},
		{name: "a padded signature", token: replaceSegment(2, func(s string) string { return s + "==" })},
		{name: "a signature with non-zero trailing bits", token: replaceSegment(2, func(s string) string {
			const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
			return s[:len(s)-1] + alphabet[strings.IndexByte(alphabet, s[len(s)-1])+1:][:1]
		})},
		{name: "a signature in standard base64", token: replaceSegment(2, func(s string) string {
			octets, _ := base64.RawURLEncoding.DecodeString(s)
			return base64.RawStdEncoding.EncodeToString(octets) + "+"
		})},
		{name: "the JSON serialization", token: replaceAll(`{"payload":"` + segments[1] + `","protected":"` + segments[0] + `","signature":"` + segments[2] + `"}`)},
		{name: "20 kilobytes with a valid signature", claims: setMember("padding", strings.Repeat("x", 15<<10))},
	}
}

// forgedSignatures are tokens without a valid signature.
var forgedSignatures = []forgery{
	{name: "a signature by an unknown key under the ID of the known key", sign: func(s string) []byte { return rs(crypto.SHA256, unknownKey())(s) }},
	{name: "a signature of zeros", sign: func(string) []byte { return make([]byte, 256) }},
	{name: "a signature of one octet", sign: func(string) []byte { return []byte{1} }},
	{name: "a signature with another hash", sign: func(s string) []byte { return rs(crypto.SHA512, knownKey())(s) }},
	{name: "a signature with PSS", sign: func(s string) []byte { return ps(crypto.SHA256, knownKey())(s) }},
	{name: "a truncated signature", token: replaceSegment(2, func(s string) string { return s[:len(s)-6] + "AA" })},
	{name: "an altered payload", token: replaceSegment(1, func(s string) string {
		payload, _ := base64.RawURLEncoding.DecodeString(s)
		return b64(bytes.Replace(payload, []byte(`"session_1"`), []byte(`"session_2"`), 1))
	})},
	{name: "an altered header", token: replaceSegment(0, func(string) string { return b64([]byte(`{"kid":"key_known","alg":"RS256"}`)) })},
	{name: "the ID of a published key of another type", header: setMember("kid", knownID), sign: es256},
}

// forgedClaims returns tokens with a valid signature and a wrong issuer, client, subject, session or time, or a malformed
// payload. The clock must show full seconds.
func forgedClaims(a *App) []forgery {
	issuer, client := a.Fake.Issuer(), a.Fake.ClientID()
	deflated := func(text string) string {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, flate.BestCompression)
		w.Write([]byte(text))
		w.Close()
		return b.String()
	}
	at := func(name string, d time.Duration) func(object) { return setMember(name, a.Clock.Now().Add(d).Unix()) }
	return []forgery{
		{name: "no exp", claims: removeMember("exp")},
		{name: "exp 0", claims: setMember("exp", 0)},
		{name: "exp -1", claims: setMember("exp", -1)},
		{name: "exp -1e10", claims: setMember("exp", jsonNumber("-1e10"))},
		{name: "exp -0", claims: setMember("exp", jsonNumber("-0"))},
		{name: "an exp that is a string", claims: setMember("exp", "4102444800")},
		{name: "an exp that is an empty string", claims: setMember("exp", "")},
		{name: "exp 1e400", claims: setMember("exp", jsonNumber("1e400"))},
		{name: "exp 1e300", claims: setMember("exp", jsonNumber("1e300"))},
		{name: "exp 1e-400", claims: setMember("exp", jsonNumber("1e-400"))},
		{name: "exp in nanoseconds", claims: setMember("exp", a.Clock.Now().Add(time.Hour).UnixNano())},
		{name: "exp beyond 64 bits", claims: setMember("exp", jsonNumber("18446744073709551616"))},
		{name: "exp null", claims: setMember("exp", nil)},
		{name: "exp true", claims: setMember("exp", true)},
		{name: "an exp that is a list", claims: setMember("exp", []int{4102444800})},
		{name: "a duplicate exp", claimsText: appendMembers(`"exp":4102444800`)},
		{name: "an exp in upper case", claims: func(c object) { c["EXP"] = c["exp"]; delete(c, "exp") }},
		{name: "nbf 61 s ahead", claims: at("nbf", 61*time.Second)},
		{name: "nbf an hour ahead", claims: at("nbf", time.Hour)},
		{name: "an nbf that is a string", claims: setMember("nbf", "0")},
		{name: "iat 61 s ahead", claims: at("iat", 61*time.Second)},
		{name: "iat 1e400", claims: setMember("iat", jsonNumber("1e400"))},
		{name: "an iat that is a string", claims: setMember("iat", "1")},
		{name: "no iss", claims: removeMember("iss")},
		{name: "an empty iss", claims: setMember("iss", "")},
		{name: "an unknown iss", claims: setMember("iss", "https://evil.example")},
		{name: "our iss with a suffix of its host", claims: setMember("iss", issuer+".evil.example")},
		{name: "our iss with another path", claims: setMember("iss", issuer+"/evil")},
		{name: "our iss with two trailing slashes", claims: setMember("iss", issuer+"//")},
		{name: "our iss in upper case", claims: setMember("iss", strings.ToUpper(issuer))},
		{name: "the iss of another client", claims: setMember("iss", strings.Replace(issuer, client, "client_evil", 1))},
		{name: "an iss that is a list with our iss", claims: setMember("iss", []string{issuer})},
		{name: "a duplicate iss", claimsText: prependMembers(`"iss":"https://evil.example"`)},
		{name: "another client_id", claims: setMember("client_id", "client_evil")},
		{name: "our client_id with a suffix", claims: setMember("client_id", client+"1")},
		{name: "our client_id in upper case", claims: setMember("client_id", strings.ToUpper(client))},
		{name: "an empty client_id", claims: setMember("client_id", "")},
		{name: "a client_id that is a list with our client_id", claims: setMember("client_id", []string{client})},
		{name: "a client_id that is null", claims: setMember("client_id", nil)},
		{name: "no sub", claims: removeMember("sub")},
		{name: "an empty sub", claims: setMember("sub", "")},
		{name: "a sub that is a number", claims: setMember("sub", 7)},
		{name: "a sub that is null", claims: setMember("sub", nil)},
		{name: "a sub that is a list", claims: setMember("sub", []string{"user_kim"})},
		{name: "a duplicate sub", claimsText: prependMembers(`"sub":"user_lee"`)},
		{name: "no sid", claims: removeMember("sid")},
		{name: "an empty sid", claims: setMember("sid", "")},
		{name: "a sid that is a number", claims: setMember("sid", 7)},
		{name: "a payload that is a list", claimsText: replaceAll(`[1]`)},
		{name: "a payload that is not JSON", claimsText: func(c string) string { return c[:len(c)-1] }},
		{name: "a payload with trailing data", claimsText: func(c string) string { return c + "{}" }},
		{name: "a deflated payload", header: setMember("zip", "DEF"), claims: setMember("padding", strings.Repeat("x", 20<<10)), claimsText: deflated},
		{name: "a payload without registered claims", claimsText: replaceAll(`{"user":{"id":"user_kim"}}`)},
	}
}

// tokensAtLimits returns tokens that are just valid.
func tokensAtLimits(a *App) []forgery {
	at := func(name string, d time.Duration) func(object) { return setMember(name, a.Clock.Now().Add(d).Unix()) }
	return []forgery{
		{name: "a token without a fault"},
		{name: "exp 59 s ago", claims: at("exp", -59*time.Second)},
		{name: "nbf 59 s ahead", claims: at("nbf", 59*time.Second)},
		{name: "iat 59 s ahead", claims: at("iat", 59*time.Second)},
		{name: "an exp with a fraction", claims: setMember("exp", float64(a.Clock.Now().Unix())+100.5)},
		{name: "our iss with a trailing slash", claims: setMember("iss", a.Fake.Issuer()+"/")},
		{name: "the iss of WorkOS", claims: setMember("iss", "https://api.workos.com")},
		{name: "no client_id, as in older environments", claims: removeMember("client_id")},
		{name: "a header with a typ", header: setMember("typ", "JWT")},
	}
}

// expiredTokens returns tokens that were valid until they expired.
func expiredTokens(a *App) []forgery {
	at := func(d time.Duration) func(object) { return setMember("exp", a.Clock.Now().Add(d).Unix()) }
	return []forgery{
		{name: "exp 60 s ago", claims: at(-60 * time.Second)},
		{name: "exp 61 s ago", claims: at(-61 * time.Second)},
		{name: "exp a year ago", claims: at(-365 * 24 * time.Hour)},
		{name: "exp 1", claims: setMember("exp", 1)},
		{name: "exp 0.5", claims: setMember("exp", 0.5)},
	}
}

// tokenInput is a place where the application accepts an access token.
type tokenInput struct {
	name   string
	newApp func(*testing.T) *App
	// refuses checks that a token is refused. If expired is set, the token is valid but for its expiry.
	refuses func(t *testing.T, a *App, token string, expired bool)
	// accepts sends a valid token and returns the signed-in user.
	accepts func(t *testing.T, a *App, token string) (user string)
}

var tokenInputs = []tokenInput{
	{
		name:   "in a sealed session",
		newApp: func(t *testing.T) *App { return newPlainSharedSessionApp(t) },
		refuses: func(t *testing.T, a *App, token string, expired bool) {
			cookie := a.sealed(token, nil)
			before := a.Fake.Calls(authkittest.RouteRefresh)
			if !expired {
				a.checkAnonymous(cookie)
				assert.Equal(t, before, a.Fake.Calls(authkittest.RouteRefresh), "a forged token causes no refresh")
				return
			}
			assert.Empty(t, a.visitor(cookie))
			assert.Equal(t, before+1, a.Fake.Calls(authkittest.RouteRefresh), "an expired token may be refreshed at WorkOS")
			assert.Empty(t, a.visitor(cookie))
			a.Clock.Advance(2 * time.Minute) // the next token has the same refresh token, whose refusal is remembered
		},
		accepts: func(t *testing.T, a *App, token string) string {
			// A token that has just expired is refreshed. If the refresh fails, the old token is accepted within the skew.
			a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`})
			return a.visitor(a.sealed(token, nil))
		},
	},
	{
		name:   "in a session without a seal",
		newApp: func(t *testing.T) *App { return newPlainSharedSessionApp(t) },
		refuses: func(t *testing.T, a *App, token string, expired bool) {
			cookie := unsealedCookie(token, "forged-refresh-token", nil)
			before := a.Fake.Calls(authkittest.RouteRefresh)
			a.checkAnonymous(cookie)
			if expired {
				before++ // an expired token may be refreshed at WorkOS
				a.Clock.Advance(2 * time.Minute)
			}
			assert.Equal(t, before, a.Fake.Calls(authkittest.RouteRefresh), "a forged token causes no refresh")
		},
		accepts: func(t *testing.T, a *App, token string) string {
			a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`})
			return a.visitor(unsealedCookie(token, "forged-refresh-token", nil))
		},
	},
	{
		name:   "as a bearer token",
		newApp: func(t *testing.T) *App { return newPlainApp(t, authkit.WithBearerTokens()) },
		refuses: func(t *testing.T, a *App, token string, expired bool) {
			for _, path := range []string{"/api/me", "/account", "/"} {
				for _, header := range []http.Header{Bearer(token), with(Navigation(), "Authorization", "bEARER  "+token)} {
					resp := a.Send(Request{Target: path, Header: header})
					assert.NotContains(t, resp.Body, "user_kim")
					assert.Empty(t, resp.Header["Set-Cookie"], "neither a session nor a sign-in is set")
					if path == "/" {
						assert.Equal(t, http.StatusOK, resp.Status)
						continue
					}
					assert.Equal(t, http.StatusUnauthorized, resp.Status)
					assert.Contains(t, resp.Header.Get("WWW-Authenticate"), `error="invalid_token"`)
					assert.Equal(t, expired, strings.Contains(resp.Header.Get("WWW-Authenticate"), "expired"))
				}
			}
			assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))
		},
		accepts: func(t *testing.T, a *App, token string) string {
			resp := a.Send(Request{Target: "/api/me", Header: Bearer(token)})
			assert.Empty(t, resp.Header["Set-Cookie"])
			return a.visitorOf(resp)
		},
	},
	{
		name:   "in the reply to a code exchange",
		newApp: func(t *testing.T) *App { return newPlainApp(t) },
		refuses: func(t *testing.T, a *App, token string, _ bool) {
			checkErrorPage(t, a.exchangeFor(token, "user_kim"), http.StatusBadGateway)
		},
		accepts: func(t *testing.T, a *App, token string) string {
			resp := a.exchangeFor(token, "user_kim")
			require.Equal(t, http.StatusSeeOther, resp.Status)
			a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`})
			return a.visitor(resp.session(t))
		},
	},
	{
		name:   "in the reply to a refresh",
		newApp: func(t *testing.T) *App { return newPlainSharedSessionApp(t) },
		refuses: func(t *testing.T, a *App, token string, _ bool) {
			resp := a.refreshTo(token, object{"id": "user_kim", "email": Kim})
			assert.Equal(t, http.StatusUnauthorized, resp.Status)
			for _, c := range resp.SetCookies(t) { // a cookie that remains must not hold the token
				assert.NotContains(t, a.unsealed(c.Name+"="+c.Value).AccessToken, token)
			}
		},
		accepts: func(t *testing.T, a *App, token string) string {
			resp := a.refreshTo(token, object{"id": "user_kim", "email": Kim})
			require.Len(t, resp.SetCookies(t), 1)
			return a.visitorOf(resp)
		},
	},
}

// refreshReply returns a reply of WorkOS with an access token and a user.
func refreshReply(token string, user object) authkittest.Fault {
	profile := object{"object": "user", "email_verified": true}
	maps.Copy(profile, user)
	return authkittest.Fault{Body: marshal(object{"access_token": token, "refresh_token": "refresh-token-of-a-forged-reply", "user": profile})}
}

// exchangeFor returns the answer of the callback if the code exchange returns the given token.
func (a *App) exchangeFor(token, userID string) Response {
	a.T.Helper()
	s := a.SignInStartedBy(a.Send(Request{Target: "/login", Header: Navigation()}))
	a.Fake.InjectFault(authkittest.RouteCodeExchange, refreshReply(token, object{"id": userID, "email": Kim}))
	defer a.Fake.ClearFault(authkittest.RouteCodeExchange)
	return a.finishSignIn(s)
}

// refreshTo returns the answer to a request with a stale session of kim if the refresh returns the given token.
func (a *App) refreshTo(token string, user object) Response {
	a.T.Helper()
	stale := a.forge(forgery{claims: setMember("exp", a.Clock.Now().Add(-time.Hour).Unix())})
	a.Fake.InjectFault(authkittest.RouteRefresh, refreshReply(token, user))
	defer a.Fake.ClearFault(authkittest.RouteRefresh)
	cookie := a.sealed(stale, object{"refreshToken": "stale-" + b64(digest(crypto.SHA256, token+marshal(user)))})
	return a.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
}

// everyToken is which of the tokens each place gets: all, or every second one. The next place then gets the others.
var everyToken = testrun.Length(2, 1)

func TestAForgedTokenIsRefusedEverywhere(t *testing.T) {
	t.Parallel()
	var attacker attackerServer
	attackerURL := attacker.start(t)
	for i, input := range tokenInputs {
		t.Run(input.name, func(t *testing.T) {
			a := input.newApp(t)
			a.addKnownToJWKS()
			keys := a.Fake.Calls(authkittest.RouteJWKS)
			for _, group := range []struct {
				name      string
				forgeries []forgery
				expired   bool
			}{
				{"form", malformedTokens(a), false}, {"header", forgedHeaders(attackerURL), false},
				{"signature", forgedSignatures, false}, {"claims", forgedClaims(a), false}, {"expiry", expiredTokens(a), true},
			} {
				for j, f := range group.forgeries {
					if (i+j)%everyToken != 0 {
						continue
					}
					t.Run(group.name+": "+f.name, func(t *testing.T) {
						input.refuses(t, a, a.forge(f), group.expired)
					})
				}
				if group.name == "header" && !strings.Contains(input.name, "reply") {
					assert.Equal(t, keys, a.Fake.Calls(authkittest.RouteJWKS), "a token with a bad form or header causes no fetch of keys")
				}
			}
		})
	}
	assert.Zero(t, attacker.requests.Load(), "a URL in a token is never requested")
}

func TestATokenAtTheLimitsIsAcceptedEverywhere(t *testing.T) {
	t.Parallel()
	for _, input := range tokenInputs {
		t.Run(input.name, func(t *testing.T) {
			a := input.newApp(t)
			a.addKnownToJWKS()
			for _, f := range tokensAtLimits(a) {
				t.Run(f.name, func(t *testing.T) {
					assert.Contains(t, []string{Kim, "user_kim"}, input.accepts(t, a, a.forge(f)))
				})
			}
		})
	}
}

// everyHugeToken is which of the huge tokens each kind of application gets: all, or every third one, so that each token comes once
// as a bearer token and once as a cookie.
var everyHugeToken = testrun.Length(3, 1)

func TestATwoMegabyteTokenIsRefusedBeforeAnyCryptography(t *testing.T) {
	huge := strings.Repeat("x", 2<<20)
	a := newPlainApp(t)
	for name, q := range hugeTokens() {
		assert.Equal(t, http.StatusUnauthorized, a.Send(q).Status, name)
	}
	for i, opts := range [][]authkit.Option{{authkit.WithBearerTokens()}, {authkit.WithSharedSession()}, {authkit.WithForeignSessions()}} {
		a := newPlainApp(t, opts...)
		// The fastest of three attempts counts, since other processes can slow one down.
		fastest := time.Duration(math.MaxInt64)
		for attempt := 0; attempt < 3 && fastest >= 5*time.Second; attempt++ {
			began := time.Now()
			for j, text := range []string{huge, a.forge(unchangedToken) + huge, strings.Repeat("eyJ.", 1<<19), strings.Repeat("Fe26.2*", 1<<18), "Fe26.2*1*" + huge + "~2"} {
				for k, q := range []Request{{Header: Bearer(text)}, {Cookie: "wos-session=" + text}} {
					if (i+j+k)%everyHugeToken != 0 {
						continue
					}
					q.Target = "/api/me"
					assert.Equal(t, http.StatusUnauthorized, a.Send(q).Status)
				}
			}
			fastest = min(fastest, time.Since(began))
		}
		assert.Less(t, fastest, 5*time.Second)
		assert.Zero(t, a.Fake.Calls(authkittest.RouteJWKS))
	}
}

func TestASealWithTheTokenAndTheProfileOfTwoUsersIsAnonymous(t *testing.T) {
	a := newPlainSharedSessionApp(t)
	a.addKnownToJWKS()
	token := a.forge(unchangedToken)
	require.Equal(t, Kim, a.visitor(a.sealed(token, nil)))
	for name, user := range map[string]any{
		"the profile of another user":           object{"object": "user", "id": "user_lee", "email": lee},
		"the ID of another user":                object{"object": "user", "id": "user_lee", "email": Kim},
		"an ID in upper case":                   object{"object": "user", "id": "USER_KIM", "email": Kim},
		"an ID with a trailing space":           object{"object": "user", "id": "user_kim ", "email": Kim},
		"an ID with a suffix":                   object{"object": "user", "id": "user_kim\x00", "email": Kim},
		"an empty ID":                           object{"object": "user", "id": "", "email": Kim},
		"no ID":                                 object{"object": "user", "email": Kim},
		"an ID that is a number":                object{"object": "user", "id": 7, "email": Kim},
		"an ID that is a list":                  object{"object": "user", "id": []string{"user_kim"}, "email": Kim},
		"a duplicate ID member in another case": object{"object": "user", "Id": "user_lee", "id": "user_lee", "email": Kim},
		"a profile that is a list":              []string{"user_kim"},
		"a profile that is a string":            "user_kim",
		"no profile":                            nil,
	} {
		t.Run(name, func(t *testing.T) { a.checkAnonymous(a.sealed(token, object{"user": user})) })
	}
	for name, plaintext := range map[string]string{
		"a list":                   `[]`,
		"null":                     `null`,
		"a string":                 `"` + token + `"`,
		"not JSON":                 token,
		"a pending sign-in":        `{"nonce":"x","codeVerifier":"y","returnPathname":"/"}`,
		"a session without tokens": `{"user":{"id":"user_kim","email":"` + Kim + `"}}`,
		"a token that is a number": `{"accessToken":7,"user":{"id":"user_kim"}}`,
		"a deeply nested user":     `{"accessToken":"` + token + `","user":` + strings.Repeat(`{"user":`, 2000) + `1` + strings.Repeat(`}`, 2000) + `}`,
	} {
		t.Run("sealed: "+name, func(t *testing.T) { a.checkAnonymous(a.sealedText(plaintext)) })
	}
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))
}

// everyToken chooses by the place in the list. If the order changes from one place to the next, the next place does not get the
// others, and a token may be left out everywhere.
func TestTheForgedHeadersHaveOneOrder(t *testing.T) {
	names := func() (all []string) {
		for _, f := range forgedHeaders("http://attacker.test") {
			all = append(all, f.name)
		}
		return all
	}
	want := names()
	for range 20 {
		require.Equal(t, want, names())
	}
}
