// Tests of partitioned cookies.

package cookie

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newPartitioned(domain string) *Codec {
	return New(Settings{
		ClientID: "client_1", Domain: domain, Host: "app.example.com", Secure: true, SameSite: http.SameSiteNoneMode, Partitioned: true, MaxAge: time.Hour,
	})
}

// lines returns the Set-Cookie lines of a header, each as "name=value partitioned" or "name=value".
func lines(t *testing.T, h http.Header) (all []string) {
	t.Helper()
	for _, line := range h["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		require.NoError(t, err)
		text := c.Name + "=" + c.Value
		if c.Partitioned {
			text += " partitioned"
		}
		all = append(all, text)
	}
	return all
}

// A browser that does not know the attribute takes both lines for one cookie, so the session must come last.
func TestAPartitionedSessionReplacesTheOneWithoutTheAttribute(t *testing.T) {
	c := newPartitioned("")
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", c.SessionName()+"=old")
	h := http.Header{}
	require.NoError(t, c.SetSession(h, r, "new"))
	assert.Equal(t, []string{c.SessionName() + "=", c.SessionName() + "=new partitioned"}, lines(t, h))

	h = http.Header{}
	require.NoError(t, c.SetSession(h, httptest.NewRequest("GET", "/", nil), "new"))
	assert.Equal(t, []string{c.SessionName() + "=new partitioned"}, lines(t, h), "there is nothing to replace")
}

func TestClearingAPartitionedSessionDeletesBothForms(t *testing.T) {
	c := newPartitioned("")
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", c.SessionName()+".0=a; "+c.SessionName()+".1=b")
	h := http.Header{}
	require.NoError(t, c.SetSession(h, r, strings.Repeat("x", MaxSize+1)))
	c.ClearSession(h, r)
	assert.Equal(t, []string{
		c.SessionName() + ".0=", c.SessionName() + ".0= partitioned", c.SessionName() + ".1=", c.SessionName() + ".1= partitioned",
		c.SessionName() + "= partitioned",
	}, lines(t, h))
	for _, line := range h["Set-Cookie"] {
		assert.Contains(t, line, "; Max-Age=0; HttpOnly; Secure; SameSite=None")
	}
	c.RemoveSetCookie(h)
	assert.Empty(t, h["Set-Cookie"], "both forms are lines of the session")
}

func TestDuplicatesOfAPartitionedCookieAreExpiredInBothForms(t *testing.T) {
	c := newPartitioned("example.com")
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", c.SessionName()+"=a; "+c.SessionName()+"=b")
	h := http.Header{}
	c.ExpireDuplicatesAtEnd(h, r, 0)
	forms := map[identity]int{}
	for _, line := range h["Set-Cookie"] {
		forms[identityOf(line)]++
	}
	for _, domain := range []string{"app.example.com", ""} {
		for _, partitioned := range []bool{false, true} {
			assert.Equal(t, 1, forms[identity{domain, "/", partitioned}], "%q %t", domain, partitioned)
		}
	}
}
