// The forms of cookies in the way: which are expired, over sign-in after sign-in.

package cookie

import (
	"math"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rounds are the forms that go out over sign-in after sign-in, each started from a page, with a callback in between.
func rounds(t *testing.T, a *Codec, target, cookies string, times int) (forms map[string]bool, pages int) {
	forms = map[string]bool{}
	note := func(h http.Header) (count string) {
		for _, line := range h["Set-Cookie"] {
			c, _ := http.ParseSetCookie(line)
			if c.Name == a.conflictName {
				count = "; " + c.Name + "=" + c.Value
				if c.MaxAge < 0 {
					count = ""
				}
				continue
			}
			if c.MaxAge < 0 {
				forms[c.Name+" "+c.Domain+" "+c.Path] = true
			}
		}
		return count
	}
	count := ""
	for range times {
		r := httptest.NewRequest("GET", target, nil)
		r.Header.Set("Cookie", cookies+count)
		h := http.Header{}
		passed := a.ConflictCount(r.Header) < MaxConflictCount
		if passed {
			a.NoteConflict(h, r, true)
			a.ExpireDuplicatesAtStart(h, r, true, 300)
		} else {
			a.ExpireDuplicatesAtStart(h, r, true, 0)
			a.EndConflict(h)
		}
		count = note(h)
		if !passed {
			pages++
			continue
		}
		r = httptest.NewRequest("GET", "/callback?state=x&code=y", nil)
		r.Header.Set("Cookie", cookies+count)
		h = http.Header{}
		a.CountSignIn(h, r)
		a.ExpireDuplicatesAtEnd(h, r, 500)
		count = note(h)
	}
	return forms, pages
}

// The likeliest planted form there is, Domain of the parent and Path=/, beside a session in chunks.
func TestTheNextChunkOfTheParentDomainIsExpired(t *testing.T) {
	a := New(Settings{SessionName: "sid", Host: "app.example.com", ClientID: "client_1", Secure: true, SameSite: http.SameSiteLaxMode})
	forms, pages := rounds(t, a, "/deep/x/y", "sid.0=a; sid.1=b; sid.2=c; sid.3=x", 12)
	assert.True(t, forms["sid.3 example.com /"], "after %d pages that explain", pages)
}

// Windows beyond the third never go out: the count ends at two.
func TestEveryWindowOfFormsGoesOut(t *testing.T) {
	a := New(Settings{SessionName: "sid", Host: "app.example.com", ClientID: "client_1", Secure: true, SameSite: http.SameSiteLaxMode})
	forms, pages := rounds(t, a, "/deep/x/y", "sid=a; sid=b; sid.0=c; sid.1=d; sid.2=e", 30)
	for _, form := range []string{"sid.1 example.com /", "sid.1 example.com /deep/x/y", "sid.1 example.com /deep/x", "sid.1 example.com /deep", "sid  /deep/", "sid.2  /deep/"} {
		assert.True(t, forms[form], "%s, after %d pages that explain", form, pages)
	}
}

// A domain in other letters than the redirect URL's host: the form in use is taken for another.
func TestADomainInCapitalsIsNotExpiredWhereASignInStarts(t *testing.T) {
	a := New(Settings{SessionName: "sid", Domain: "Example.com", Host: "app.example.com", ClientID: "client_1", Secure: true, SameSite: http.SameSiteLaxMode})
	r := httptest.NewRequest("GET", "/login", nil)
	r.Header.Set("Cookie", "sid=good; sid=junk")
	h := http.Header{}
	a.NoteConflict(h, r, true)
	a.ExpireDuplicatesAtStart(h, r, true, 300)
	require.NotEmpty(t, h["Set-Cookie"])
	for _, line := range h["Set-Cookie"] {
		c, _ := http.ParseSetCookie(line)
		assert.False(t, c.Name == "sid" && c.Path == "/" && c.Domain == "example.com", "the form in use: %s", line)
	}
}

// Which forms are never expired, however often somebody signs in.
func TestEveryFormIsExpiredOverSomeSignIns(t *testing.T) {
	a := New(Settings{SessionName: "sid", Host: "app.example.com", ClientID: "client_1", Secure: true, SameSite: http.SameSiteLaxMode})
	for _, c := range []struct{ target, cookies string }{
		{"/account", "sid.0=a; sid.1=b; sid.2=c"}, {"/account", "sid.0=a; sid.1=b; sid.2=c; sid.3=x"}, {"/deep/x", "sid.0=a; sid.1=b; sid.2=c; sid.3=x"},
		{"/deep/x/y", "sid=a; sid=b; sid.0=c; sid.1=d; sid.2=e"}, {"/account", "sid=a; sid.0=c; sid.1=d; sid.2=e; sid.3=f; sid.4=g"},
		{"/a/b/c/d", "sid=a; sid.0=c; sid.1=d; sid.2=e; sid.3=f; sid.4=g"},
	} {
		forms, pages := rounds(t, a, c.target, c.cookies, 30)
		missing := 0
		var some []string
		for _, name := range a.SessionNames(http.Header{"Cookie": {c.cookies}}) {
			for _, path := range pathForms(c.target) {
				for _, domain := range a.otherDomains {
					if path == "/" && (domain == "" || domain == "app.example.com") {
						continue
					}
					if !forms[name+" "+domain+" "+path] {
						missing++
						some = append(some, name+" "+domain+" "+path)
					}
				}
			}
		}
		assert.Zero(t, missing, "%s %s: never expired in 30 sign-ins (%d pages): %q", c.target, c.cookies, pages, some[:min(len(some), 12)])
	}
}

// Mutants of the lines above must not pass for want of a number that is large enough.
func TestTheWindowOfALogoutNeverTurnsNegative(t *testing.T) {
	var windows atomic.Uint64
	for _, count := range []uint64{0, math.MaxInt64 - 1, math.MaxInt64, math.MaxUint64} {
		windows.Store(count)
		assert.GreaterOrEqual(t, nextWindow(&windows), 0)
	}
}
