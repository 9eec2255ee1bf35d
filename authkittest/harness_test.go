// The application that the tests sign in to. It checks the protocol itself and uses no other package of this module.

package authkittest_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

const (
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // from RFC 7636, appendix B
	state    = "state with / odd & bytes"
	ada      = "ada@harborpress.test"
)

var start = time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)

// app is an application whose callback shows the query of the request.
type app struct {
	*testing.T
	*authkittest.Server
	clock    *authkittest.FakeClock
	server   *httptest.Server
	callback string
}

func newApp(t *testing.T, opts ...authkittest.Option) *app {
	t.Helper()
	a := &app{T: t, clock: authkittest.NewFakeClock(start)}
	a.Server = authkittest.New(t, append([]authkittest.Option{authkittest.WithClock(a.clock)}, opts...)...)
	checkAgainstDescription(t, a.Server)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, a.authorizeURL(nil), http.StatusFound)
	})
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.RawQuery) })
	a.server = httptest.NewServer(mux)
	t.Cleanup(a.server.Close)
	a.callback = strings.Replace(a.server.URL, "127.0.0.1", "localhost", 1) + "/callback"
	return a
}

// authorizeURL returns a valid authorization request with the parameters in change. An empty value removes a parameter.
func (a *app) authorizeURL(change map[string]string) string {
	q := url.Values{
		"response_type": {"code"}, "provider": {"authkit"}, "client_id": {a.ClientID()}, "redirect_uri": {a.callback}, "state": {state},
		"code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"},
	}
	for name, value := range change {
		if q.Set(name, value); value == "" {
			q.Del(name)
		}
	}
	return a.URL() + "/user_management/authorize?" + q.Encode()
}

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// authorize opens an authorization request in a new browser and returns the browser and its page.
func (a *app) authorize(change map[string]string) (*authkittest.Browser, *authkittest.Page) {
	a.Helper()
	b := authkittest.NewBrowser()
	a.Cleanup(b.CloseIdleConnections)
	return b, a.get(b, a.authorizeURL(change))
}

func (a *app) get(b *authkittest.Browser, address string) *authkittest.Page {
	a.Helper()
	page, err := b.Get(address)
	require.NoError(a, err)
	return page
}

func (a *app) press(b *authkittest.Browser, button string, fill url.Values) *authkittest.Page {
	a.Helper()
	page, err := b.Submit(button, fill)
	require.NoError(a, err)
	return page
}

// callbackQuery returns the query of the callback. It fails the test if page is not the callback.
func (a *app) callbackQuery(page *authkittest.Page) url.Values {
	a.Helper()
	require.Equal(a, a.callback, page.URL.Scheme+"://"+page.URL.Host+page.URL.Path)
	return page.URL.Query()
}

// code signs a user in and returns the authorization code.
func (a *app) code(name string) string {
	a.Helper()
	b, _ := a.authorize(nil)
	code := a.callbackQuery(a.press(b, name, nil)).Get("code")
	require.NotEmpty(a, code)
	return code
}

type apiResponse struct {
	status int
	header http.Header
	body   map[string]any
}

func (r apiResponse) text(name string) string { s, _ := r.body[name].(string); return s }

// authenticate posts JSON to the authenticate endpoint. An empty value removes a parameter.
func (a *app) authenticate(params map[string]string) apiResponse {
	a.Helper()
	all := map[string]string{"client_id": a.ClientID(), "client_secret": a.APIKey()}
	for name, value := range params {
		if all[name] = value; value == "" {
			delete(all, name)
		}
	}
	body, err := json.Marshal(all)
	require.NoError(a, err)
	r, err := http.Post(a.URL()+"/user_management/authenticate", "application/json", strings.NewReader(string(body)))
	return a.read(r, err)
}

func (a *app) read(r *http.Response, err error) apiResponse {
	a.Helper()
	require.NoError(a, err)
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	require.NoError(a, err)
	got := apiResponse{status: r.StatusCode, header: r.Header}
	require.NoError(a, json.Unmarshal(text, &got.body), "%s", text)
	assert.NotEmpty(a, r.Header.Get("X-Request-ID"))
	return got
}

func (a *app) exchange(code string) apiResponse {
	a.Helper()
	return a.authenticate(map[string]string{"grant_type": "authorization_code", "code": code, "code_verifier": verifier})
}

func (a *app) refresh(token string, more ...string) apiResponse {
	a.Helper()
	params := map[string]string{"grant_type": "refresh_token", "refresh_token": token}
	for i := 0; i < len(more); i += 2 {
		params[more[i]] = more[i+1]
	}
	return a.authenticate(params)
}

// signIn signs a user in and returns the response of the code exchange.
func (a *app) signIn(name string) apiResponse {
	a.Helper()
	got := a.exchange(a.code(name))
	require.Equal(a, http.StatusOK, got.status, "%v", got.body)
	return got
}

// claims verifies an access token against the JWKS and returns its claims, or an error if it does not verify.
func (a *app) claims(token string) (map[string]any, error) {
	a.Helper()
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	r, err := http.Get(a.URL() + "/sso/jwks/" + a.ClientID())
	require.NoError(a, err)
	defer r.Body.Close()
	require.NoError(a, json.NewDecoder(r.Body).Decode(&set))

	parts := strings.Split(token, ".")
	require.Len(a, parts, 3)
	header := a.segment(parts[0])
	require.Equal(a, "RS256", header["alg"])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	require.NoError(a, err)
	for _, key := range set.Keys {
		if key["kid"] == header["kid"] {
			n, err := base64.RawURLEncoding.DecodeString(key["n"].(string))
			require.NoError(a, err)
			require.Equal(a, "AQAB", key["e"])
			public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
			return a.segment(parts[1]), rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature)
		}
	}
	return nil, fmt.Errorf("no key %v among %d", header["kid"], len(set.Keys))
}

func (a *app) segment(s string) map[string]any {
	a.Helper()
	text, err := base64.RawURLEncoding.DecodeString(s)
	require.NoError(a, err)
	var members map[string]any
	require.NoError(a, json.Unmarshal(text, &members))
	return members
}
