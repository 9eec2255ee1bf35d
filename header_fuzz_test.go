// What strangers write into the Cookie header and into the callback's query.

package authkit

import (
	"fmt"
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

// FuzzSessionCookie holds the reading of session cookies against the plainest way to say what it is to do.
func FuzzSessionCookie(f *testing.F) {
	for _, header := range []string{
		"sid=a", "sid=a; sid=b", "sid.0=a; sid.1=b", "sid.1=b;sid.0=a", "sid.0=a; sid.2=c", "sid.7=a", "sid.8=a", "sid.00=a", "sid.0=",
		"sid=; sid=a", "sid=a; sid=", "theme=dark; sid=a", " sid = a ", "sid", "=a", ";;", "sid=a=b", `sid="a"`, "sid.0=a; sid=b", "SID=a", "sid\t=a", "sid=a\x00",
		"sid=a; sid=a", "sid.0=a; sid.0=b; sid.1=c; sid.1=d", "sidx0=a", "sid.0=a; sid.1=b; sid.7=c", "sid.1=a; sid.2=b", "sid.0=a; sid.2=b; sid.3=c",
	} {
		f.Add(header)
	}
	many := "sid.0=a; sid.0=b; sid.1=c; sid.1=d"
	for i := range 40 {
		many += fmt.Sprintf("; sid=%d; sid.2=%d", i, i)
	}
	f.Add(many)
	// Six whole values beside enough chunks in several values for the turns of all three kinds.
	f.Add("sid.0=7; sid.0=0; sid.1=0; sid=0; sid.2=0; sid=1; sid.0=1; sid=2; sid.0=2; sid=8; sid.0=8; sid=9; sid.0=9; sid=A; sid.1=1; sid=B")
	a := fuzzed(f)
	f.Fuzz(func(t *testing.T, header string) {
		values := map[string][]string{} // of each name, each once, without empty ones
		for pair := range strings.SplitSeq(header, ";") {
			name, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
			if ok && value != "" && !slices.Contains(values[name], value) {
				values[name] = append(values[name], value)
			}
		}
		names := []string{"sid.0", "sid.1", "sid.2", "sid.3", "sid.4", "sid.5", "sid.6", "sid.7"}
		whole, chunks, gap, doubled := values["sid"], "", false, len(values["sid"]) > 1
		for i, name := range names {
			doubled = doubled || len(values[name]) > 1
			switch {
			case len(values[name]) == 0:
			case gap || i > 0 && len(values[names[i-1]]) == 0:
				gap = true
			default:
				chunks += values[name][0]
			}
		}
		want, several := chunks, doubled || gap || len(whole) > 0 && chunks != ""
		if len(whole) > 0 {
			want = whole[0]
		}
		if several {
			want = ""
		}
		h := http.Header{"Cookie": {header}}
		got := a.cookies.session(h)
		require.Equal(t, want, got.text())
		require.Equal(t, several, got.several)
		require.LessOrEqual(t, got.count, maxChunks)
		require.Equal(t, want == "", got.count == 0)
		require.True(t, got.is(want))

		for _, cut := range []bool{false, true} {
			candidates := a.cookies.candidates(h, cut)
			require.LessOrEqual(t, len(candidates), maxCandidates)
			for i, candidate := range candidates {
				require.NotEmpty(t, candidate)
				require.NotContains(t, candidates[:i], candidate)
			}
			if chunks != "" && (cut || !gap) {
				require.Equal(t, chunks, candidates[0])
			}
			// Beside the chunks in two readings, the three kinds take turns: five whole values are tried at the least.
			for i, value := range whole {
				if outermost := i == 0 || i == len(whole)-1; outermost || len(whole) <= 5 || len(candidates) < maxCandidates {
					require.Contains(t, candidates, value)
				}
			}
			if want != "" {
				require.Contains(t, candidates, want)
			}
		}
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
			require.NotEqual(t, wholeSession, a.cookies.chunk(cookieName(line)), "no session comes or goes")
		}
	})
}
