// Tests of the expiry of duplicates over several sign-ins.

package cookie

import (
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// signInRounds lets a browser with a conflict sign in several times, each time from a page and with a callback. It
// returns the duplicates that were expired, as name, Domain and Path, and how often an explanation took the place of
// the sign-in.
func signInRounds(codec *Codec, target, cookies string, times int) (expired map[string]bool, explanations int) {
	expired = map[string]bool{}
	note := func(h http.Header) (count string) {
		for _, line := range h["Set-Cookie"] {
			c, _ := http.ParseSetCookie(line)
			if c.Name == codec.conflictName {
				count = "; " + c.Name + "=" + c.Value
				if c.MaxAge < 0 {
					count = ""
				}
				continue
			}
			if c.MaxAge < 0 {
				expired[c.Name+" "+c.Domain+" "+c.Path] = true
			}
		}
		return count
	}
	count := ""
	for range times {
		r := httptest.NewRequest("GET", target, nil)
		r.Header.Set("Cookie", cookies+count)
		h := http.Header{}
		if codec.ConflictCount(r.Header) >= MaxConflictCount {
			codec.ExpireDuplicatesAtStart(h, r, true, 0)
			codec.EndConflict(h)
			count = note(h)
			explanations++
			continue
		}
		codec.NoteConflict(h, r, true)
		codec.ExpireDuplicatesAtStart(h, r, true, 300)
		count = note(h)
		r = httptest.NewRequest("GET", "/callback?state=x&code=y", nil)
		r.Header.Set("Cookie", cookies+count)
		h = http.Header{}
		codec.CountSignIn(h, r)
		codec.ExpireDuplicatesAtEnd(h, r, 500)
		count = note(h)
	}
	return expired, explanations
}

// newCodec returns the Codec of https://app.example.com, with the session cookie sid.
func newCodec() *Codec {
	return New(Settings{SessionName: "sid", Host: "app.example.com", ClientID: "client_1", Secure: true, SameSite: http.SameSiteLaxMode})
}

// A Domain of the parent and Path=/ are the likeliest of a planted cookie. It continues the session's chunks.
func TestAnAdditionalChunkOfTheParentDomainIsExpired(t *testing.T) {
	expired, explanations := signInRounds(newCodec(), "/deep/x/y", "sid.0=a; sid.1=b; sid.2=c; sid.3=x", 12)
	assert.True(t, expired["sid.3 example.com /"], "after %d explanations", explanations)
}

// The count of sign-ins stops at two, and there are more than three windows.
func TestEveryWindowOfDuplicatesIsExpired(t *testing.T) {
	expired, explanations := signInRounds(newCodec(), "/deep/x/y", "sid=a; sid=b; sid.0=c; sid.1=d; sid.2=e", 30)
	for _, duplicate := range []string{"sid.1 example.com /", "sid.1 example.com /deep/x/y", "sid.1 example.com /deep/x", "sid.1 example.com /deep", "sid  /deep/", "sid.2  /deep/"} {
		assert.True(t, expired[duplicate], "%s, after %d explanations", duplicate, explanations)
	}
}

// The letters of the Domain differ from those of the redirect URL's host.
func TestADomainInCapitalsIsNotExpiredWhenASignInStarts(t *testing.T) {
	codec := New(Settings{SessionName: "sid", Domain: "Example.com", Host: "app.example.com", ClientID: "client_1", Secure: true, SameSite: http.SameSiteLaxMode})
	r := httptest.NewRequest("GET", "/login", nil)
	r.Header.Set("Cookie", "sid=good; sid=junk")
	h := http.Header{}
	codec.NoteConflict(h, r, true)
	codec.ExpireDuplicatesAtStart(h, r, true, 300)
	require.NotEmpty(t, h["Set-Cookie"])
	for _, line := range h["Set-Cookie"] {
		c, _ := http.ParseSetCookie(line)
		assert.False(t, c.Name == "sid" && c.Path == "/" && c.Domain == "example.com", "the Domain and Path in use: %s", line)
	}
}

func TestEveryDuplicateIsExpiredAfterEnoughSignIns(t *testing.T) {
	codec := newCodec()
	for _, c := range []struct{ target, cookies string }{
		{"/account", "sid.0=a; sid.1=b; sid.2=c"}, {"/account", "sid.0=a; sid.1=b; sid.2=c; sid.3=x"}, {"/deep/x", "sid.0=a; sid.1=b; sid.2=c; sid.3=x"},
		{"/deep/x/y", "sid=a; sid=b; sid.0=c; sid.1=d; sid.2=e"}, {"/account", "sid=a; sid.0=c; sid.1=d; sid.2=e; sid.3=f; sid.4=g"},
		{"/a/b/c/d", "sid=a; sid.0=c; sid.1=d; sid.2=e; sid.3=f; sid.4=g"},
	} {
		expired, explanations := signInRounds(codec, c.target, c.cookies, 30)
		missing := 0
		var some []string
		for _, name := range codec.SessionNames(http.Header{"Cookie": {c.cookies}}) {
			for _, path := range cookiePaths(c.target) {
				for _, domain := range codec.duplicateDomains {
					if path == "/" && (domain == "" || domain == "app.example.com") {
						continue
					}
					if !expired[name+" "+domain+" "+path] {
						missing++
						some = append(some, name+" "+domain+" "+path)
					}
				}
			}
		}
		assert.Zero(t, missing, "%s %s: not expired in 30 sign-ins (%d explanations): %q", c.target, c.cookies, explanations, some[:min(len(some), 12)])
	}
}

// The counter starts high, so that a mutation of the mask shows.
func TestTheWindowNumberIsNeverNegative(t *testing.T) {
	var windows atomic.Uint64
	for _, count := range []uint64{0, math.MaxInt64 - 1, math.MaxInt64, math.MaxUint64} {
		windows.Store(count)
		assert.GreaterOrEqual(t, nextWindow(&windows), 0)
	}
}

func TestCookiePathsAreBoundedInNumberAndLength(t *testing.T) {
	assert.Equal(t, []string{"/", "/a/b", "/a", "/a/"}, cookiePaths("/a/b?c=/d"))
	assert.Equal(t, []string{"/"}, cookiePaths("*"), "no path")
	assert.Equal(t, []string{"/", "/a", "/a/"}, cookiePaths("/a/"+strings.Repeat("x", maxPathLength)))
	assert.Len(t, cookiePaths(strings.Repeat("/a", 100)), maxPaths)
}
