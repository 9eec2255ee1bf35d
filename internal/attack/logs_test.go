// The log: line 30 of the list. Every other test holds its own log against the secrets that it knows; this one sees to
// it that they know them.

package attack_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestTheLogOfAWholeLifeTellsWhatHappenedAndNoSecret(t *testing.T) {
	m := sharing(t)
	var tokens []string
	open := func(resp response) (cookie string) {
		c := resp.setCookies(t)["wos-session"]
		require.NotNil(t, c)
		cookie = c.Name + "=" + c.Value
		session := m.unsealed(cookie)
		tokens = append(tokens, session.AccessToken, session.RefreshToken)
		return cookie
	}
	s := m.begin("/login?return_to=/account", kim)
	cookie := open(m.finish(s))
	m.finish(s) // replayed
	m.expireTokens(0)
	cookie = open(m.send(request{path: "/account", cookie: cookie}))
	m.send(request{path: "/account", cookie: flip(cookie, 200)})
	m.expireTokens(2 * time.Minute)
	for _, fault := range []authkittest.Fault{
		{Status: 401, Body: `{"message":"` + tokens[3] + `"}`},
		{Status: 403, Body: "<p>" + tokens[0] + " is not " + tokens[2] + "</p>"}, // nothing of the request's own
		{Status: 400, Body: `{"error":"` + tokens[3] + `","error_description":"` + tokens[2] + `"}`},
		{Status: 400, Body: `{"error":"invalid_grant","error_description":"` + tokens[3] + `"}`},
	} {
		m.fake.InjectFault(authkittest.RouteRefresh, fault)
		m.send(request{path: "/account", cookie: cookie, header: scripted()})
		m.clock.Advance(2 * time.Minute)
	}
	m.send(request{method: "POST", path: "/logout", cookie: cookie})

	for _, token := range tokens {
		require.GreaterOrEqual(t, len(token), shortestSecret)
		m.logs.keep(token)
		m.logs.keep(token[strings.LastIndex(token, ".")+1:]) // the signature
	}
	m.logs.mu.Lock()
	text, known := m.logs.text.String(), len(m.logs.secrets)
	m.logs.mu.Unlock()
	for _, happened := range []string{"signed in", "session ended by WorkOS", "does not accept this application's", "level=DEBUG", "the state was used before"} {
		assert.Contains(t, text, happened)
	}
	assert.Greater(t, known, 10, "the log is held against what it must not tell")
	assert.Empty(t, m.logs.faults())

	// And it would be noticed.
	_, _ = m.logs.Write([]byte("token=" + tokens[1]))
	assert.Len(t, m.logs.faults(), 1)
	m.logs.mayNotTell(http.Header{"Set-Cookie": {"a=0123456789012345678901; Path=/"}}, &url.URL{RawQuery: "code=9876543210987654321098"})
	_, _ = m.logs.Write([]byte("0123456789012345678901 9876543210987654321098 panic"))
	assert.Len(t, m.logs.faults(), 3)
}
