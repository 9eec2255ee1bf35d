// Tests of requests: who passes, and what the application and the log get.

package caddyauthkit_test

import (
	"bufio"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/gate/gatetest"
)

func TestCaddySignsInAndTellsTheApplicationWhoItIs(t *testing.T) {
	s := start(t, echo, setUp{authkit: `
		rule /public/* {
			allow public
		}
		rule /admin/* {
			roles admin owner
		}
		identity {
			header X-Forwarded-User email
		}`})
	assert.Equal(t, 401, s.do("", "GET", "/a").StatusCode)
	assert.Equal(t, 401, s.do("", "GET", "/admin").StatusCode)
	assert.Equal(t, 400, s.do("", "GET", "/public/%2e%2e/admin").StatusCode)
	anonymous := s.do("", "GET", "/public/a?x=1", "X-Authkit-User: evil", "X_Authkit_Email: evil", "X-Forwarded-User: evil", "Cookie: authkit-session=x; theme=dark").sees(t)
	assert.Equal(t, "/public/a", anonymous.Path)
	assert.Equal(t, "x=1", anonymous.Query)
	assert.Equal(t, []string{"theme=dark"}, anonymous.Header["Cookie"])
	for name := range anonymous.Header {
		assert.NotContains(t, strings.ToLower(name), "authkit")
	}
	assert.NotContains(t, anonymous.Header, "X-Forwarded-User")

	page, err := s.browser(ben).Get(s.URL + "/reports?year=2026")
	require.NoError(t, err)
	assert.Equal(t, 200, page.StatusCode)
	assert.Equal(t, "private, no-store", page.Header.Get("Cache-Control"))
	response := s.do(ben, "GET", "/a%2Fb//c", "X-Authkit-User: evil", "Connection: X-Authkit-Email")
	assert.Equal(t, []string{"seen=yes"}, response.Header["Set-Cookie"])
	got := response.sees(t)
	assert.Equal(t, ben, got.Header.Get("X-Authkit-Email"))
	assert.Equal(t, []string{ben}, got.Header["X-Forwarded-User"])
	assert.Regexp(t, "^user_", got.Header.Get("X-Authkit-User"))
	assert.Equal(t, "/a%2Fb//c", got.Path)
	assert.Equal(t, []string{"seen=yes; theme=dark"}, got.Header["Cookie"])
	assert.Equal(t, 403, s.do(ben, "GET", "/admin/x").StatusCode)
	assert.Equal(t, 200, s.do(ada, "GET", "/admin/x").StatusCode)
	assert.Contains(t, s.do(ben, "GET", "/authkit/me").Text, ben)
	assert.Contains(t, s.do("", "GET", "/healthz").Text, `"status"`)
	assert.Equal(t, 200, s.do(ben, "POST", "/logout").StatusCode)
	assert.Equal(t, 401, s.do(ben, "GET", "/a").StatusCode, "a copy of the cookie is refused after the sign-out")
}

func TestAnAPIKeyPassesAtCaddyWhereARuleAllowsIt(t *testing.T) {
	s := start(t, echo, setUp{authkit: `
		rule /api/* {
			allow sessions api_keys
			permissions posts:read
		}`})
	key := func(permission string) string {
		organization := s.Fake.AddOrganization(authkittest.Organization{Name: "Acme " + permission})
		return "Authorization: Bearer " + s.Fake.AddAPIKey(authkittest.APIKey{OrganizationID: organization.ID, Permissions: []string{permission}})
	}
	reader := key("posts:read")
	got := s.do("", "GET", "/api/posts", reader)
	require.Equal(t, 200, got.StatusCode)
	assert.Equal(t, "api_key", got.sees(t).Header.Get("X-Authkit-Credential"))
	assert.Empty(t, got.sees(t).Header["Authorization"])
	assert.Equal(t, 403, s.do("", "GET", "/api/posts", key("posts:write")).StatusCode)
	assert.Equal(t, 401, s.do("", "GET", "/elsewhere", reader).StatusCode)
	assert.NotContains(t, s.Log.String(), strings.TrimPrefix(reader, "Authorization: Bearer "))
	assert.Contains(t, s.Log.String(), `"user_id":"api_key_`)
}

func TestPlaceholdersOfCaddyShowTheIdentityAndNothingForged(t *testing.T) {
	s := start(t, echo, setUp{authkit: `
		rule /public/* {
			allow public
		}`, more: `
		request_header X-Id {http.auth.user.id}
		request_header X-Mail "{http.auth.user.email}"
		request_header X-Copy "{http.request.header.X-Authkit-Email}"
		request_header X-Session "{http.request.cookie.authkit-session}"
		rewrite * /below{uri}
		reverse_proxy {upstream} {
			header_up X-Path {http.request.uri.path}
		}`})
	anonymous := s.do("", "GET", "/public/a", "X-Authkit-Email: evil", "Cookie: authkit-session=x").sees(t)
	assert.Empty(t, anonymous.Header.Get("X-Copy"))
	assert.Empty(t, anonymous.Header.Get("X-Mail"))
	assert.Empty(t, anonymous.Header.Get("X-Session"))
	assert.Equal(t, "/below/public/a", anonymous.Path)
	assert.Equal(t, "/below/public/a", anonymous.Header.Get("X-Path"))
	got := s.do(ben, "GET", "/a?x=1", "X-Authkit-Email: evil").sees(t)
	assert.Equal(t, got.Header.Get("X-Authkit-User"), got.Header.Get("X-Id"))
	assert.Equal(t, ben, got.Header.Get("X-Mail"))
	assert.Equal(t, ben, got.Header.Get("X-Copy"))
	assert.Empty(t, got.Header.Get("X-Session"))
	assert.Equal(t, "/below/a", got.Path)
	assert.Equal(t, "x=1", got.Query)
}

func TestTheLogsOfCaddyHaveTheUserAndNoSecret(t *testing.T) {
	s := start(t, echo, setUp{})
	cookie := s.cookieOf(ben)
	user := s.do(ben, "GET", "/page").sees(t).Header.Get("X-Authkit-User")
	require.Eventually(t, func() bool { return strings.Contains(s.Log.String(), "/page") }, waitTimeout, 5*time.Millisecond)
	log := s.Log.String()
	assert.Contains(t, log, fmt.Sprintf(`"user_id":%q`, user))
	assert.Contains(t, log, "authkit: handled request")
	for _, secret := range []string{"code=", "state=", "code_challenge="} {
		assert.NotContains(t, log, secret)
	}
	for pair := range strings.SplitSeq(cookie, "; ") {
		_, value, _ := strings.Cut(pair, "=")
		assert.NotContains(t, log, value)
	}
}

func TestAPathTrickDoesNotPassCaddy(t *testing.T) {
	var rules strings.Builder
	for _, rule := range gatetest.Rules {
		fmt.Fprintf(&rules, "rule %s {\n", rule.Path)
		for name, values := range map[string][]string{"allow": rule.Allow, "roles": rule.Roles} {
			if len(values) > 0 {
				fmt.Fprintf(&rules, "\t%s %s\n", name, strings.Join(values, " "))
			}
		}
		rules.WriteString("}\n")
	}
	s := start(t, echo, setUp{authkit: rules.String()})
	for line, status := range gatetest.PathTricks {
		t.Run(line[:min(len(line), 60)], func(t *testing.T) {
			conn, err := net.Dial("tcp", s.host())
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, conn.SetDeadline(time.Now().Add(waitTimeout)))
			_, err = fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", line, s.host())
			require.NoError(t, err)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(t, err)
			defer resp.Body.Close()
			assert.Equal(t, status, resp.StatusCode)
		})
	}
}

func TestCaddySignsTheIdentity(t *testing.T) {
	s := start(t, echo, setUp{})
	keyFile := func(name string) string {
		_, key, err := ed25519.GenerateKey(nil)
		require.NoError(t, err)
		der, err := x509.MarshalPKCS8PrivateKey(key)
		require.NoError(t, err)
		return s.file(name, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	}
	require.NoError(t, s.load(setUp{authkit: `identity {
			jwt {
				key_files ` + keyFile("jwt.pem") + ` ` + keyFile("next.pem") + `
				issuer ` + s.URL + `
				audience app
			}
		}`}))
	assert.Equal(t, 2, strings.Count(s.do("", "GET", "/authkit/jwks.json").Text, `"crv":"Ed25519"`), "the next key is published before it signs")
	token := s.do(ben, "GET", "/").sees(t).Header.Get("X-Authkit-Jwt")
	assert.Equal(t, 2, strings.Count(token, "."))
	assert.NotContains(t, s.Log.String(), token)
}

func TestAnApplicationThatIsDownIsAnswered502AndNotCached(t *testing.T) {
	s := start(t, echo, setUp{})
	s.browser(ben)
	require.NoError(t, s.load(setUp{more: "reverse_proxy 127.0.0.1:1"})) // the port of tcpmux, which no test machine serves
	resp := s.do(ben, "GET", "/")
	assert.Equal(t, 502, resp.StatusCode)
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
}

func TestARefreshedCookieArrivesAlthoughTheApplicationIsDown(t *testing.T) {
	s := start(t, echo, setUp{options: []authkittest.Option{authkittest.WithAccessTokenLifetime(2 * time.Second)}})
	s.browser(ben)
	require.NoError(t, s.load(setUp{more: "reverse_proxy 127.0.0.1:1"}))
	require.Eventually(t, func() bool {
		resp := s.do(ben, "GET", "/")
		return assert.Equal(t, 502, resp.StatusCode) && strings.HasPrefix(resp.Header.Get("Set-Cookie"), "authkit-session")
	}, waitTimeout, 50*time.Millisecond, "the session is refreshed before its token expires")
}

func TestARequestOverHTTP2PassesCaddy(t *testing.T) {
	s := start(t, echo, setUp{})
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	defer transport.CloseIdleConnections()
	for cookie, status := range map[string]int{s.cookieOf(ben): 200, "theme=dark": 401} {
		r, err := http.NewRequest(http.MethodPost, s.URL+"/a", strings.NewReader("body"))
		require.NoError(t, err)
		r.Header.Set("Cookie", cookie)
		resp, err := transport.RoundTrip(r)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, 2, resp.ProtoMajor)
		assert.Equal(t, status, resp.StatusCode)
	}
}

func TestATrailerThroughCaddyHasNoFieldThatOnlyAHeaderMayHave(t *testing.T) {
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		prefix := http.TrailerPrefix
		if r.URL.Path == "/announced" {
			prefix = ""
			w.Header().Set("Trailer", "Set-Cookie, Location, Grpc-Status")
		}
		_, _ = io.WriteString(w, "text")
		_ = http.NewResponseController(w).Flush()
		w.Header().Add(prefix+"Set-Cookie", "authkit-session=evil")
		w.Header().Add(prefix+"Location", "https://evil.example/")
		w.Header().Add(prefix+"Grpc-Status", "5")
	}), setUp{})
	http2 := new(http.Protocols)
	http2.SetUnencryptedHTTP2(true)
	for version, transport := range map[string]*http.Transport{"HTTP/1.1": {}, "HTTP/2.0": {Protocols: http2}} {
		t.Cleanup(transport.CloseIdleConnections)
		for _, path := range []string{"/announced", "/unannounced"} {
			t.Run(version+path, func(t *testing.T) {
				r, err := http.NewRequest("GET", s.URL+path, nil)
				require.NoError(t, err)
				r.Header.Set("Cookie", s.cookieOf(ben))
				resp, err := transport.RoundTrip(r)
				require.NoError(t, err)
				defer resp.Body.Close()
				require.Equal(t, version, resp.Proto)
				_, err = io.ReadAll(resp.Body)
				require.NoError(t, err)
				assert.Equal(t, http.Header{"Grpc-Status": {"5"}}, resp.Trailer)
			})
		}
	}
}
