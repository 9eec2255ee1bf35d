// What strangers write into the Cookie header and into the callback's query.

package authkit

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func fuzzed(f *testing.F, opts ...Option) *AuthKit {
	a, err := New(append([]Option{
		WithAPIKey("sk_1"), WithClientID("client_1"), WithCookiePassword("0123456789abcdef0123456789abcdef"),
		WithRedirectURL("https://app.example.com/callback"), WithCookieName("sid"), WithLogger(slog.New(slog.DiscardHandler)),
		WithHTTPClient(&http.Client{Transport: unreachable{}}),
	}, opts...)...)
	require.NoError(f, err)
	return a
}

// unreachable is a network that nobody may use.
type unreachable struct{}

func (unreachable) RoundTrip(r *http.Request) (*http.Response, error) {
	panic("a stranger's request led to a call of " + r.URL.Path)
}

// FuzzSessionCookie holds the joining of chunks against the plainest way to say what it is to do.
func FuzzSessionCookie(f *testing.F) {
	for _, header := range []string{
		"sid=a", "sid=a; sid=b", "sid.0=a; sid.1=b", "sid.1=b;sid.0=a", "sid.0=a; sid.2=c", "sid.7=a", "sid.8=a", "sid.00=a", "sid.0=",
		"sid=; sid=a", "theme=dark; sid=a", " sid = a ", "sid", "=a", ";;", "sid=a=b", `sid="a"`, "sid.0=a; sid=b", "SID=a", "sid\t=a", "sid=a\x00",
	} {
		f.Add(header)
	}
	a := fuzzed(f)
	f.Fuzz(func(t *testing.T, header string) {
		var names, values []string
		for pair := range strings.SplitSeq(header, ";") {
			if name, value, ok := strings.Cut(strings.Trim(pair, " \t"), "="); ok {
				names, values = append(names, name), append(values, value)
			}
		}
		parts := []string{"sid"}
		if !slices.Contains(names, "sid") {
			parts = nil
			for _, name := range []string{"sid.0", "sid.1", "sid.2", "sid.3", "sid.4", "sid.5", "sid.6", "sid.7"} {
				if slices.Contains(names, name) {
					parts = append(parts, name)
				}
			}
		}
		want := ""
		for i, part := range parts {
			if len(parts) > 1 && part != a.cookies.chunkName(i) || len(parts) == 1 && part != "sid" && part != "sid.0" {
				want = ""
				break
			}
			want += values[slices.Index(names, part)]
		}
		seen := map[string]bool{}
		for i, name := range names {
			if a.cookies.chunk(name) == notSession {
				continue
			}
			if seen[name] || values[i] == "" || name != "sid" && seen["sid"] || name == "sid" && len(seen) > 0 {
				want = ""
			}
			seen[name] = true
		}

		got := a.cookies.session(http.Header{"Cookie": {header}})
		require.Equal(t, want, got.text())
		require.LessOrEqual(t, got.count, maxChunks)
		require.Equal(t, want == "", got.count == 0)
		require.True(t, got.is(want))
	})
}

// FuzzCookieHeader lets any Cookie header through the whole line: nobody is signed in by it, and nothing fails.
func FuzzCookieHeader(f *testing.F) {
	shared, moving := fuzzed(f, WithSharedSession()), fuzzed(f, WithForeignSessions("former"))
	for _, header := range []string{"sid=a", "former=Fe26.2*1*****1*~2", "sid.0=a; sid.1=b", "former=AAAA", "sid=Fe26.2*1*a*b*c**d*e~2"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		for _, a := range []*AuthKit{shared, moving} {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header["Cookie"] = []string{header, header + "x"}
			a.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, signedIn := FromContext(r.Context())
				require.False(t, signedIn)
				require.NoError(t, ErrorFromContext(r.Context()))
			})).ServeHTTP(w, r)
			require.Equal(t, http.StatusOK, w.Code)
			require.Empty(t, w.Header()["Set-Cookie"])
		}
	})
}

// FuzzCallbackQuery brings any query to the callback of a browser that has begun nothing: no code is exchanged, nothing of
// it comes back, and nobody is sent anywhere but to AuthKit.
func FuzzCallbackQuery(f *testing.F) {
	for _, query := range []string{
		"", "code=a&state=b", "code=a", "error=access_denied", "error=<script>alert(1)</script>&error_description=<script>alert(2)</script>",
		"code=a&state=b&state=c", "code=%zz", "state=%00", "error=x&state=y", "code=a;state=b", "code=a&code=b",
	} {
		f.Add(query, "authkit-state-x=y")
	}
	a := fuzzed(f)
	callback := a.Callback()
	f.Fuzz(func(t *testing.T, query, cookie string) {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/callback", nil)
		r.URL.RawQuery = query
		r.Header.Set("Cookie", cookie)
		r.Header.Set("Accept", "text/html")
		callback.ServeHTTP(w, r)
		switch w.Code {
		case http.StatusSeeOther:
			location, err := url.Parse(w.Header().Get("Location"))
			require.NoError(t, err)
			require.Equal(t, "https://api.workos.com/user_management/authorize", location.Scheme+"://"+location.Host+location.Path)
		case http.StatusBadRequest, http.StatusForbidden, http.StatusBadGateway:
		default:
			t.Fatalf("%d for %q", w.Code, query)
		}
		require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
		require.Contains(t, w.Header().Get("Cache-Control"), "no-store")
		parameters, _ := url.ParseQuery(query)
		for _, values := range parameters {
			for _, value := range values {
				if len(value) > 12 && value != "access_denied" {
					require.NotContains(t, w.Body.String(), value)
				}
			}
		}
		for _, line := range w.Header()["Set-Cookie"] {
			require.NotEqual(t, wholeSession, a.cookies.chunk(cookieName(line)), "no session comes or goes")
		}
	})
}
