// The conversion of requests: net/http code sees what it would see under the server of net/http.

package authkitfiber_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/encryptcookie"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/contrib/authkitfiber"
)

// seen is what a handler sees of a request.
type seen struct {
	Method, URL, Path, RequestURI, Proto, Host, Remote, Body string
	Major, Minor                                             int
	Length                                                   int64
	TransferEncoding                                         []string
	Header                                                   map[string][]string
	TLS                                                      bool
}

// report answers with what it sees of the request, as JSON.
func report(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	remote, _, _ := net.SplitHostPort(r.RemoteAddr)
	h := maps.Clone(r.Header)
	h.Del("Content-Length") // net/http has it in both places
	json.NewEncoder(w).Encode(seen{
		r.Method, r.URL.String(), r.URL.Path, r.RequestURI, r.Proto, r.Host, remote, string(body),
		r.ProtoMajor, r.ProtoMinor, r.ContentLength, r.TransferEncoding, h, r.TLS != nil,
	})
}

// sendRaw sends a request as it is and returns the response.
func sendRaw(t *testing.T, address, request string) response {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return response{resp, string(body)}
}

func TestARequestIsConvertedAsNetHTTPReadsIt(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(report))
	defer plain.Close()
	for name, config := range map[string]fiber.Config{
		"buffered": {}, "streamed": {StreamRequestBody: true}, "immutable": {Immutable: true},
	} {
		l, _ := listen(t)
		app := fiber.New(config)
		app.Use(authkitfiber.Handler(http.HandlerFunc(report)))
		serve(t, l, app)
		for _, request := range []string{
			"GET / HTTP/1.1\r\nHost: app.example.com\r\n\r\n",
			"GET / HTTP/1.0\r\nHost: app.example.com\r\nConnection: close\r\n\r\n",
			"GET /a%2Fb/%C3%A9?x=%zz&y=a+b;c HTTP/1.1\r\nHost: app.example.com:8080\r\n\r\n",
			"GET //evil.example/path HTTP/1.1\r\nHost: app.example.com\r\n\r\n",
			"GET /a/../b/./c//d HTTP/1.1\r\nHost: app.example.com\r\n\r\n",
			"GET http://other.example/path?q HTTP/1.1\r\nHost: app.example.com\r\n\r\n",
			"GET /MixedCase/ HTTP/1.1\r\nhost: app.example.com\r\nx-custom: lower\r\nX-CUSTOM: upper\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer one\r\nAuthorization: Bearer two\r\nAccept: text/html\r\nAccept: application/json\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: a.example\r\nCookie: a=1; a=2\r\nCookie: b=\"quoted\"; empty=; nameless\r\ncookie:   c=3  \r\n\r\n",
			"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Host: evil.example\r\n\r\n",
			"POST /form HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\na=1&b=2",
			"POST /form HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n",
			"POST /form HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
			"PUT /file HTTP/1.1\r\nHost: a.example\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc",
		} {
			want := sendRaw(t, strings.TrimPrefix(plain.URL, "http://"), request)
			got := sendRaw(t, l.Addr().String(), request)
			require.Equal(t, want.StatusCode, got.StatusCode, "%s: %q", name, request)
			require.Equal(t, http.StatusOK, got.StatusCode, "%s: %q", name, request)
			var wanted, found seen
			require.NoError(t, json.Unmarshal([]byte(want.body), &wanted))
			require.NoError(t, json.Unmarshal([]byte(got.body), &found), got.body)
			assert.Equal(t, wanted, found, "%s: %q", name, request)
		}
	}
}

func TestNetHTTPCodeSeesThePathThatFiberHasRewritten(t *testing.T) {
	l, _ := listen(t)
	app := fiber.New()
	app.Use(func(c fiber.Ctx) error {
		c.Path("/new/a%20b")
		return c.Next()
	}, authkitfiber.Handler(http.HandlerFunc(report)))
	serve(t, l, app)
	var got seen
	r := sendRaw(t, l.Addr().String(), "GET /old?q=1 HTTP/1.1\r\nHost: app.example.com\r\n\r\n")
	require.NoError(t, json.Unmarshal([]byte(r.body), &got))
	assert.Equal(t, []string{"/new/a b", "/new/a%20b?q=1", "/old?q=1"}, []string{got.Path, got.URL, got.RequestURI})
}

func TestATargetThatNetHTTPRefusesIsAnswered400(t *testing.T) {
	a := start(t, options{routes: func(a *application) { a.Get("/*", show) }})
	for _, target := range []string{"/%zz", "/100%", "/a%2"} {
		r := sendRaw(t, strings.TrimPrefix(strings.Replace(a.url, "localhost", "127.0.0.1", 1), "http://"), "GET "+target+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
		assert.Equal(t, http.StatusBadRequest, r.StatusCode, target)
	}
}

// fasthttp uses the memory of a request again for the next one of the connection.
func TestAConvertedRequestKeepsItsTextsAfterTheRequest(t *testing.T) {
	var kept *http.Request
	l, _ := listen(t)
	app := fiber.New()
	app.All("/*", authkitfiber.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if kept == nil {
			kept = r
		}
	})))
	serve(t, l, app)
	conn, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for _, text := range []string{"first", "other", "third"} {
		_, err = io.WriteString(conn, "PATCH /"+text+"?"+text+" HTTP/1.1\r\nHost: "+text+".example\r\nCookie: a="+text+"\r\nX-Text: "+text+"\r\nContent-Length: 0\r\n\r\n")
		require.NoError(t, err)
		resp, err := http.ReadResponse(reader, nil)
		require.NoError(t, err)
		resp.Body.Close()
	}
	assert.Equal(t, "PATCH", kept.Method)
	assert.Equal(t, "/first?first", kept.RequestURI)
	assert.Equal(t, "/first?first", kept.URL.String())
	assert.Equal(t, "first.example", kept.Host)
	assert.Equal(t, "a=first", kept.Header.Get("Cookie"))
	assert.Equal(t, "first", kept.Header.Get("X-Text"))
	assert.Contains(t, kept.RemoteAddr, "127.0.0.1:")
}

func TestAFiberHandlerStillReadsTheBody(t *testing.T) {
	for name, config := range map[string]fiber.Config{"buffered": {}, "streamed": {StreamRequestBody: true}} {
		a := start(t, options{fiber: config, routes: func(a *application) {
			a.Post("/echo", func(c fiber.Ctx) error { return c.Send(c.Body()) })
		}})
		resp, err := client.Post(a.url+"/echo", "text/plain", strings.NewReader("the body"))
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, "the body", string(body), name)
	}
}

// The middleware of fiber that encrypts cookies changes the cookies of the request, and those of the response.
func TestCookiesThatAnotherMiddlewareHasChangedAreSeen(t *testing.T) {
	a := start(t, options{
		before: func(a *application) {
			a.Use(encryptcookie.New(encryptcookie.Config{Key: encryptcookie.GenerateKey(32)}))
		},
		routes: func(a *application) { a.Get("/", show) },
	})
	cookie := a.signIn()
	assert.Equal(t, kim, a.get("/", cookie).body)
	a.expire()
	r := a.get("/", cookie)
	assert.Equal(t, kim, r.body)
	assert.Equal(t, kim, a.get("/", r.session()).body)
}

func TestARequestOverTLSIsConverted(t *testing.T) {
	certified := httptest.NewTLSServer(http.NotFoundHandler()) // has a certificate for example.com
	defer certified.Close()
	l, _ := listen(t)
	app := fiber.New()
	app.Use(authkitfiber.Handler(http.HandlerFunc(report)))
	serve(t, tls.NewListener(l, &tls.Config{Certificates: certified.TLS.Certificates}), app)
	trusting := certified.Client().Transport.(*http.Transport).Clone()
	trusting.TLSClientConfig.ServerName = "example.com"
	trusting.ForceAttemptHTTP2 = false
	defer trusting.CloseIdleConnections()
	resp, err := (&http.Client{Transport: trusting}).Get("https://" + l.Addr().String() + "/")
	require.NoError(t, err)
	defer resp.Body.Close()
	var found seen
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&found))
	assert.True(t, found.TLS)
}

// The connection of App.Test has neither an address nor TLS.
func TestAnApplicationAnswersItsOwnTest(t *testing.T) {
	a := start(t, options{routes: func(a *application) { a.Get("/", show) }})
	cookie := a.signIn()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", cookie)
	a.expire()
	resp, err := a.App.Test(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, kim, string(body))
	checkPrivate(t, response{resp, ""}, "App.Test")
}

func TestLargeBodiesReachNetHTTPCode(t *testing.T) {
	l, url := listen(t)
	app := fiber.New(fiber.Config{StreamRequestBody: true, BodyLimit: 1 << 20})
	app.Post("/", authkitfiber.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 100<<10)
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		}
	})))
	serve(t, l, app)
	for size, status := range map[int]int{90 << 10: 200, 110 << 10: 413} {
		resp, err := client.Post(url, "application/octet-stream", bytes.NewReader(make([]byte, size)))
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, status, resp.StatusCode)
	}
}
