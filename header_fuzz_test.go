// Fuzz tests of what an attacker controls: the Cookie header and the callback's query.

package authkit

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fuzzed returns an AuthKit that makes no calls.
func fuzzed(f *testing.F, opts ...Option) *AuthKit {
	a, err := New(append([]Option{
		WithAPIKey("sk_1"), WithClientID("client_1"), WithCookiePassword("0123456789abcdef0123456789abcdef"),
		WithRedirectURL("https://app.example.com/callback"), WithCookieName("sid"), WithLogger(slog.New(slog.DiscardHandler)),
		WithHTTPClient(&http.Client{Transport: unreachable{}}),
	}, opts...)...)
	require.NoError(f, err)
	return a
}

// unreachable is a transport that must not be used.
type unreachable struct{}

func (unreachable) RoundTrip(r *http.Request) (*http.Response, error) {
	panic("an attacker's request caused a call of " + r.URL.Path)
}

// FuzzCookieHeader sends any Cookie header through the middleware. The request is anonymous, without an error, and the
// response sets no cookie.
func FuzzCookieHeader(f *testing.F) {
	shared, migrating := fuzzed(f, WithSharedSession()), fuzzed(f, WithForeignSessions("former"))
	for _, header := range []string{"sid=a", "former=Fe26.2*1*****1*~2", "sid.0=a; sid.1=b", "former=AAAA", "sid=Fe26.2*1*a*b*c**d*e~2"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		for _, a := range []*AuthKit{shared, migrating} {
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

// FuzzCallbackQuery sends any query to the callback, from a browser without a pending sign-in. No code is exchanged, the
// response repeats no value of the query, and every redirect leads to AuthKit.
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
		case http.StatusBadRequest, http.StatusForbidden:
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
			name, _, _ := strings.Cut(line, "=")
			require.NotEqual(t, a.cookies.SessionName(), name, "the response sets and clears no session")
		}
	})
}
