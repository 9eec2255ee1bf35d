// Tests of setting, expiring and removing the session cookie in a response.

package cookie

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// requestWith returns a request that brings cookies.
func requestWith(cookies string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", cookies)
	return r
}

// setCookies returns the cookies that a response sets, as name=value, and those that it expires, as names.
func setCookies(t *testing.T, h http.Header) (set, expired []string) {
	t.Helper()
	for _, line := range h["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		require.NoError(t, err)
		if c.MaxAge < 0 {
			expired = append(expired, c.Name)
		} else {
			set = append(set, c.Name+"="+c.Value)
		}
	}
	return set, expired
}

func TestChunksOfASealedSessionAreReadBackWhole(t *testing.T) {
	codec := newCodec()
	for _, size := range []int{1, MaxSize - len("sid"), MaxSize - len("sid") + 1, 8 * (MaxSize - len("sid.0"))} {
		text := strings.Repeat("a", size-1) + "z"
		h := http.Header{}
		require.NoError(t, codec.SetSession(h, requestWith(""), text))
		set, expired := setCookies(t, h)
		for _, pair := range set {
			assert.LessOrEqual(t, len(pair)-len("="), MaxSize)
		}
		assert.Empty(t, expired)
		value := codec.Session(requestWith(strings.Join(set, "; ")).Header)
		assert.Equal(t, text, value.Text())
		assert.Equal(t, text, strings.Join(value.Parts(), ""))
		assert.Equal(t, len(set) > 1, value.Chunked())
		assert.Len(t, value.Parts(), len(set))
	}
}

func TestASessionThatDoesNotFitIsATooLargeError(t *testing.T) {
	for _, c := range []struct {
		settings Settings
		most     int
	}{
		{Settings{SessionName: "sid"}, 8 * (MaxSize - len("sid.0"))},
		{Settings{SessionName: "sid", Single: true}, MaxSize - len("sid")},
	} {
		codec, h := New(c.settings), http.Header{}
		assert.NoError(t, codec.CheckSize(strings.Repeat("a", c.most)))
		err := codec.SetSession(h, requestWith("sid=before"), strings.Repeat("a", c.most+1))
		var tooLarge *TooLargeError
		require.ErrorAs(t, err, &tooLarge)
		assert.EqualError(t, err, fmt.Sprintf("%d bytes sealed, at most %d fit", c.most+1, c.most))
		assert.Equal(t, TooLargeError{Size: c.most + 1, Most: c.most}, *tooLarge)
		assert.Empty(t, h, "the response sets nothing")
	}
}

func TestASessionReplacesEveryCookieThatTheRequestBrings(t *testing.T) {
	codec := New(Settings{SessionName: "sid", AcceptedNames: []string{"former"}})
	r := requestWith("sid.0=a; former=b; sid.1=c; sid.1=d; theme=dark; sid.8=e")
	h := http.Header{}
	require.NoError(t, codec.SetSession(h, r, "new"))
	set, expired := setCookies(t, h)
	assert.Equal(t, []string{"sid=new"}, set)
	assert.Equal(t, []string{"sid.0", "former", "sid.1"}, expired)

	codec.ClearSession(h, r)
	set, expired = setCookies(t, h)
	assert.Empty(t, set, "the new session is removed from the response")
	assert.Equal(t, []string{"sid.0", "former", "sid.1", "sid"}, expired)
}

func TestOnlyTheNamedSessionIsRemovedFromAResponse(t *testing.T) {
	codec := newCodec()
	const theme = "theme=dark; Path=/; Max-Age=60"
	duplicate := "sid=; Path=/account; Max-Age=0"
	for name, c := range map[string]struct {
		lines                    []string
		sets, forNew, forNothing bool // whether the response sets the session; what RemoveSetCookieFor reports
		remains                  bool // whether RemoveExpiry leaves the session in the response
	}{
		"nothing":             {nil, false, false, true, false},
		"the session":         {[]string{"sid=new; Path=/"}, true, true, false, true},
		"the session, chunks": {[]string{"sid.0=ne; Path=/", "sid=; Path=/; Max-Age=0", "sid.1=w; Path=/"}, true, true, false, true},
		"another session":     {[]string{"sid=other; Path=/"}, true, false, false, true},
		"an expiry":           {[]string{"sid=; Path=/; Max-Age=0"}, true, false, false, false},
	} {
		header := func() http.Header { return http.Header{"Set-Cookie": append([]string{theme, duplicate}, c.lines...)} }
		assert.Equal(t, c.sets, codec.SetsSession(header()), name)
		for text, removed := range map[string]bool{"new": c.forNew, "": c.forNothing} {
			h := header()
			assert.Equal(t, removed, codec.RemoveSetCookieFor(h, text), "%s: %q", name, text)
			assert.Equal(t, !removed && c.sets, codec.SetsSession(h), "%s: %q", name, text)
			assert.Subset(t, h["Set-Cookie"], []string{theme, duplicate}, "%s: %q", name, text)
		}
		h := header()
		codec.RemoveExpiry(h)
		assert.Equal(t, c.remains, codec.SetsSession(h), name)
	}
}

func TestAResponseHasOneLineForEachNameDomainAndPath(t *testing.T) {
	codec, h := newCodec(), http.Header{"Set-Cookie": {"sid=a; Path=/account", "sid=b; Path=/; Domain=example.com", "sid=c; Path=/", "theme=dark; Path=/"}}
	codec.Expire(h, "sid")
	assert.Equal(t, []string{
		"sid=a; Path=/account", "sid=b; Path=/; Domain=example.com", "theme=dark; Path=/", "sid=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
	}, h["Set-Cookie"])
}

func TestCookiesOfASignInAreNeverStrict(t *testing.T) {
	for session, want := range map[http.SameSite]string{
		http.SameSiteStrictMode: "SameSite=Lax", http.SameSiteLaxMode: "SameSite=Lax", http.SameSiteNoneMode: "SameSite=None",
	} {
		codec, h := New(Settings{ClientID: "client_1", Secure: true, SameSite: session}), http.Header{}
		codec.SetState(h, codec.StateName("state"), "sealed", 0)
		codec.SetStep(h, "sealed")
		codec.SetRestart(h)
		codec.NoteConflict(h, requestWith(""), true)
		require.Len(t, h["Set-Cookie"], 4)
		for _, line := range h["Set-Cookie"] {
			assert.Contains(t, line, want)
			assert.True(t, strings.HasPrefix(line, "__Host-authkit-"), line)
			assert.True(t, codec.SetsOwned(line), line)
			assert.True(t, IsReserved(lineName(line)), line)
		}
		assert.False(t, codec.SetsOwned("theme=dark"))
	}
}
