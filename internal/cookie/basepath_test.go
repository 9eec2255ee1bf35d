// Tests of the cookie names and paths of applications below a path of a host.

package cookie

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

// names returns the names of all cookies of an application.
func names(s Settings) []string {
	c := New(s)
	return []string{c.SessionName(), c.StateName("state"), c.RestartName(), c.StepName(), c.conflictName}
}

func TestApplicationsBelowDifferentPathsOfAHostShareNoCookieName(t *testing.T) {
	for name, s := range map[string]Settings{
		"https":         {ClientID: "client_1", Host: "example.com", Secure: true},
		"plain http":    {ClientID: "client_1", Host: "localhost"},
		"with a domain": {ClientID: "client_1", Host: "example.com", Secure: true, Domain: "example.com"},
	} {
		seen := map[string]string{}
		for _, base := range []string{"", "/a", "/b", "/a/b", "/a-b", "/A", "/tool"} {
			s.BasePath = base
			for _, cookie := range names(s) {
				assert.NotContains(t, seen, cookie, "%s, base path %q", name, base)
				seen[cookie] = base
				assert.NotEqual(t, notSession, New(s).chunkIndex(New(s).SessionName()))
				assert.LessOrEqual(t, len(New(s).SessionName()), len("__Host-authkit-session")+7)
			}
		}
	}
}

func TestABasePathChangesNoSessionCookieThatTheApplicationNamed(t *testing.T) {
	plain := Settings{ClientID: "client_1", SessionName: "sid", Host: "example.com", Secure: true}
	below := plain
	below.BasePath = "/tool"
	assert.Equal(t, "sid", names(below)[0])
	for i, name := range names(plain)[1:] {
		assert.NotEqual(t, name, names(below)[i+1], "two applications may share one session, and no sign-in")
	}
}

// An update must not change the names, which would sign users out.
func TestTheCookieNamesStayAsTheyAre(t *testing.T) {
	assert.Equal(t, "__Host-authkit-session", New(Settings{ClientID: "client_1", Secure: true}).SessionName())
	assert.Equal(t, "authkit-session", New(Settings{ClientID: "client_1"}).SessionName())
	assert.Equal(t, "authkit-restart-kyMIqLON", New(Settings{ClientID: "client_1"}).RestartName())
	assert.Equal(t, "authkit-session-0744Gw", New(Settings{ClientID: "client_1", BasePath: "/tool"}).SessionName())
}

// The browser has the paths with the base path, which a proxy has removed from the request.
func TestDuplicatesBelowABasePathAreExpiredWithTheirPath(t *testing.T) {
	codec := New(Settings{ClientID: "client_1", Host: "localhost", BasePath: "/tool", SameSite: http.SameSiteLaxMode})
	r := httptest.NewRequest("GET", "/deep/x", nil)
	r.Header.Set("Cookie", codec.SessionName()+"=a; "+codec.SessionName()+"=b")
	h := http.Header{}
	codec.ExpireDuplicatesAtStart(h, r, false, 0)
	var paths []string
	for _, line := range h["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		assert.NoError(t, err)
		paths = append(paths, c.Path)
	}
	assert.Equal(t, []string{"/tool/deep/x", "/tool/deep", "/tool/deep/", "/tool", "/tool/"}, paths)
}
