// Tests of requests without the cookies of this package.

package cookie

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOnlyTheCookiesOfThisPackageAreStripped(t *testing.T) {
	codec := New(Settings{Secure: true, ClientID: "client_1"})
	session, state := codec.SessionName(), codec.StateName("s1")
	for name, c := range map[string]struct{ before, after []string }{
		"no cookie of this package":   {[]string{"a=1;b = 2 ;; c"}, []string{"a=1;b = 2 ;; c"}},
		"the session alone":           {[]string{session + "=x"}, nil},
		"the session first":           {[]string{session + "=x; a=1"}, []string{"a=1"}},
		"the session in the middle":   {[]string{"a=1; " + session + "=x;b=\"2\" ; c=3;"}, []string{"a=1;b=\"2\" ; c=3;"}},
		"the session last":            {[]string{"a=1; " + session + "=x"}, []string{"a=1"}},
		"chunks":                      {[]string{session + ".0=x; " + session + ".1=y; a=1; " + session + ".7=z"}, []string{"a=1"}},
		"names that only begin alike": {[]string{session + "2=x; " + session + ".10=y; " + session + "-a=z"}, []string{session + "2=x; " + session + ".10=y; " + session + "-a=z"}},
		"cookies of a sign-in":        {[]string{state + "=x; " + codec.RestartName() + "=1; " + codec.StepName() + "=y; a=1"}, []string{"a=1"}},
		"a copy twice":                {[]string{session + "=x; " + session + "=y"}, nil},
		"several lines":               {[]string{"a=1", session + "=x", "b=2; " + session + "=x"}, []string{"a=1", "b=2"}},
		"white space around the name": {[]string{"a=1;\t " + session + " =x"}, []string{"a=1"}},
		"a name without a value":      {[]string{session + "; a=1"}, []string{"a=1"}},
		"the session of a neighbour":  {[]string{"authkit-state-other-x=1; " + SharedName + "=y"}, []string{"authkit-state-other-x=1; " + SharedName + "=y"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{"Cookie": c.before, "Accept": {"text/html"}}
			before := h.Clone()
			stripped := codec.WithoutOwned(h)
			assert.Equal(t, c.after, stripped["Cookie"])
			assert.Equal(t, "text/html", stripped.Get("Accept"))
			assert.Equal(t, before, h, "the header itself is unchanged")
		})
	}
}

func TestAcceptedSessionsOfOtherLibrariesAreStripped(t *testing.T) {
	codec := New(Settings{AcceptedNames: []string{SharedName}})
	h := codec.WithoutOwned(http.Header{"Cookie": {"a=1; " + SharedName + "=y"}})
	assert.Equal(t, []string{"a=1"}, h["Cookie"])
}
