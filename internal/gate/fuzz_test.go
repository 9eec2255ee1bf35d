// A fuzz target: no upstream-like reading of a path is guarded if the path passes anonymously.

package gate_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/gate"
)

// upstreamReadings are ways in which servers and frameworks come from the path of a request line to the path that they route.
var upstreamReadings = map[string]func(string) string{
	"as it is": func(p string) string { return p },
	"decoded":  decoded,
	"net/http.ServeMux": func(p string) string {
		return path.Clean("/" + decoded(p))
	},
	"path.Clean of the escaped path": path.Clean,
	"decoded twice and cleaned": func(p string) string {
		return path.Clean("/" + decoded(decoded(p)))
	},
	"nginx: decoded, slashes merged, dot segments removed": func(p string) string {
		p = decoded(p)
		for strings.Contains(p, "//") {
			p = strings.ReplaceAll(p, "//", "/")
		}
		return path.Clean(p)
	},
	"Tomcat: parameters removed, decoded, normalized": func(p string) string {
		return path.Clean("/" + decoded(withoutParameters(p)))
	},
	"decoded, then parameters removed": func(p string) string { return path.Clean("/" + withoutParameters(decoded(p))) },
	"cut at the first parameter":       func(p string) string { before, _, _ := strings.Cut(decoded(p), ";"); return before },
	"IIS: backslashes are slashes, dots and spaces at the end removed": func(p string) string {
		segments := strings.Split(path.Clean(strings.ReplaceAll(decoded(p), `\`, "/")), "/")
		for i := range segments {
			segments[i] = strings.TrimRight(segments[i], ". ")
		}
		return strings.Join(segments, "/")
	},
	"C: the path ends at a NUL": func(p string) string { before, _, _ := strings.Cut(decoded(p), "\x00"); return before },
	"a URL parser that gets a relative reference": func(p string) string {
		u, err := (&url.URL{Scheme: "http", Host: "localhost"}).Parse(p)
		if err != nil {
			return p
		}
		return u.Path
	},
	"parsed again after it is decoded": func(p string) string {
		u, err := url.Parse(decoded(p))
		if err != nil {
			return p
		}
		return u.Path
	},
	"without the slash at the end": func(p string) string { return strings.TrimRight(decoded(p), "/") },
}

func decoded(p string) string {
	plain, err := url.PathUnescape(p)
	if err != nil {
		return p
	}
	return plain
}

func withoutParameters(p string) string {
	segments := strings.Split(p, "/")
	for i := range segments {
		segments[i], _, _ = strings.Cut(segments[i], ";")
	}
	return strings.Join(segments, "/")
}

// isGuarded is a second implementation of the rules of the fuzz target, for an upstream that ignores case.
func isGuarded(p string) bool {
	p = strings.ToLower(p)
	under := func(prefix string) bool { return p == prefix || strings.HasPrefix(p, prefix+"/") }
	return under("/public/admin") || !under("/public") && p != "/health"
}

func FuzzNoReadingOfAnAnonymousPathIsGuarded(f *testing.F) {
	for _, seed := range []string{
		"/public/a", "/public/../admin", "/public//admin", "/public/%2e%2e/x", "/public/..;/x", "/public/a%2fadmin", "/public/%61dmin",
		"/public/%2561dmin", `/public/..\x`, "/public/admin%00", "/public/admin;x=1", "/PUBLIC/ADMIN", "/public/admin.", "/public/admin%20/",
		"//public/x", "//x/public/admin", "///public/admin", "/health/", "/health", "/public/%c0%ae%c0%ae/", "/public/admin%3f", "/public/.%2e/x",
		"/public/K", "/public/a%23b", "http://x/public/a", "/public/a:b@c/d,e=f", "/public/%2F%2Fx", "/;/public", "/public/x%252f..%252fadmin",
	} {
		f.Add(seed)
	}
	ak, err := authkit.New(authkit.WithAPIKey("sk_test"), authkit.WithClientID("client_test"),
		authkit.WithCookiePassword(strings.Repeat("x", 32)), authkit.WithRedirectURL("http://localhost/callback"), authkit.WithBaseURL("http://localhost:1"))
	if err != nil {
		f.Fatal(err)
	}
	g, err := gate.New(gate.Config{AuthKit: ak, Rules: []gate.Rule{
		{Path: "/public/*", Allow: []string{gate.Public}},
		{Path: "/public/admin/*", Roles: []string{"admin"}},
		{Path: "/health", Allow: []string{gate.Public}},
	}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || strings.ContainsAny(target, "? ") {
			return
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL, r.RequestURI = u, target
		var sent string
		g.Serve(httptest.NewRecorder(), r, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { sent = r.URL.EscapedPath() }))
		if sent == "" {
			return
		}
		for name, read := range upstreamReadings {
			if got := read(sent); isGuarded(got) {
				t.Errorf("%q reaches the upstream anonymously as %q, which reads it as %q (%s)", target, sent, got, name)
			}
		}
	})
}
