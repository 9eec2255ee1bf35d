// Forged tokens, by each way in which a token reaches the application.

package behaviour

import (
	"bytes"
	"compress/flate"
	"crypto"
	_ "crypto/sha512" // for RS384 and the like
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func set(name string, value any) func(object) { return func(o object) { o[name] = value } }

func without(name string) func(object) { return func(o object) { delete(o, name) } }

// number is a member that encoding/json would not write.
func number(text string) json.RawMessage { return json.RawMessage(text) }

// first puts members before the others, where they may come twice.
func first(members string) func(string) string {
	return func(text string) string { return "{" + members + "," + text[1:] }
}

// last puts them behind.
func last(members string) func(string) string {
	return func(text string) string { return text[:len(text)-1] + "," + members + "}" }
}

// swap is a token with one of its segments changed.
func swap(segment int, change func(string) string) func(string) string {
	return func(token string) string {
		segments := strings.Split(token, ".")
		segments[segment] = change(segments[segment])
		return strings.Join(segments, ".")
	}
}

func as(text string) func(string) string { return func(string) string { return text } }

// byItsHeader are tokens whose header tells how they want to be verified.
func byItsHeader(elsewhere string) []forgery {
	embedded := jwk("key_embedded", unknownKey())
	forgeries := []forgery{
		{name: "alg none without a signature", header: set("alg", "none"), sign: unsigned},
		{name: "alg none with a signature of something", header: set("alg", "none"), sign: func(string) []byte { return []byte("signature") }},
		{name: "alg none with the known key's signature", header: set("alg", "none")},
		{name: "alg nOnE", header: set("alg", "nOnE"), sign: unsigned},
		{name: "an empty alg", header: set("alg", "")},
		{name: "no alg", header: without("alg")},
		{name: "an alg that is null", header: set("alg", nil)},
		{name: "an alg that is a list", header: set("alg", []string{"RS256"})},
		{name: "alg rs256", header: set("alg", "rs256")},
		{name: "alg RS256 with a space", header: set("alg", "RS256 ")},
		{name: "RS384 by the known key", header: set("alg", "RS384"), sign: rs(crypto.SHA384, knownKey())},
		{name: "RS512 by the known key", header: set("alg", "RS512"), sign: rs(crypto.SHA512, knownKey())},
		{name: "PS256 by the known key", header: set("alg", "PS256"), sign: ps(crypto.SHA256, knownKey())},
		{name: "ES256 by a published key", header: func(h object) { h["alg"], h["kid"] = "ES256", curveID }, sign: es256},
		{name: "ES256 under the known key's ID", header: set("alg", "ES256"), sign: es256},
		{name: "EdDSA", header: set("alg", "EdDSA"), sign: func(string) []byte { return make([]byte, 64) }},
		{name: "an alg that came twice, the good one first", headerText: last(`"alg":"none"`)},
		{name: "an alg that came twice, the good one last", headerText: first(`"alg":"none"`)},
		{name: "a kid that came twice", headerText: last(`"kid":"key_known"`)},
		{name: "a key in jwk", header: func(h object) { h["jwk"], h["kid"] = embedded, "key_embedded" }, sign: rs(crypto.SHA256, unknownKey())},
		{name: "a key in jwk under the known key's ID", header: set("jwk", jwk(knownID, unknownKey())), sign: rs(crypto.SHA256, unknownKey())},
		{name: "a key in jwk beside the known key's signature", header: set("jwk", embedded)},
		{name: "a jwk that is null", header: set("jwk", nil)},
		{name: "keys at jku", header: set("jku", elsewhere+"/jwks.json"), sign: rs(crypto.SHA256, unknownKey())},
		{name: "keys at jku beside the known key's signature", header: set("jku", elsewhere)},
		{name: "a certificate at x5u", header: set("x5u", elsewhere+"/chain.pem"), sign: rs(crypto.SHA256, unknownKey())},
		{name: "a certificate at x5u beside the known key's signature", header: set("x5u", elsewhere)},
		{name: "a certificate in x5c", header: set("x5c", []string{"MIIB"})},
		{name: "a crit that nobody knows", header: func(h object) { h["crit"], h["exp"] = []string{"exp"}, 1 }},
		{name: "a crit of nothing", header: set("crit", []string{})},
		{name: "a payload that is not encoded (b64)", header: func(h object) { h["b64"], h["crit"] = false, []string{"b64"} }},
		{name: "no kid", header: without("kid")},
		{name: "an empty kid", header: set("kid", "")},
		{name: "a kid that is a number", header: set("kid", 7)},
		{name: "a kid that is null", header: set("kid", nil)},
		{name: "a kid of a kilobyte", header: set("kid", strings.Repeat("k", 1<<10))},
		{name: "a header that is a list", headerText: as(`["RS256","key_known"]`)},
		{name: "a header that is a string", headerText: as(`"RS256"`)},
		{name: "a header that is no JSON", headerText: as(`{"alg":"RS256","kid":"key_known"`)},
		{name: "a header with something behind it", headerText: func(h string) string { return h + "{}" }},
	}
	for form, secret := range publicKeyTexts() {
		forgeries = append(forgeries, forgery{name: "HS256 keyed with the public key " + form, header: set("alg", "HS256"), sign: hs256(secret)})
	}
	return forgeries
}

// byItsForm are tokens that are none, or too large.
func byItsForm(m *App) []forgery {
	whole := m.forge(good)
	segments := strings.Split(whole, ".")
	return []forgery{
		{name: "a word", token: as("token")},
		{name: "a dot", token: as(".")},
		{name: "two dots", token: as("..")},
		{name: "ten thousand dots", token: as(strings.Repeat(".", 10_000))},
		{name: "a token and ten thousand dots", token: as(whole + strings.Repeat(".", 10_000))},
		{name: "one segment", token: as(segments[0])},
		{name: "two segments", token: as(segments[0] + "." + segments[1])},
		{name: "four segments", token: as(whole + "." + segments[2])},
		{name: "four segments, the last one empty", token: as(whole + ".")},
		{name: "five segments", token: as(whole + "." + segments[1] + "." + segments[2])},
		{name: "an empty header", token: swap(0, as(""))},
		{name: "an empty payload", token: swap(1, as(""))},
		{name: "an empty signature", token: swap(2, as(""))},
		{name: "a padded header", token: swap(0, func(s string) string { return s + "=" })},
		{name: "a padded signature", token: swap(2, func(s string) string { return s + "==" })},
		{name: "a signature with loose bits at its end", token: swap(2, func(s string) string {
			const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
			return s[:len(s)-1] + alphabet[strings.IndexByte(alphabet, s[len(s)-1])+1:][:1]
		})},
		{name: "a signature in standard base64", token: swap(2, func(s string) string {
			octets, _ := base64.RawURLEncoding.DecodeString(s)
			return base64.RawStdEncoding.EncodeToString(octets) + "+"
		})},
		{name: "the JSON serialization", token: as(`{"payload":"` + segments[1] + `","protected":"` + segments[0] + `","signature":"` + segments[2] + `"}`)},
		{name: "20 kilobytes, well signed", claims: set("padding", strings.Repeat("x", 15<<10))},
	}
}

// byItsSignature are tokens that nobody signed who may.
var byItsSignature = []forgery{
	{name: "a stranger's signature under the known key's ID", sign: func(s string) []byte { return rs(crypto.SHA256, unknownKey())(s) }},
	{name: "a signature of zeros", sign: func(string) []byte { return make([]byte, 256) }},
	{name: "a signature of one octet", sign: func(string) []byte { return []byte{1} }},
	{name: "a signature of another hash", sign: func(s string) []byte { return rs(crypto.SHA512, knownKey())(s) }},
	{name: "a signature of PSS", sign: func(s string) []byte { return ps(crypto.SHA256, knownKey())(s) }},
	{name: "a signature that is cut", token: swap(2, func(s string) string { return s[:len(s)-6] + "AA" })},
	{name: "a payload that was changed", token: swap(1, func(s string) string {
		payload, _ := base64.RawURLEncoding.DecodeString(s)
		return b64(bytes.Replace(payload, []byte(`"session_1"`), []byte(`"session_2"`), 1))
	})},
	{name: "a header that was changed", token: swap(0, func(string) string { return b64([]byte(`{"kid":"key_known","alg":"RS256"}`)) })},
	{name: "the ID of a published key of another kind", header: set("kid", knownID), sign: es256},
}

// byItsClaims are tokens that are well signed, and of somebody else or for somebody else or of another time. The clock
// shows full seconds.
func byItsClaims(m *App) []forgery {
	issuer, client := m.Fake.Issuer(), m.Fake.ClientID()
	deflated := func(text string) string {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, flate.BestCompression)
		w.Write([]byte(text))
		w.Close()
		return b.String()
	}
	at := func(name string, d time.Duration) func(object) { return set(name, m.Clock.Now().Add(d).Unix()) }
	return []forgery{
		{name: "no exp", claims: without("exp")},
		{name: "exp 0", claims: set("exp", 0)},
		{name: "exp -1", claims: set("exp", -1)},
		{name: "exp -1e10", claims: set("exp", number("-1e10"))},
		{name: "exp -0", claims: set("exp", number("-0"))},
		{name: "an exp that is a string", claims: set("exp", "4102444800")},
		{name: "an exp that is an empty string", claims: set("exp", "")},
		{name: "exp 1e400", claims: set("exp", number("1e400"))},
		{name: "exp 1e300", claims: set("exp", number("1e300"))},
		{name: "exp 1e-400", claims: set("exp", number("1e-400"))},
		{name: "exp in nanoseconds", claims: set("exp", m.Clock.Now().Add(time.Hour).UnixNano())},
		{name: "exp beyond 64 bits", claims: set("exp", number("18446744073709551616"))},
		{name: "exp null", claims: set("exp", nil)},
		{name: "exp true", claims: set("exp", true)},
		{name: "an exp that is a list", claims: set("exp", []int{4102444800})},
		{name: "an exp that came twice", claimsText: last(`"exp":4102444800`)},
		{name: "an exp in other letters", claims: func(c object) { c["EXP"] = c["exp"]; delete(c, "exp") }},
		{name: "nbf 61 s ahead", claims: at("nbf", 61*time.Second)},
		{name: "nbf an hour ahead", claims: at("nbf", time.Hour)},
		{name: "an nbf that is a string", claims: set("nbf", "0")},
		{name: "iat 61 s ahead", claims: at("iat", 61*time.Second)},
		{name: "iat 1e400", claims: set("iat", number("1e400"))},
		{name: "an iat that is a string", claims: set("iat", "1")},
		{name: "no iss", claims: without("iss")},
		{name: "an empty iss", claims: set("iss", "")},
		{name: "a stranger's iss", claims: set("iss", "https://evil.example")},
		{name: "an iss that begins like ours", claims: set("iss", issuer+".evil.example")},
		{name: "an iss that goes on behind ours", claims: set("iss", issuer+"/evil")},
		{name: "an iss with two slashes behind ours", claims: set("iss", issuer+"//")},
		{name: "an iss in other letters", claims: set("iss", strings.ToUpper(issuer))},
		{name: "an iss of another client", claims: set("iss", strings.Replace(issuer, client, "client_evil", 1))},
		{name: "an iss that is a list with ours in it", claims: set("iss", []string{issuer})},
		{name: "an iss that came twice", claimsText: first(`"iss":"https://evil.example"`)},
		{name: "another client_id", claims: set("client_id", "client_evil")},
		{name: "a client_id that begins like ours", claims: set("client_id", client+"1")},
		{name: "a client_id in other letters", claims: set("client_id", strings.ToUpper(client))},
		{name: "an empty client_id", claims: set("client_id", "")},
		{name: "a client_id that is a list with ours in it", claims: set("client_id", []string{client})},
		{name: "a client_id that is null", claims: set("client_id", nil)},
		{name: "no sub", claims: without("sub")},
		{name: "an empty sub", claims: set("sub", "")},
		{name: "a sub that is a number", claims: set("sub", 7)},
		{name: "a sub that is null", claims: set("sub", nil)},
		{name: "a sub that is a list", claims: set("sub", []string{"user_kim"})},
		{name: "a sub that came twice", claimsText: first(`"sub":"user_lee"`)},
		{name: "no sid", claims: without("sid")},
		{name: "an empty sid", claims: set("sid", "")},
		{name: "a sid that is a number", claims: set("sid", 7)},
		{name: "a payload that is a list", claimsText: as(`[1]`)},
		{name: "a payload that is no JSON", claimsText: func(c string) string { return c[:len(c)-1] }},
		{name: "a payload with something behind it", claimsText: func(c string) string { return c + "{}" }},
		{name: "a payload that was deflated", header: set("zip", "DEF"), claims: set("padding", strings.Repeat("x", 20<<10)), claimsText: deflated},
		{name: "a payload of another application's", claimsText: as(`{"user":{"id":"user_kim"}}`)},
	}
}

// passing are tokens at the very edge of what passes.
func validForgeries(m *App) []forgery {
	at := func(name string, d time.Duration) func(object) { return set(name, m.Clock.Now().Add(d).Unix()) }
	return []forgery{
		{name: "one without a flaw"},
		{name: "exp 59 s ago", claims: at("exp", -59*time.Second)},
		{name: "nbf 59 s ahead", claims: at("nbf", 59*time.Second)},
		{name: "iat 59 s ahead", claims: at("iat", 59*time.Second)},
		{name: "an exp with a fraction", claims: set("exp", float64(m.Clock.Now().Unix())+100.5)},
		{name: "an iss with a slash at its end", claims: set("iss", m.Fake.Issuer()+"/")},
		{name: "an iss of WorkOS's own", claims: set("iss", "https://api.workos.com")},
		{name: "no client_id, as older environments have it", claims: without("client_id")},
		{name: "a header with a typ", header: set("typ", "JWT")},
	}
}

// expired are tokens that have been good.
func expired(m *App) []forgery {
	at := func(d time.Duration) func(object) { return set("exp", m.Clock.Now().Add(d).Unix()) }
	return []forgery{
		{name: "exp 60 s ago", claims: at(-60 * time.Second)},
		{name: "exp 61 s ago", claims: at(-61 * time.Second)},
		{name: "exp a year ago", claims: at(-365 * 24 * time.Hour)},
		{name: "exp 1", claims: set("exp", 1)},
		{name: "exp 0.5", claims: set("exp", 0.5)},
	}
}

// door is a way in for a token.
type door struct {
	name string
	open func(*testing.T) *App
	// refuses tells, by assertions, that a token was refused; stale means that it is one that has expired.
	refuses func(t *testing.T, m *App, token string, stale bool)
	// admits is who comes in with a token that is good.
	admits func(t *testing.T, m *App, token string) (visitor string)
}

var doors = []door{
	{
		name: "in a genuine seal",
		open: func(t *testing.T) *App { return newSharingApp(t) },
		refuses: func(t *testing.T, m *App, token string, stale bool) {
			cookie := m.sealed(token, nil)
			before := m.Fake.Calls(authkittest.RouteRefresh)
			if !stale {
				m.isNobody(cookie)
				assert.Equal(t, before, m.Fake.Calls(authkittest.RouteRefresh), "nothing is asked for on its behalf")
				return
			}
			assert.Empty(t, m.visitor(cookie))
			assert.Equal(t, before+1, m.Fake.Calls(authkittest.RouteRefresh), "what has been a session may be renewed, if WorkOS says so")
			assert.Empty(t, m.visitor(cookie))
			m.Clock.Advance(2 * time.Minute) // before the next, which has the same refresh token
		},
		admits: func(t *testing.T, m *App, token string) string {
			// One that has just expired is renewed, or else serves.
			m.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`})
			return m.visitor(m.sealed(token, nil))
		},
	},
	{
		name: "as a bearer token",
		open: func(t *testing.T) *App { return newPlainApp(t, authkit.WithBearerTokens()) },
		refuses: func(t *testing.T, m *App, token string, stale bool) {
			for _, path := range []string{"/api/me", "/account", "/"} {
				for _, header := range []http.Header{Bearer(token), with(Navigation(), "Authorization", "bEARER  "+token)} {
					resp := m.Send(Request{Target: path, Header: header})
					assert.NotContains(t, resp.Body, "user_kim")
					assert.Empty(t, resp.Header["Set-Cookie"], "neither a session nor a sign-in")
					if path == "/" {
						assert.Equal(t, http.StatusOK, resp.Status)
						continue
					}
					assert.Equal(t, http.StatusUnauthorized, resp.Status)
					assert.Contains(t, resp.Header.Get("WWW-Authenticate"), `error="invalid_token"`)
					assert.Equal(t, stale, strings.Contains(resp.Header.Get("WWW-Authenticate"), "expired"))
				}
			}
			assert.Zero(t, m.Fake.Calls(authkittest.RouteRefresh))
		},
		admits: func(t *testing.T, m *App, token string) string {
			resp := m.Send(Request{Target: "/api/me", Header: Bearer(token)})
			assert.Empty(t, resp.Header["Set-Cookie"])
			return m.visitorOf(resp)
		},
	},
	{
		name: "in the reply to an exchange",
		open: func(t *testing.T) *App { return newPlainApp(t) },
		refuses: func(t *testing.T, m *App, token string, _ bool) {
			refusedWithAPage(t, m.exchangeFor(token, "user_kim"), http.StatusBadGateway)
		},
		admits: func(t *testing.T, m *App, token string) string {
			resp := m.exchangeFor(token, "user_kim")
			require.Equal(t, http.StatusSeeOther, resp.Status)
			m.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`})
			return m.visitor(resp.session(t))
		},
	},
	{
		name: "in the reply to a refresh",
		open: func(t *testing.T) *App { return newSharingApp(t) },
		refuses: func(t *testing.T, m *App, token string, _ bool) {
			resp := m.refreshTo(token, object{"id": "user_kim", "email": Kim})
			assert.Equal(t, http.StatusUnauthorized, resp.Status)
			for _, c := range resp.SetCookies(t) { // what is left of the session, were it to come back
				assert.NotContains(t, m.unsealed(c.Name+"="+c.Value).AccessToken, token)
			}
		},
		admits: func(t *testing.T, m *App, token string) string {
			resp := m.refreshTo(token, object{"id": "user_kim", "email": Kim})
			require.Len(t, resp.SetCookies(t), 1)
			return m.visitorOf(resp)
		},
	},
}

// reply is what WorkOS answers with an access token.
func reply(token string, user object) authkittest.Fault {
	whole := object{"object": "user", "email_verified": true}
	maps.Copy(whole, user)
	return authkittest.Fault{Body: marshal(object{"access_token": token, "refresh_token": "refresh-token-of-a-forged-reply", "user": whole})}
}

// exchangeFor is what the callback answers when an exchange brings a certain token.
func (m *App) exchangeFor(token, userID string) Response {
	m.T.Helper()
	s := m.BeginAs("/login", Kim)
	m.Fake.InjectFault(authkittest.RouteCodeExchange, reply(token, object{"id": userID, "email": Kim}))
	defer m.Fake.ClearFault(authkittest.RouteCodeExchange)
	return m.finish(s)
}

// refreshTo is what a stale session of kim's is answered when its refresh brings a certain token.
func (m *App) refreshTo(token string, user object) Response {
	m.T.Helper()
	stale := m.forge(forgery{claims: set("exp", m.Clock.Now().Add(-time.Hour).Unix())})
	m.Fake.InjectFault(authkittest.RouteRefresh, reply(token, user))
	defer m.Fake.ClearFault(authkittest.RouteRefresh)
	cookie := m.sealed(stale, object{"refreshToken": "stale-" + b64(digest(crypto.SHA256, token+marshal(user)))})
	return m.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
}

func TestAForgedTokenIsRefusedEverywhere(t *testing.T) {
	var stolen listener
	elsewhere := stolen.listen(t)
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			m := d.open(t)
			m.publishKnown()
			keys := m.Fake.Calls(authkittest.RouteJWKS)
			for _, group := range []struct {
				name      string
				forgeries []forgery
				stale     bool
			}{
				{"by its form", byItsForm(m), false}, {"by its header", byItsHeader(elsewhere), false},
				{"by its signature", byItsSignature, false}, {"by its claims", byItsClaims(m), false}, {"by its age", expired(m), true},
			} {
				for _, f := range group.forgeries {
					t.Run(group.name+": "+f.name, func(t *testing.T) {
						d.refuses(t, m, m.forge(f), group.stale)
					})
				}
				if group.name == "by its header" && !strings.Contains(d.name, "reply") {
					assert.Equal(t, keys, m.Fake.Calls(authkittest.RouteJWKS), "so far nothing was verified, so no key was needed")
				}
			}
		})
	}
	assert.Zero(t, stolen.heard.Load(), "a token that names an address has it asked for nothing")
}

func TestATokenAtTheLimitsIsAcceptedEverywhere(t *testing.T) {
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			m := d.open(t)
			m.publishKnown()
			for _, f := range validForgeries(m) {
				t.Run(f.name, func(t *testing.T) {
					assert.Contains(t, []string{Kim, "user_kim"}, d.admits(t, m, m.forge(f)))
				})
			}
		})
	}
}

func TestATwoMegabyteTokenIsRefusedBeforeAnyCryptography(t *testing.T) {
	huge := strings.Repeat("x", 2<<20)
	m := newPlainApp(t)
	for name, q := range hugeTokens() {
		assert.Equal(t, http.StatusUnauthorized, m.Send(q).Status, name)
	}
	for _, opts := range [][]authkit.Option{{authkit.WithBearerTokens()}, {authkit.WithSharedSession()}, {authkit.WithForeignSessions()}} {
		m := newPlainApp(t, opts...)
		began := time.Now()
		for _, text := range []string{huge, m.forge(good) + huge, strings.Repeat("eyJ.", 1<<19), strings.Repeat("Fe26.2*", 1<<18), "Fe26.2*1*" + huge + "~2"} {
			for _, q := range []Request{{Header: Bearer(text)}, {Cookie: "wos-session=" + text}} {
				q.Target = "/api/me"
				assert.Equal(t, http.StatusUnauthorized, m.Send(q).Status)
			}
		}
		assert.Less(t, time.Since(began), 5*time.Second)
		assert.Zero(t, m.Fake.Calls(authkittest.RouteJWKS))
	}
}

func TestASealWithTheTokenAndTheProfileOfTwoUsersIsAnonymous(t *testing.T) {
	m := newSharingApp(t)
	m.publishKnown()
	token := m.forge(good)
	require.Equal(t, Kim, m.visitor(m.sealed(token, nil)))
	for name, user := range map[string]any{
		"the profile of another":         object{"object": "user", "id": "user_lee", "email": lee},
		"another's ID, kim's address":    object{"object": "user", "id": "user_lee", "email": Kim},
		"an ID in other letters":         object{"object": "user", "id": "USER_KIM", "email": Kim},
		"an ID with a space":             object{"object": "user", "id": "user_kim ", "email": Kim},
		"an ID that goes on":             object{"object": "user", "id": "user_kim\x00", "email": Kim},
		"an empty ID":                    object{"object": "user", "id": "", "email": Kim},
		"no ID":                          object{"object": "user", "email": Kim},
		"an ID that is a number":         object{"object": "user", "id": 7, "email": Kim},
		"an ID that is a list":           object{"object": "user", "id": []string{"user_kim"}, "email": Kim},
		"an ID in other letters' member": object{"object": "user", "Id": "user_lee", "id": "user_lee", "email": Kim},
		"a profile that is a list":       []string{"user_kim"},
		"a profile that is a string":     "user_kim",
		"no profile":                     nil,
	} {
		t.Run(name, func(t *testing.T) { m.isNobody(m.sealed(token, object{"user": user})) })
	}
	for name, plaintext := range map[string]string{
		"a list":                    `[]`,
		"null":                      `null`,
		"a string":                  `"` + token + `"`,
		"no JSON":                   token,
		"a sign-in under way":       `{"nonce":"x","codeVerifier":"y","returnPathname":"/"}`,
		"a session without tokens":  `{"user":{"id":"user_kim","email":"` + Kim + `"}}`,
		"a token that is a number":  `{"accessToken":7,"user":{"id":"user_kim"}}`,
		"an object of ten thousand": `{"accessToken":"` + token + `","user":` + strings.Repeat(`{"user":`, 2000) + `1` + strings.Repeat(`}`, 2000) + `}`,
	} {
		t.Run("sealed: "+name, func(t *testing.T) { m.isNobody(m.sealedText(plaintext)) })
	}
	assert.Zero(t, m.Fake.Calls(authkittest.RouteRefresh))
}
