// Tests of return paths and of the Location of a redirect.

package authkit

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sanitize is the method of an AuthKit without options.
var sanitize = new(AuthKit).SanitizeReturnPath

func TestAPathOnThisOriginIsReturnedUnchanged(t *testing.T) {
	for name, target := range map[string]string{
		"the root":                           "/",
		"a path":                             "/account",
		"a trailing slash":                   "/account/",
		"dots":                               "/a/./b/../c",
		"an encoded space":                   "/a%20b",
		"an encoded slash":                   "/files/a%2Fb",
		"a slash encoded twice":              "/files/a%252Fb",
		"an encoded percent sign":            "/100%25",
		"a percent sign encoded twice":       "/100%2525",
		"several scripts":                    "/山田/Ωμέγα",
		"several scripts, encoded":           "/%E5%B1%B1",
		"bytes that are not UTF-8":           "/%FF%FE",
		"a query":                            "/search?q=a+b&r=%2F%2F",
		"a query with another URL":           "/open?url=https://example.com//x",
		"a query with a backslash":           `/search?q=\evil`,
		"a query with encoded controls":      "/search?q=%0D%0A%00",
		"a query with a broken encoding":     "/search?q=100%",
		"a fragment":                         "/account#tab//2",
		"a colon":                            "/a:b",
		"an at sign":                         "/@evil.com",
		"a host below the root":              "/evil.com",
		"a scheme below the root":            "/javascript:alert(1)",
		"a semicolon":                        "/a;b=c",
		"two kilobytes":                      "/" + strings.Repeat("x", 2047),
		"two kilobytes with a query":         "/?" + strings.Repeat("x", 2046),
		"a fullwidth solidus":                "/／evil.com",
		"an empty query":                     "/account?",
		"a query directly after the root":    "/?x=1",
		"a fragment directly after the root": "/#x",
		"a question mark inside the query":   "/a?b?c",
		"an encoded percent sign and text":   "/a%25zz",
		"a URL in the path":                  "/open/https://example.com/x",
		"an encoded URL in the path":         "/open/https%3A%2F%2Fexample.com%2Fx",
		"a URL in the path, encoded twice":   "/open/https%253A%252F%252Fexample.com",
		"an empty segment":                   "/a//evil.com",
		"empty segments":                     "/a///b//",
		"an empty segment after two dots":    "/a/b/../c//d",
		"an encoded backslash":               "/files/C:%5Cnotes",
		"two encoded backslashes":            "/files/%5C%5Cserver",
		"a backslash encoded twice":          "/files/a%255Cb",
		"an encoded line break":              "/notes/a%0Ab",
		"an encoded null byte":               "/notes/a%00",
		"an encoded tab at the end":          "/account%09",
		"an encoding that breaks in the end": "/%25zz%255Cevil.com",
		"slashes after a percent sign":       "/%25%252F%252Fevil.com",
		"three dots before two slashes":      "/...//evil.com",
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, target, sanitize(target))
		})
	}
}

// hostileTargets are targets that some browser takes for another origin, some of
// them only after a proxy has decoded them. Some are not paths, or are too long.
var hostileTargets = map[string]string{
	"a host":                                 "//evil.com",
	"a host and a path":                      "//evil.com/account",
	"three slashes":                          "///evil.com",
	"four slashes":                           "////evil.com",
	"a backslash":                            `/\evil.com`,
	"a backslash first":                      `\/evil.com`,
	"two backslashes":                        `\\evil.com`,
	"slash, two backslashes":                 `/\\evil.com`,
	"slash, backslash, slash":                `/\/evil.com`,
	"https":                                  "https://evil.com",
	"https with one slash":                   "https:/evil.com",
	"https without a slash":                  "https:evil.com",
	"capitals":                               "HTTPS://EVIL.COM",
	"javascript":                             "javascript:alert(1)",
	"data":                                   "data:text/html,<script>alert(1)</script>",
	"user info":                              "//app.example.com@evil.com",
	"a host with a port":                     "//evil.com:443/",
	"a dot segment before two slashes":       "/.//evil.com",
	"two dots before two slashes":            "/..//evil.com",
	"a path and two dots before two slashes": "/a/..//evil.com",
	"a null byte":                            "/\x00/evil.com",
	"a delete":                               "/\x7f/evil.com",
	"a relative path":                        "account",
	"a query alone":                          "?next=1",
	"a fragment alone":                       "#x",
	"a space before":                         " //evil.com",
	"a space before a path":                  " /account",
	"nothing":                                "",
	"an encoded dot before two slashes":      "/%2e//evil.com",
	"a dot encoded twice, two slashes":       "/%252e%252e//evil.com",
	"two dots before encoded slashes":        "/a/..%2F%2Fevil.com",
	"two dots before an encoded backslash":   "/a/../%5Cevil.com",
	"backslashes around two dots":            "/a%5C..%5C%5Cevil.com",
	"two dots after an empty segment":        "/a//../..//evil.com",
	"a tab between encoded slashes":          "/%09/evil.com",
	"a tab inside dots":                      "/a/.%09.//evil.com",
	"slashes before a query":                 "//evil.com?x=/",
	"slashes before a fragment":              "//evil.com#/",
	"a slash and an encoded slash":           "/%2fevil.com",
	"a slash encoded, then twice":            "/%2F%252Fevil.com",
	"a slash encoded three times":            "/%25252Fevil.com",
	"a slash encoded ten times":              "/%" + strings.Repeat("25", 10) + "2Fevil.com",
	"a backslash encoded ten times":          "/%" + strings.Repeat("25", 10) + "5Cevil.com",
	"an encoded percent sign at the end":     "/%252Fevil.com/100%25",
	"an encoding that breaks once decoded":   "/%252Fevil.com/%25zz",
}

// unsafeBytes are targets that no browser sends as they are, or that are too long. Their
// encoded forms are accepted.
var unsafeBytes = map[string]string{
	"a backslash in the middle":    `/a\evil.com`,
	"an escape":                    "/\x1b[2J",
	"a null byte in a query":       "/account?q=\x00",
	"over two kilobytes":           "/" + strings.Repeat("x", 2048),
	"over two kilobytes of query":  "/?" + strings.Repeat("x", 2047),
	"a backslash beside a segment": `/a\/b`,
}

func TestATargetWithUnsafeBytesBecomesTheRoot(t *testing.T) {
	for name, target := range unsafeBytes {
		assert.Equal(t, "/", sanitize(target), name)
	}
}

func TestATargetThatMayLeadToAnotherOriginBecomesTheRoot(t *testing.T) {
	for name, target := range hostileTargets {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, "/", sanitize(target))
			once := percentEncoded(target)
			assert.Equal(t, "/", sanitize(once), "encoded once")
			assert.Equal(t, "/", sanitize(percentEncoded(once)), "encoded twice")
			if strings.HasPrefix(target, "/") && !strings.ContainsAny(target, "?#") && !strings.HasPrefix(target, "/x") {
				once = "/" + percentEncoded(target[1:])
				assert.Equal(t, "/", sanitize(once), "the rest encoded once: %s", once)
				once = "/" + percentEncoded(once[1:])
				assert.Equal(t, "/", sanitize(once), "the rest encoded twice: %s", once)
			}
		})
	}
}

// A browser and a chain of proxies decode one layer after the other. The check decodes all of them at once.
func TestFullyDecodedIsTheResultOfDecodingRepeatedly(t *testing.T) {
	for target, want := range map[string]string{
		"": "", "/": "/", "%": "%", "%2": "%2", "/%zz": "/%zz", "/%25%32%46": "//", "/%2%46": "//", "/%%32F": "//",
		"/%2525%2": "/%%2", "/%E5%B1": "/\xe5\xb1", "/%" + strings.Repeat("25", 1000) + "2F": "//",
	} {
		assert.Equal(t, want, fullyDecoded(target), target)
		for decoded := percentDecoded(target); decoded != target; decoded = percentDecoded(target) {
			target = decoded
		}
		assert.Equal(t, want, target)
	}
}

func TestOnlyAPageOfAReturnOriginIsAccepted(t *testing.T) {
	c := newConfig([]Option{WithReturnOrigins("https://SPA.example.com:443", "http://localhost:5173")})
	a := &AuthKit{returnOrigins: originsOf(c.returnOrigins)}
	for target, want := range map[string]string{
		"https://spa.example.com":                              "https://spa.example.com/",
		"https://spa.example.com/":                             "https://spa.example.com/",
		"https://spa.example.com?q=1":                          "https://spa.example.com/?q=1",
		"https://spa.example.com/a%2Fb?q=//x#/route":           "https://spa.example.com/a%2Fb?q=//x#/route",
		"HTTPS://SPA.EXAMPLE.COM:443/A":                        "https://spa.example.com/A",
		"http://localhost:5173/x":                              "http://localhost:5173/x",
		"/own":                                                 "/own",
		"http://spa.example.com/":                              "/",
		"https://spa.example.com:8443/":                        "/",
		"https://spa.example.com.evil.example/":                "/",
		"https://evil.example/spa.example.com":                 "/",
		"https://spa.example.com@evil.example/":                "/",
		"https://kim@spa.example.com/":                         "/",
		"https://kim:pw@spa.example.com/":                      "/",
		"https://@spa.example.com/":                            "/",
		"https://spa.example.com\\@evil.example/":              "/",
		"https://spa.example.com\\.evil.example/":              "/",
		"https:\\\\spa.example.com/":                           "/",
		"https:spa.example.com":                                "/",
		"https:/spa.example.com":                               "/",
		"https:///spa.example.com":                             "/",
		"//spa.example.com/":                                   "/",
		"https://spa.example.com//evil.example":                "/",
		"https://spa.example.com/a//b%5C":                      "https://spa.example.com/a//b%5C",
		"https://spa.example.com/%2f%2fevil.example":           "/",
		"https://spa.example.com/%252f%252fevil.example":       "/",
		"https://spa.example.com/\t":                           "/",
		"\thttps://spa.example.com/":                           "/",
		" https://spa.example.com/":                            "/",
		"https://spa.example.com./":                            "/",
		"https://spa.example.com:0443/":                        "/",
		"https://spa.example.com:/":                            "/",
		"https://spa%2eexample.com/":                           "/",
		"https://ｓpa.example.com/":                             "/",
		"javascript://spa.example.com/%0aalert(1)":             "/",
		"blob:https://spa.example.com/x":                       "/",
		"https://spa.example.com/" + strings.Repeat("x", 2048): "/",
	} {
		assert.Equal(t, want, a.SanitizeReturnPath(target), "%q", target)
		assert.Equal(t, want, a.SanitizeReturnPath(want), "a result is accepted again")
	}
	for name, target := range hostileTargets {
		assert.Equal(t, "/", a.SanitizeReturnPath(target), name)
	}
}

// url.Parse encodes characters such as a quote, so that the result is longer than the target.
func TestTheURLOfAReturnOriginIsNoLongerThanAReturnPathMayBe(t *testing.T) {
	a := &AuthKit{returnOrigins: []string{"https://spa.example.com"}}
	for quotes, accepted := range map[int]bool{0: true, 4: true, 5: false, 12: false, 13: false} {
		target := "https://spa.example.com/" + strings.Repeat("x", 2016-quotes) + strings.Repeat(`"`, quotes)
		page := a.SanitizeReturnPath(target)
		assert.Equal(t, accepted, page != "/", quotes)
		pending := pendingSignIn{state: "s", verifier: "v", returnTo: page, startedAt: time.Now()}
		_, err := decodePendingSignIn(pending.encode())
		assert.NoError(t, err, "the callback can read the sign-in")
	}
}

// A proxy removes the base path, and a router may redirect to the rest of the path: gin does
// so for a trailing slash.
func TestAPathThatBeginsWithAHostBelowTheBasePathIsRefused(t *testing.T) {
	a := &AuthKit{basePath: "/app"}
	for _, target := range []string{
		"/app//evil.com/", "/app/%2Fevil.com/", "/app/%5Cevil.com/", "/%61pp//evil.com/", "/app/.//evil.com/", "/app/%09/evil.com/", "/app//evil.com?q=/",
	} {
		assert.Equal(t, "/app/", a.SanitizeReturnPath(target), target)
	}
	for _, target := range []string{"/app/", "/app", "/app/a//b", "/apple//b", "/app/?q=//evil.com", "/a//app//b"} {
		assert.Equal(t, target, a.SanitizeReturnPath(target))
	}
}

// A pending sign-in for which there is little space loses its path, and keeps its origin.
func TestTheRootOfAReturnPathIsOnTheSameOrigin(t *testing.T) {
	assert.Equal(t, "/", new(AuthKit).rootOf("/a/b?q=1"))
	assert.Equal(t, "/", new(AuthKit).rootOf("/"))
	assert.Equal(t, "https://spa.example.com:8443/", new(AuthKit).rootOf("https://spa.example.com:8443/a/b"))
}

func TestATargetWithABrokenEncodingBecomesTheRoot(t *testing.T) {
	for _, target := range []string{"/100%", "/a%2", "/%zz", "/%2525/%", "/a%2?x=1"} {
		assert.Equal(t, "/", sanitize(target))
	}
}

// Browsers drop tabs and line breaks before parsing, so that "/\t/evil.com" is a host.
func TestATargetWithTabsOrLineBreaksBecomesTheRoot(t *testing.T) {
	for _, target := range []string{"/account", "//evil.com", `/\evil.com`, "/account?q=1", "/account#x"} {
		for _, control := range []string{"\t", "\r", "\n", "\r\n"} {
			for i := range len(target) + 1 {
				with := target[:i] + control + target[i:]
				assert.Equal(t, "/", sanitize(with), "%q", with)
			}
		}
	}
	for _, control := range []string{"%09", "%0D", "%0A", "%0d%0a", "%2509", "%250A"} {
		assert.Equal(t, "/", sanitize("/"+control+"/evil.com"))
		assert.Equal(t, "/account"+control, sanitize("/account"+control), "a browser drops no encoded one")
	}
}

func TestTheRequestTargetComesFromTheRequestLine(t *testing.T) {
	for name, c := range map[string]struct{ target, want string }{
		"origin form":             {"/files/a%20b?v=1", "/files/a%20b?v=1"},
		"absolute form":           {"http://evil.com/files/a", "/"},
		"absolute form with ours": {"http://app.example.com/files/a", "/"},
		"a host":                  {"//evil.com/files/a", "/"},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			handler := http.StripPrefix("/files", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = new(AuthKit).requestTarget(r) }))
			r := httptest.NewRequest("GET", "/files/a", nil)
			r.RequestURI = c.target
			handler.ServeHTTP(httptest.NewRecorder(), r)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestALocationIsASCIIAndOtherwiseUnchanged(t *testing.T) {
	for target, want := range map[string]string{
		"/account?x=1#y":   "/account?x=1#y",
		"/a b":             "/a%20b",
		"/山":               "/%E5%B1%B1",
		"/%E5%B1%B1/%2f":   "/%E5%B1%B1/%2f",
		"/a/../b/./c":      "/a/../b/./c",
		"/x\r\nSet-Cookie": "/x%0D%0ASet-Cookie",
	} {
		w := httptest.NewRecorder()
		seeOther(w, target)
		assert.Equal(t, http.StatusSeeOther, w.Code)
		assert.Equal(t, want, w.Header().Get("Location"))
	}
}

// FuzzReturnPath checks that every result stays on the origin: in a browser that
// follows the URL standard (https://url.spec.whatwg.org/), and behind a proxy that
// decodes the path more often than it should.
func FuzzReturnPath(f *testing.F) {
	for _, target := range hostileTargets {
		f.Add(target)
	}
	for _, target := range unsafeBytes {
		f.Add(target)
	}
	for _, target := range []string{"/", "/a//../b//c", "/open/https://example.com", "/files/%5C%5Ca%0A", "/account?x=1#y", "/a%2Fb", "/100%25", "/%E5%B1%B1"} {
		f.Add(target)
	}
	f.Fuzz(func(t *testing.T, target string) {
		result := sanitize(target)
		if result != target {
			require.Equal(t, "/", result)
		}
		require.Equal(t, result, sanitize(result), "a second call changes nothing")
		require.LessOrEqual(t, len(result), 2048)
		for _, location := range []string{result, asciiURL(result)} {
			require.Regexp(t, `^/($|[^/\\])`, location)
			require.False(t, strings.ContainsFunc(location, func(r rune) bool { return r < 0x20 || r == 0x7f }))
			if u, err := url.Parse(location); err == nil {
				require.Empty(t, u.Scheme)
				require.Empty(t, u.Host)
				require.Nil(t, u.User)
				base := &url.URL{Scheme: "https", Host: "app.example.com", Path: "/"}
				resolved := base.ResolveReference(u)
				require.Equal(t, "https", resolved.Scheme)
				require.Equal(t, "app.example.com", resolved.Host)
			}
			path, _, _ := strings.Cut(location, "#")
			path, _, _ = strings.Cut(path, "?")
			encoded := path
			for range 50 { // layers: more take this test too long, and localPath decodes all of them
				require.NotRegexp(t, `^/[/\\]`, resolved(path), "the target is %q", target)
				require.NotRegexp(t, `^/[/\\]`, resolved(withoutControls.ReplaceAllString(path, "")), "the target is %q", target)
				decoded := percentDecoded(path)
				if decoded == path {
					break
				}
				path = decoded
			}
			if percentDecoded(path) == path {
				require.Equal(t, path, fullyDecoded(encoded), "one pass removes all layers")
			}
		}
	})
}

// withoutControls matches what browsers drop, and more.
var withoutControls = regexp.MustCompile(`[\x00-\x1f\x7f]`)

// resolved removes the dot segments of a path as browsers do
// (https://url.spec.whatwg.org/#path-state).
func resolved(path string) string {
	var kept []string
	segments := strings.Split(strings.ReplaceAll(path, `\`, "/"), "/")[1:]
	for i, segment := range segments {
		last := i == len(segments)-1
		switch {
		case segment == "..":
			kept = kept[:max(0, len(kept)-1)]
		case segment != ".":
			kept = append(kept, segment)
		}
		if last && (segment == "." || segment == "..") {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

// percentEncoded encodes all but unreserved characters (RFC 3986, section 2.3).
func percentEncoded(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

// percentDecoded decodes as browsers do
// (https://url.spec.whatwg.org/#string-percent-decode): a percent sign that
// begins no encoding stays.
func percentDecoded(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if octet, err := url.PathUnescape(s[i : i+3]); err == nil {
				b.WriteString(octet)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func TestALocationEncodesAllButPrintableASCII(t *testing.T) {
	assert.Equal(t, "/!~%20%7F%00%1F%80%FF", asciiURL("/!~ \x7f\x00\x1f\x80\xff"))
}
