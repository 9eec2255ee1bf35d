// Tests of trailers: which fields of the upstream's trailer reach the client.

package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/cmd/authkit/internal/proxy"
)

// wrongTrailer are fields that a trailer may not have (RFC 9110, section 6.5.1), or that only the gate may set.
var wrongTrailer = []string{
	"Set-Cookie: theme=dark", "Set-Cookie: authkit-session=evil", "Cache-Control: public", "CDN-Cache-Control: max-age=60",
	"X-Accel-Expires: 60", "Content-Type: text/html", "Location: https://evil.example/", "WWW-Authenticate: Basic",
	"Strict-Transport-Security: max-age=0", "Access-Control-Allow-Origin: *", "X-Authkit-User: user_1", "X-Who: user_1", "Vary: *", "If-Match: a",
}

// rightTrailer are fields that a trailer may have.
var rightTrailer = []string{"Grpc-Status: 5", "Grpc-Message: none", "X-Sum: 7", "ETag: \"1\"", "Server-Timing: db", "Content-Digest: sha-256=:YQ==:"}

// rawTrailers answers with both trailers, byte for byte. At /announced, it names all fields in Trailer before.
var rawTrailers = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fields := append(append([]string{}, wrongTrailer...), rightTrailer...)
	var announcement string
	if r.URL.Path == "/announced" {
		for _, field := range fields {
			name, _, _ := strings.Cut(field, ":")
			announcement += "Trailer: " + name + "\r\n"
		}
	}
	fmt.Fprintf(rw, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n%s\r\n4\r\ntext\r\n0\r\n%s\r\n\r\n", announcement, strings.Join(fields, "\r\n"))
	_ = rw.Flush()
})

// framedTrailers sends both trailers over HTTP/2.
var framedTrailers = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	prefix := http.TrailerPrefix
	if r.URL.Path == "/framed/announced" {
		prefix = ""
		for _, field := range append(append([]string{}, wrongTrailer...), rightTrailer...) {
			name, _, _ := strings.Cut(field, ":")
			w.Header().Add("Trailer", name)
		}
	}
	_, _ = io.WriteString(w, "text")
	_ = http.NewResponseController(w).Flush()
	for _, field := range append(append([]string{}, wrongTrailer...), rightTrailer...) {
		name, value, _ := strings.Cut(field, ": ")
		w.Header().Add(prefix+name, value)
	}
})

func TestATrailerHasNoFieldThatOnlyAHeaderMayHave(t *testing.T) {
	h2c := httptest.NewUnstartedServer(framedTrailers)
	h2c.Config.Protocols = new(http.Protocols)
	h2c.Config.Protocols.SetUnencryptedHTTP2(true)
	h2c.Start()
	t.Cleanup(h2c.Close)
	d := start(t, rawTrailers, setUp{change: func(c *proxy.Config) {
		c.Upstreams = append(c.Upstreams, proxy.Upstream{Path: "/framed/*", URL: strings.Replace(h2c.URL, "http:", "h2c:", 1)})
		c.Identity.Headers = map[string]string{"X-Who": "user"}
	}})
	http2 := new(http.Protocols)
	http2.SetUnencryptedHTTP2(true)
	for version, transport := range map[string]*http.Transport{"HTTP/1.1": {}, "HTTP/2.0": {Protocols: http2}} {
		t.Cleanup(transport.CloseIdleConnections)
		for _, path := range []string{"/announced", "/unannounced", "/framed/announced", "/framed/unannounced"} {
			t.Run(version+path, func(t *testing.T) {
				r, err := http.NewRequest("GET", d.URL+path, nil)
				require.NoError(t, err)
				r.Header.Set("Cookie", d.cookieOf(ben))
				resp, err := transport.RoundTrip(r)
				require.NoError(t, err)
				defer resp.Body.Close()
				require.Equal(t, version, resp.Proto)
				announced := resp.Trailer.Clone()
				text, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				assert.Equal(t, "text", string(text))
				for _, field := range wrongTrailer {
					name, _, _ := strings.Cut(field, ":")
					assert.NotContains(t, resp.Trailer, http.CanonicalHeaderKey(name))
					assert.NotContains(t, announced, http.CanonicalHeaderKey(name))
				}
				for _, field := range rightTrailer {
					name, value, _ := strings.Cut(field, ": ")
					assert.Equal(t, []string{value}, resp.Trailer[http.CanonicalHeaderKey(name)], name)
				}
				assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
				assert.Empty(t, resp.Header["Set-Cookie"])
			})
		}
	}
}

func TestATrailerOfManyOddFieldsHasNoFieldThatOnlyAHeaderMayHave(t *testing.T) {
	odd := []string{"set-cookie", "SET-COOKIE", "Set_Cookie", "Set.Cookie", "CACHE_CONTROL", "x.authkit.user", "X_Authkit_Jwt", "cdn_cache_control", "Content_Type"}
	for name, announcement := range map[string][]string{
		"none":                       nil,
		"all":                        odd,
		"others than are sent":       {"X-Sum", "X-Absent"},
		"as many as are sent":        {"X-Absent", "set-cookie"},
		"in one line, with nothings": {" , X-Sum,, set-cookie ,\tSet_Cookie,"},
	} {
		for path, status := range map[string]string{"/ok": "200 OK", "/partial": "206 Partial Content", "/missing": "404 Not Found"} {
			t.Run(name+path, func(t *testing.T) {
				d := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					conn, rw, err := http.NewResponseController(w).Hijack()
					if err != nil {
						return
					}
					defer conn.Close()
					fmt.Fprintf(rw, "HTTP/1.1 %s\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n", status)
					for _, line := range announcement {
						fmt.Fprintf(rw, "Trailer: %s\r\n", line)
					}
					fmt.Fprint(rw, "\r\n4\r\ntext\r\n0\r\n")
					for i := range 100 {
						fmt.Fprintf(rw, "X-Sum-%d: %d\r\n%s: a=b\r\n", i, i, odd[i%len(odd)])
					}
					fmt.Fprint(rw, "\r\n")
					_ = rw.Flush()
				}), setUp{})
				r, err := http.NewRequest("GET", d.URL+path, nil)
				require.NoError(t, err)
				r.Header.Set("Cookie", d.cookieOf(ben))
				resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
				require.NoError(t, err)
				defer resp.Body.Close()
				_, err = io.ReadAll(resp.Body)
				require.NoError(t, err)
				sums := 0
				for field := range resp.Trailer {
					if strings.HasPrefix(field, "X-Sum-") {
						sums++
						continue
					}
					assert.Contains(t, []string{"X-Sum", "X-Absent"}, field)
				}
				assert.Equal(t, 100, sums)
				assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
				assert.Empty(t, resp.Header["Set-Cookie"])
			})
		}
	}
}

func TestATrailerAfterAResponseWithoutABodyIsNoHeader(t *testing.T) {
	h2c := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Set-Cookie, X-Sum")
		if r.URL.Path == "/304" {
			w.WriteHeader(http.StatusNotModified)
		}
		_ = http.NewResponseController(w).Flush()
		w.Header().Set("Set-Cookie", "theme=dark")
		w.Header().Set("X-Sum", "7")
		w.Header().Set(http.TrailerPrefix+"Cache-Control", "public")
	}))
	h2c.Config.Protocols = new(http.Protocols)
	h2c.Config.Protocols.SetUnencryptedHTTP2(true)
	h2c.Start()
	t.Cleanup(h2c.Close)
	d := start(t, nil, setUp{change: func(c *proxy.Config) {
		c.Upstreams = []proxy.Upstream{{URL: strings.Replace(h2c.URL, "http:", "h2c:", 1)}}
	}})
	http2 := new(http.Protocols)
	http2.SetUnencryptedHTTP2(true)
	for version, transport := range map[string]*http.Transport{"HTTP/1.1": {}, "HTTP/2.0": {Protocols: http2}} {
		t.Cleanup(transport.CloseIdleConnections)
		for _, request := range []string{"HEAD /200", "GET /304", "HEAD /304", "GET /200"} {
			t.Run(version+" "+request, func(t *testing.T) {
				method, path, _ := strings.Cut(request, " ")
				r, err := http.NewRequest(method, d.URL+path, nil)
				require.NoError(t, err)
				r.Header.Set("Cookie", d.cookieOf(ben))
				resp, err := transport.RoundTrip(r)
				require.NoError(t, err)
				defer resp.Body.Close()
				_, err = io.ReadAll(resp.Body)
				require.NoError(t, err)
				assert.Equal(t, "/"+fmt.Sprint(resp.StatusCode), path)
				assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
				assert.Empty(t, resp.Header["Set-Cookie"])
				assert.NotContains(t, resp.Trailer, "Set-Cookie")
				assert.NotContains(t, resp.Trailer, "Cache-Control")
				if request == "GET /200" {
					assert.Equal(t, []string{"7"}, resp.Trailer["X-Sum"])
				}
			})
		}
	}
}
