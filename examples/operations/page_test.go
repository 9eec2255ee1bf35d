// The private listener: its page, its buttons and what they accept.

package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestThePageHasAButtonForEachIncident(t *testing.T) {
	s := newTestSite(t, "site", nil)
	b := authkittest.NewBrowser()
	t.Cleanup(b.CloseIdleConnections)
	page, err := b.Get(s.private + "/")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, page.StatusCode)
	for _, i := range incidents {
		assert.Contains(t, page.Body, "<strong>"+i.Title+"</strong>")
		assert.Contains(t, page.Body, `action="/incidents/`+i.Name+`"`)
	}

	for _, form := range page.Forms {
		if !strings.HasSuffix(form.Action.Path, "/clock") {
			continue
		}
		fields := form.Fields
		fields.Set("amount", "-70")
		require.NoError(t, s.press(form.Action.Path, fields))
	}
	assert.Equal(t, -70, int(s.machine.Now().Sub(s.world.Now()).Round(1e9).Seconds()))
	page, err = b.Get(s.private + "/")
	require.NoError(t, err)
	assert.Contains(t, page.Body, "-70 seconds")
	page, err = b.Submit("Mend all", nil)
	require.NoError(t, err)
	assert.NotContains(t, page.Body, "-70 seconds")
	assert.Zero(t, int(s.machine.Now().Sub(s.world.Now()).Round(1e9).Seconds()))
}

func TestMendAllEndsEveryIncidentAndLeavesTheTraffic(t *testing.T) {
	s := newTestSite(t, "site", nil)
	right := s.settings
	require.NoError(t, s.press("/incidents/bots", nil))
	names := []string{"keys-missing", "keys-down", "api-key", "cache", "issuer", "redirect-uri", "store-down", "events"}
	for _, name := range names {
		require.NoError(t, s.press("/incidents/"+name, nil))
	}
	require.Len(t, s.view().active(), len(names)+1)
	require.NoError(t, s.press("/mend", nil))
	assert.Equal(t, []string{"bots"}, s.view().active())
	assert.Equal(t, right, s.settings)
	b, err := s.signIn("ada@harborpress.test")
	require.NoError(t, err, "the signing keys can be fetched, although two incidents had broken them")
	b.CloseIdleConnections()
}

// active returns the names of the incidents that last.
func (v view) active() (names []string) {
	for _, i := range append(v.Loads, v.Incidents...) {
		if i.Active {
			names = append(names, i.Name)
		}
	}
	return names
}

func TestTheEarlierCookiePasswordIsAddedAtTheEnd(t *testing.T) {
	s := newTestSite(t, "site", nil)
	b, err := s.signIn("ada@harborpress.test")
	require.NoError(t, err)
	t.Cleanup(b.CloseIdleConnections)
	require.NoError(t, s.press("/incidents/cookie-password", nil))
	assert.Equal(t, http.StatusUnauthorized, s.get(b.Client, "/account", script))
	require.NoError(t, s.press("/incidents/cookie-password/end", nil))
	assert.Equal(t, http.StatusOK, s.get(b.Client, "/account", script))
}

func TestTheButtonsAreForThisMachineOnly(t *testing.T) {
	s := newTestSite(t, "site", nil)
	for name, c := range map[string]struct {
		method, path, host string
		header             http.Header
		status             int
	}{
		"a GET":                             {"GET", "/incidents/clock", "", nil, http.StatusMethodNotAllowed},
		"a page of another site":            {"POST", "/incidents/clock", "", http.Header{"Sec-Fetch-Site": {"cross-site"}}, http.StatusForbidden},
		"a page of another port":            {"POST", "/incidents/clock", "", http.Header{"Sec-Fetch-Site": {"same-site"}}, http.StatusForbidden},
		"an old browser, another origin":    {"POST", "/mend", "", http.Header{"Origin": {"http://evil.test"}}, http.StatusForbidden},
		"a name that leads to this machine": {"POST", "/leap", "evil.test:9464", nil, http.StatusForbidden},
		"such a name, for the page":         {"GET", "/", "evil.test", nil, http.StatusForbidden},
		"an unknown incident":               {"POST", "/incidents/fire", "", nil, http.StatusNotFound},
		"the end of an unknown incident":    {"POST", "/incidents/fire/end", "", nil, http.StatusNotFound},
		"an amount that is not a number":    {"POST", "/incidents/clock?amount=x", "", nil, http.StatusBadRequest},
		"an amount that is too large":       {"POST", "/incidents/clock?amount=86401", "", nil, http.StatusBadRequest},
		"a leap into the past":              {"POST", "/leap?minutes=-1", "", nil, http.StatusBadRequest},
		"an IPv6 loopback host":             {"POST", "/mend", "[::1]:9464", nil, http.StatusSeeOther},
		"metrics for any host":              {"GET", "/metrics", "host.docker.internal:9464", nil, http.StatusOK},
		"a program":                         {"POST", "/incidents/clock?amount=0", "", nil, http.StatusSeeOther},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequest(c.method, s.private+c.path, nil)
			require.NoError(t, err)
			if c.host != "" {
				r.Host = c.host
			}
			for name, values := range c.header {
				r.Header[name] = values
			}
			client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			response, err := client.Do(r)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			assert.Equal(t, c.status, response.StatusCode)
			if c.status >= 400 {
				assert.Empty(t, s.view().active())
			}
			require.NoError(t, s.mendAll())
		})
	}
}

func TestThePublicListenerHasNeitherMetricsNorButtons(t *testing.T) {
	s := newTestSite(t, "site", nil)
	for _, path := range []string{"/metrics", "/healthz", "/mend", "/incidents/clock"} {
		response, err := http.PostForm(s.home+path, url.Values{})
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, response.StatusCode, path)
		assert.Equal(t, http.StatusNotFound, s.get(http.DefaultClient, path, script), path)
	}
}

func TestThePrivateListenerAndTheLogShowNoSecret(t *testing.T) {
	s := newTestSite(t, "site", nil)
	b, err := s.signIn("ada@harborpress.test")
	require.NoError(t, err)
	t.Cleanup(b.CloseIdleConnections)
	for _, i := range incidents {
		require.NoError(t, s.press("/incidents/"+i.Name, nil))
		s.get(b.Client, "/account", script)
		s.sendJunk(t.Context())
		require.NoError(t, s.press("/incidents/"+i.Name+"/end", nil))
	}
	shown := s.log.String()
	for _, path := range []string{"/", "/metrics", "/healthz"} {
		text, err := s.fetch(path)
		require.NoError(t, err)
		shown += text
	}
	secrets := append([]string{s.apiKey, s.secret, s.fake.APIKey()}, s.settings.passwords...)
	for _, secret := range secrets {
		require.NotEmpty(t, secret)
		assert.False(t, strings.Contains(shown, secret), "a secret is shown")
	}
	assert.NotRegexp(t, regexp.MustCompile(`eyJ[\w-]{20,}|sk_test_of`), shown)
}
