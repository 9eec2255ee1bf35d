// Tests of what the upstream gets: identity headers, and nothing that a client has forged.

package gate_test

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/gate"
)

func TestTheUpstreamGetsTheIdentityOfTheSession(t *testing.T) {
	app := newApplication(t, func(_ authkittest.Env, c *gate.Config) {
		c.Headers = map[string]string{"X-Forwarded-User": "user", "x-forwarded-email": "email"}
	})
	app.Fake.UpdateUser(ada, func(u *authkittest.User) {
		u.FullName = "Ada Øk,a\r\nX-Authkit-Role: 1%2\x7f"
		u.Memberships[0].Roles = []string{"admin", "edi,tor"}
	})
	_, upstream := app.send(t, ada, "GET", "/")
	h := upstream.Header
	assert.Equal(t, ada, h.Get("X-Authkit-Email"))
	assert.Equal(t, "true", h.Get("X-Authkit-Email-Verified"))
	assert.Equal(t, "Ada%20%C3%98k,a%0D%0AX-Authkit-Role:%201%252%7F", h.Get("X-Authkit-Name"))
	assert.Regexp(t, `^user_\w+$`, h.Get("X-Authkit-User"))
	assert.Equal(t, h["X-Authkit-User"], h["X-Forwarded-User"])
	assert.Equal(t, []string{ada}, h["X-Forwarded-Email"])
	assert.Regexp(t, `^org_\w+$`, h.Get("X-Authkit-Organization"))
	assert.Regexp(t, `^session_\w+$`, h.Get("X-Authkit-Session-Id"))
	assert.Equal(t, "admin", h.Get("X-Authkit-Role"))
	assert.Equal(t, "admin,edi%2Ctor", h.Get("X-Authkit-Roles"))
	assert.ElementsMatch(t, []string{"posts:read", "posts:write", "members:manage"}, strings.Split(h.Get("X-Authkit-Permissions"), ","))
	assert.Equal(t, "audit-logs", h.Get("X-Authkit-Entitlements"))
	assert.Equal(t, "session", h.Get("X-Authkit-Credential"))
	assert.Empty(t, h["X-Authkit-Jwt"], "no signer")
	assert.Empty(t, h["X-Authkit-Impersonator"])
}

func TestTheUpstreamGetsTheIdentityOfAnAPIKeyAndNotItsValue(t *testing.T) {
	rules := withRules(gate.Rule{Path: "/*", Allow: []string{gate.APIKeys}})
	app := newApplication(t, rules)
	key := "Authorization: Bearer " + app.APIKey("posts:read")
	_, upstream := app.send(t, "", "GET", "/", key)
	assert.Equal(t, "api_key", upstream.Header.Get("X-Authkit-Credential"))
	assert.Regexp(t, `^api_key_\w+$`, upstream.Header.Get("X-Authkit-Api-Key"))
	assert.Equal(t, "posts:read", upstream.Header.Get("X-Authkit-Permissions"))
	assert.NotEmpty(t, upstream.Header.Get("X-Authkit-Organization"))
	assert.Empty(t, upstream.Header["X-Authkit-User"], "the key belongs to the organization")
	assert.Empty(t, upstream.Header["Authorization"])

	passing := newApplication(t, func(env authkittest.Env, c *gate.Config) {
		rules(env, c)
		c.PassAuthorization = true
	})
	key = "Authorization: Bearer " + passing.APIKey("posts:read")
	_, upstream = passing.send(t, "", "GET", "/", key)
	assert.Equal(t, strings.TrimPrefix(key, "Authorization: "), upstream.Header.Get("Authorization"))
}

func TestAnAuthorizationHeaderThatNoGuardHasUsedReachesTheUpstream(t *testing.T) {
	app := newApplication(t, withRules())
	_, upstream := app.send(t, ben, "GET", "/", "Authorization: Basic dXNlcjpwYXNzd29yZA==")
	assert.Equal(t, "Basic dXNlcjpwYXNzd29yZA==", upstream.Header.Get("Authorization"))
	assert.Equal(t, ben, upstream.Header.Get("X-Authkit-Email"))
}

func TestAForgedIdentityHeaderDoesNotReachTheUpstream(t *testing.T) {
	app := newApplication(t, func(_ authkittest.Env, c *gate.Config) {
		c.Headers = map[string]string{"X-Forwarded-User": "user"}
		c.Rules = []gate.Rule{{Path: "/public/*", Allow: []string{gate.Public}}}
	})
	forged := []string{
		"X-Authkit-User: evil", "x-authkit-user: evil", "X-AUTHKIT-USER: evil", "X_Authkit_User: evil", "x_authkit-user: evil", "X-Authkit_User: evil",
		"X.Authkit.User: evil", "X-Authkit-Email: evil", "X-Authkit-Role: evil", "X-Authkit-Anything: evil", "X-Authkit-Jwt: evil", "X~authkit!jwt: evil",
		"X-Forwarded-User: evil", "X_Forwarded_User: evil", "X-Original-URL: /evil", "X_Rewrite_Url: /evil", "x-forwarded_user: evil", "X-Authkit-: evil",
	}
	for _, path := range []string{"/public/a", "/a"} {
		user := ""
		if path == "/a" {
			user = ben
		}
		for _, header := range append(forged, "") {
			sent := []string{header}
			if header == "" {
				sent = append([]string{"X-Authkit-User: second"}, forged...)
			}
			status, upstream := app.send(t, user, "GET", path, sent...)
			require.Equal(t, 200, status)
			assert.NotContains(t, fmt.Sprint(upstream.Header), "evil", header)
			if user != "" {
				assert.Len(t, upstream.Header["X-Authkit-User"], 1)
				assert.Equal(t, ben, upstream.Header.Get("X-Authkit-Email"))
				assert.Equal(t, upstream.Header["X-Authkit-User"], upstream.Header["X-Forwarded-User"])
			}
		}
	}
}

func TestAConnectionHeaderCannotRemoveAnIdentityHeader(t *testing.T) {
	app := newApplication(t, withRules())
	_, upstream := app.send(t, ben, "GET", "/", "Connection: keep-alive, X-Authkit-User, X-Authkit-Email, X-Other", "X-Other: 1", "Te: gzip, trailers", "Keep-Alive: 5", "Proxy-Authorization: Basic x")
	assert.Equal(t, ben, upstream.Header.Get("X-Authkit-Email"))
	assert.NotEmpty(t, upstream.Header.Get("X-Authkit-User"))
	for _, name := range []string{"Connection", "X-Other", "Keep-Alive", "Proxy-Authorization"} {
		assert.Empty(t, upstream.Header[name], name)
	}
	assert.Equal(t, []string{"trailers"}, upstream.Header["Te"])
	_, upstream = app.send(t, ben, "GET", "/", "Connection: X-Authkit-User, Upgrade", "Upgrade: websocket")
	assert.Equal(t, []string{"Upgrade"}, upstream.Header["Connection"])
	assert.Equal(t, "websocket", upstream.Header.Get("Upgrade"))
	assert.NotEmpty(t, upstream.Header.Get("X-Authkit-User"))
}

func TestOnlyAnUpgradeToWebSocketReachesTheUpstream(t *testing.T) {
	app := newApplication(t, withRules())
	for value, passes := range map[string]bool{"websocket": true, "WebSocket": true, "h2c": false, "websocket, h2c": false, "TLS/1.0": false} {
		status, upstream := app.send(t, ben, "GET", "/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: "+value, "Http2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
		assert.Equal(t, 200, status)
		assert.Equal(t, passes, upstream.Header.Get("Upgrade") != "", value)
		assert.Equal(t, passes, upstream.Header.Get("Connection") != "", value)
		assert.Empty(t, upstream.Header["Http2-Settings"], value)
	}
}

func TestATrailerOfAClientDoesNotReachTheUpstream(t *testing.T) {
	reached := make(chan http.Header, 1)
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		g, err := gate.New(gate.Config{AuthKit: env.AuthKit(), Rules: []gate.Rule{{Path: "/*", Allow: []string{gate.Public}}}})
		require.NoError(t, err)
		return g.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			assert.NoError(t, err)
			reached <- r.Trailer
		}))
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(app.URL, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Authkit-User\r\n\r\n2\r\nab\r\n0\r\nX-Authkit-User: evil\r\n\r\n")
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Empty(t, <-reached)
}

func TestOwnCookiesStayBetweenTheBrowserAndTheGate(t *testing.T) {
	app := newApplication(t, withRules())
	_, upstream := app.send(t, ben, "GET", "/", "Cookie: theme=dark", "Set: authkit-session=evil; Path=/", "Set: authkit-session.0=evil", "Set: theme=light; Path=/")
	assert.NotContains(t, strings.Join(upstream.Header["Cookie"], ";"), "authkit-session")
	assert.Contains(t, strings.Join(upstream.Header["Cookie"], ";"), "theme=dark")
	assert.Equal(t, []string{"theme=light; Path=/"}, upstream.Header["Set-Cookie"])
	// Browsers send a cookie without a name as its value alone (RFC 6265bis, section 5.8.3).
	_, upstream = app.send(t, ben, "GET", "/", "Set: =authkit-session=evil; Path=/", "Set:  = authkit-session.0=evil", "Set: ==a", "Set: =theme")
	assert.Equal(t, []string{"==a", "=theme"}, upstream.Header["Set-Cookie"])
	status, _ := app.send(t, ben, "GET", "/")
	assert.Equal(t, 200, status, "the session remains")
}

func TestAGuardedResponseIsNotForSharedCaches(t *testing.T) {
	app := newApplication(t, withRules(gate.Rule{Path: "/public/*", Allow: []string{gate.Public}}))
	for sent, want := range map[string]string{
		"":                         "private, no-store",
		"public, max-age=60":       "private, max-age=60",
		"max-age=60, s-maxage=900": "private, max-age=60",
		"private":                  "private",
		"no-store":                 "private, no-store",
		`private="x, y", public`:   "private, no-store",
	} {
		_, upstream := app.send(t, ben, "GET", "/a", "Cache: "+sent)
		assert.Equal(t, []string{want}, upstream.Header["Got-Cache-Control"], sent)
		_, upstream = app.send(t, "", "GET", "/public/a", "Cache: "+sent)
		if sent == "" {
			assert.Empty(t, upstream.Header["Got-Cache-Control"])
			continue
		}
		assert.Equal(t, []string{sent}, upstream.Header["Got-Cache-Control"], "a public response")
	}
}

func TestAResponseThatTheHandlerDoesNotWriteIsFilteredToo(t *testing.T) {
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		g, err := gate.New(gate.Config{AuthKit: env.AuthKit()})
		require.NoError(t, err)
		return g.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Set-Cookie", "authkit-session=evil")
			w.Header().Set("Cache-Control", "public, max-age=60")
		}))
	})
	resp, err := app.SignIn(ben).Get("/a")
	require.NoError(t, err)
	assert.Equal(t, 200, resp.StatusCode)
	assert.Equal(t, "private, max-age=60", resp.Header.Get("Cache-Control"))
	assert.NotContains(t, resp.Header.Get("Set-Cookie"), "evil")
}

func TestAPublicResponseThatMayNameTheUserIsNotForSharedCaches(t *testing.T) {
	app := newApplication(t, withRules(gate.Rule{Path: "/public/*", Allow: []string{gate.Public}}))
	_, upstream := app.send(t, ben, "GET", "/public/a.css")
	assert.Equal(t, []string{"private"}, upstream.Header["Got-Cache-Control"], "the upstream got the identity, and caches may ignore Vary")
	_, upstream = app.send(t, ben, "GET", "/public/a.css", "Cache: public, max-age=60")
	assert.Equal(t, []string{"public, max-age=60"}, upstream.Header["Got-Cache-Control"], "the upstream says that it is the same for all")
	_, upstream = app.send(t, ben, "POST", "/public/a.css", "Origin: https://elsewhere.example")
	assert.Empty(t, upstream.Header["Got-Cache-Control"], "it was anonymous")
}

func TestEachWayToWriteAResponseIsFiltered(t *testing.T) {
	for name, write := range map[string]func(http.ResponseWriter) error{
		"Write": func(w http.ResponseWriter) error { _, err := io.WriteString(w, "a"); return err },
		"Flush": func(w http.ResponseWriter) error { return http.NewResponseController(w).Flush() },
		"ReadFrom": func(w http.ResponseWriter) error {
			_, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("a"))
			return err
		},
	} {
		app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
			g, err := gate.New(gate.Config{AuthKit: env.AuthKit()})
			require.NoError(t, err)
			return g.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Set-Cookie"] = []string{"authkit-session=evil", "theme=dark"}
				w.Header().Set("Cache-Control", "public, max-age=60")
				assert.NoError(t, write(w))
			}))
		})
		resp, err := app.SignIn(ben).Get("/a")
		require.NoError(t, err)
		assert.Equal(t, []string{"theme=dark"}, resp.Header["Set-Cookie"], name)
		assert.Equal(t, "private, max-age=60", resp.Header.Get("Cache-Control"), name)
	}
}

func TestAHeaderForASharedCacheIsRemovedFromAGuardedResponse(t *testing.T) {
	names := []string{"CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Surrogate-Control", "X-Accel-Expires", "Edge-Control"}
	for _, own := range []string{"", "public, max-age=60"} {
		app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
			g, err := gate.New(gate.Config{AuthKit: env.AuthKit(), Rules: []gate.Rule{{Path: "/public/*", Allow: []string{gate.Public}}}})
			require.NoError(t, err)
			return g.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for _, name := range names {
					w.Header().Set(name, "max-age=600")
				}
				if own != "" {
					w.Header().Set("Cache-Control", own)
				}
				w.WriteHeader(http.StatusOK)
			}))
		})
		guarded, err := app.SignIn(ben).Get("/a")
		require.NoError(t, err)
		public, err := app.APIClient("").Get(app.URL + "/public/a")
		require.NoError(t, err)
		public.Body.Close()
		for _, name := range names {
			assert.Empty(t, guarded.Header.Get(name), "%s beside Cache-Control: %s", name, own)
			assert.NotEmpty(t, public.Header.Get(name), name)
		}
	}
}

// keyPEM returns a private key in PEM.
func keyPEM(t testing.TB, key any) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func TestTheSignedIdentityVerifiesWithThePublishedKey(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	for algorithm, key := range map[string]any{"RS256": rsaKey, "ES256": ecKey, "EdDSA": edKey} {
		t.Run(algorithm, func(t *testing.T) {
			app := newApplication(t, func(env authkittest.Env, c *gate.Config) {
				signingKey, err := gate.ParseSigningKey(keyPEM(t, key))
				require.NoError(t, err)
				signer, err := gate.NewSigner([]*gate.SigningKey{signingKey}, "https://door.example.com", "upstream", env.Clock)
				require.NoError(t, err)
				c.Signer = signer
				c.Own["/keys"] = signer.Keys()
			})
			_, upstream := app.send(t, ada, "GET", "/", "X-Authkit-Jwt: forged")
			require.Len(t, upstream.Header["X-Authkit-Jwt"], 1)
			resp, err := http.Get(app.URL + "/keys")
			require.NoError(t, err)
			defer resp.Body.Close()
			var set struct{ Keys []map[string]string }
			require.NoError(t, json.NewDecoder(resp.Body).Decode(&set))
			require.Len(t, set.Keys, 1)

			parts := strings.Split(upstream.Header.Get("X-Authkit-Jwt"), ".")
			require.Len(t, parts, 3)
			var header map[string]string
			require.NoError(t, json.Unmarshal(decode64(t, parts[0]), &header))
			assert.Equal(t, map[string]string{"alg": algorithm, "kid": set.Keys[0]["kid"], "typ": "JWT"}, header)
			assert.True(t, verifies(t, set.Keys[0], []byte(parts[0]+"."+parts[1]), decode64(t, parts[2])))
			var claims map[string]any
			require.NoError(t, json.Unmarshal(decode64(t, parts[1]), &claims))
			assert.Equal(t, "https://door.example.com", claims["iss"])
			assert.Equal(t, "upstream", claims["aud"])
			assert.Equal(t, upstream.Header.Get("X-Authkit-User"), claims["sub"])
			assert.Equal(t, upstream.Header.Get("X-Authkit-Session-Id"), claims["sid"])
			assert.Equal(t, upstream.Header.Get("X-Authkit-Organization"), claims["org_id"])
			assert.Equal(t, ada, claims["email"])
			assert.InDelta(t, float64(app.Clock.Now().Unix()), claims["iat"], 0)
			assert.InDelta(t, float64(app.Clock.Now().Unix()+60), claims["exp"], 0)
		})
	}
}

func decode64(t testing.TB, text string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(t, err)
	return b
}

// verifies checks a signature with a JWK, as an upstream does.
func verifies(t testing.TB, jwk map[string]string, text, signature []byte) bool {
	sum := sha256.Sum256(text)
	number := func(name string) *big.Int { return new(big.Int).SetBytes(decode64(t, jwk[name])) }
	switch jwk["kty"] {
	case "RSA":
		return rsa.VerifyPKCS1v15(&rsa.PublicKey{N: number("n"), E: int(number("e").Int64())}, crypto.SHA256, sum[:], signature) == nil
	case "EC":
		point := append(append([]byte{4}, decode64(t, jwk["x"])...), decode64(t, jwk["y"])...)
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		require.NoError(t, err)
		return len(signature) == 64 && ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	case "OKP":
		return ed25519.Verify(decode64(t, jwk["x"]), text, signature)
	}
	return false
}

func TestASigningKeyThatCannotSignIsRefused(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	curve, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	_, good, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	for problem, key := range map[string][]byte{
		"needs 2048 or more": keyPEM(t, weak),
		"not one of P-256":   keyPEM(t, curve),
		"not in PEM":         []byte("secret"),
		"cannot be parsed":   pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret")}),
		"of type":            pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("secret")}),
	} {
		_, err := gate.ParseSigningKey(key)
		assert.ErrorContains(t, err, problem)
		assert.NotContains(t, fmt.Sprint(err), "secret")
	}
	key, err := gate.ParseSigningKey(keyPEM(t, good))
	require.NoError(t, err)
	_, err = gate.NewSigner([]*gate.SigningKey{key}, "", "audience", nil)
	assert.ErrorContains(t, err, "needs an issuer and an audience")
	_, err = gate.NewSigner(nil, "issuer", "audience", nil)
	assert.ErrorContains(t, err, "needs a key")
}
