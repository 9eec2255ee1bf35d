// The page over HTTP: what it shows, what its buttons do, and whom it refuses.

package dev

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// pageServer serves the page of a fake.
func pageServer(t *testing.T) (p *page, base string) {
	t.Helper()
	c := newClock(0)
	o := &observer{clock: c}
	fake := authkittest.New(t, authkittest.WithClock(c), authkittest.WithMiddleware(o.middleware))
	f := &faults{fake: fake, texts: map[authkittest.Route]string{}}
	o.faults = f
	o.fake.Store(fake)
	p = &page{fake: fake, observer: o, faults: f, clock: c, redirects: []string{"http://localhost:8080/callback", "com.example.app:/callback"}}
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = p.handler(server.Listener.Addr().String())
	server.Start()
	t.Cleanup(server.Close)
	return p, server.URL
}

// send sends a request and returns the status and the body.
func send(t *testing.T, method, address string, header map[string]string, form url.Values) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	if host := header["Host"]; host != "" {
		r.Host = host
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

func TestThePageOfAuthkitDevShowsWhatIsInTheFake(t *testing.T) {
	p, base := pageServer(t)
	ada := p.fake.Users()[0]
	p.fake.BearerToken(ada.Email)
	p.fake.UpdateUser(ada.Email, func(u *authkittest.User) { u.FirstName = "<script>alert(1)</script>" })
	p.fake.Invite("zoe@example.com", p.fake.Organizations()[0].ID)
	p.fake.EmitEvent("custom.older", nil)
	p.fake.EmitEvent("custom.newer", map[string]string{"text": "</pre><b>"})
	_, err := http.Get(p.fake.URL() + "/directories?code=secret-of-a-query")
	require.NoError(t, err)
	for _, grant := range []string{"refresh_token", "a-grant-that-is-unknown"} {
		answer, err := http.PostForm(p.fake.URL()+"/user_management/authenticate", url.Values{"grant_type": {grant}, "refresh_token": {"secret-of-a-body"}})
		require.NoError(t, err)
		answer.Body.Close()
	}
	status, body := send(t, http.MethodGet, base+"/", nil, nil)
	assert.Equal(t, http.StatusOK, status)
	for _, want := range []string{
		p.fake.URL() + "/mailbox", "http://localhost:8080", "com.example.app:/callback", ada.Email, "End sessions (1)", "invitation to zoe@example.com", "invitation_token=", "Harbor Press", p.fake.Organizations()[0].ID,
		"GET /directories", "the fake has no such call", "POST /user_management/authenticate (refresh_token)", "that WorkOS would refuse",
	} {
		assert.Contains(t, body, want)
	}
	assert.Less(t, strings.Index(body, "custom.newer"), strings.Index(body, "custom.older"), "the newest event is first")
	for _, unwanted := range []string{"<script>alert", "</pre><b>", "secret-of-a-query", "secret-of-a-body", p.fake.APIKey()} {
		assert.NotContains(t, body, unwanted)
	}
	status, body = send(t, http.MethodGet, base+"/log", nil, nil)
	assert.Equal(t, http.StatusOK, status)
	assert.NotContains(t, body, "<html")
	assert.Contains(t, body, "custom.newer")
	for _, path := range []string{"/style.css", "/page.js"} {
		status, _ = send(t, http.MethodGet, base+path, nil, nil)
		assert.Equal(t, http.StatusOK, status, path)
	}
}

func TestTheButtonsOfThePageChangeTheFake(t *testing.T) {
	p, base := pageServer(t)
	do := func(name string, form url.Values) (int, string) {
		return send(t, http.MethodPost, base+"/do/"+name, nil, form)
	}
	ben := p.fake.Users()[1]
	organization := ben.Memberships[0].OrganizationID
	p.fake.BearerToken(ben.Email)

	status, said := do("revoke", url.Values{"email": {ben.Email}})
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "The sessions of "+ben.Email+" have ended.\n", said)
	assert.False(t, p.fake.Sessions()[0].Active())

	status, _ = do("membership", url.Values{"email": {ben.Email}, "organization": {organization}, "role": {"admin"}})
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "admin", p.fake.Users()[1].Memberships[0].Role)
	status, _ = do("membership", url.Values{"email": {ben.Email}, "organization": {organization}, "role": {"admin"}, "remove": {"true"}})
	assert.Equal(t, http.StatusOK, status)
	assert.Empty(t, p.fake.Users()[1].Memberships)
	status, said = do("membership", url.Values{"email": {ben.Email}, "organization": {organization}, "remove": {"true"}})
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, said, "not a member")

	status, _ = do("fault", url.Values{"route": {"keys"}, "fault": {"503"}})
	assert.Equal(t, http.StatusOK, status)
	keys := p.fake.URL() + "/sso/jwks/" + p.fake.ClientID()
	before, _ := send(t, http.MethodGet, keys, nil, nil)
	assert.Equal(t, http.StatusServiceUnavailable, before)
	status, said = do("clear", url.Values{"route": {"keys"}})
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "Faults cleared: 1.\n", said)
	_, first := send(t, http.MethodGet, keys, nil, nil)
	status, _ = do("keys", nil)
	assert.Equal(t, http.StatusOK, status)
	_, second := send(t, http.MethodGet, keys, nil, nil)
	assert.NotEqual(t, first, second)
	status, said = do("fault", url.Values{"route": {"keys"}, "fault": {"later"}})
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, said, `"later" is no fault`)

	status, _ = do("clock", url.Values{"move": {"1h"}})
	assert.Equal(t, http.StatusOK, status)
	status, _ = do("clock", url.Values{"move": {"30m"}})
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, 90*time.Minute, p.clock.Offset())
	status, _ = do("clock", url.Values{"offset": {"-5m"}})
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, -5*time.Minute, p.clock.Offset())
	status, _ = do("clock", url.Values{"move": {"soon"}})
	assert.Equal(t, http.StatusBadRequest, status)

	// A browser gets the page again, once with what was done.
	status, body := send(t, http.MethodPost, base+"/do/delete", map[string]string{"Accept": "text/html", "Origin": base}, url.Values{"email": {ben.Email}})
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, ben.Email+" is deleted.")
	assert.Len(t, p.fake.Users(), 3)
	_, body = send(t, http.MethodGet, base+"/", nil, nil)
	assert.NotContains(t, body, "is deleted.")
	_, body = send(t, http.MethodPost, base+"/do/revoke", map[string]string{"Accept": "text/html"}, url.Values{"email": {"none@example.com"}})
	assert.Contains(t, body, "Not done: 404")
}

func TestThePageRefusesOtherHostsAndFormsOfOtherOrigins(t *testing.T) {
	p, base := pageServer(t)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(base, "http://"))
	require.NoError(t, err)
	for host, want := range map[string]int{
		"127.0.0.1:" + port: http.StatusOK, "localhost:" + port: http.StatusOK, "evil.example.com:" + port: http.StatusMisdirectedRequest,
		"127.0.0.1": http.StatusMisdirectedRequest, "localhost:1": http.StatusMisdirectedRequest, "[::1]:" + port: http.StatusMisdirectedRequest,
	} {
		for _, path := range []string{"/", "/log", "/control/events"} {
			status, _ := send(t, http.MethodGet, base+path, map[string]string{"Host": host}, nil)
			assert.Equal(t, want, status, "%s %s", host, path)
		}
	}
	deletion := url.Values{"email": {p.fake.Users()[0].Email}}
	for _, path := range []string{"/do/delete", "/control/delete"} {
		for _, header := range []map[string]string{
			{"Origin": "https://evil.example.com"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://localhost:1"}, {"Host": "evil.example.com:" + port},
		} {
			status, _ := send(t, http.MethodPost, base+path, header, deletion)
			assert.GreaterOrEqual(t, status, 400, "%s %v", path, header)
		}
	}
	assert.Len(t, p.fake.Users(), 4)
	response, err := http.Get(base)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	policy := response.Header.Get("Content-Security-Policy")
	assert.Contains(t, policy, "default-src 'none'")
	assert.Contains(t, policy, "frame-ancestors 'none'")
}
