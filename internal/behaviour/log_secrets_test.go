// The log: line 30 of the list. Every other test holds its own log against the secrets that it knows; this one sees to
// it that they know them.

package behaviour

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
	m := newSharingApp(t)
	var tokens []string
	open := func(resp Response) (cookie string) {
		c := resp.SetCookies(t)["wos-session"]
		require.NotNil(t, c)
		cookie = c.Name + "=" + c.Value
		session := m.unsealed(cookie)
		tokens = append(tokens, session.AccessToken, session.RefreshToken)
		return cookie
	}
	s := m.BeginAs("/login?return_to=/account", Kim)
	cookie := open(m.finish(s))
	m.finish(s) // replayed
	m.ExpireToken(0)
	cookie = open(m.Send(Request{Target: "/account", Cookie: cookie}))
	m.Send(Request{Target: "/account", Cookie: flipAt(cookie, 200)})
	m.ExpireToken(2 * time.Minute)
	for _, fault := range []authkittest.Fault{
		{Status: 401, Body: `{"message":"` + tokens[3] + `"}`},
		{Status: 403, Body: "<p>" + tokens[0] + " is not " + tokens[2] + "</p>"}, // nothing of the request's own
		{Status: 400, Body: `{"error":"` + tokens[3] + `","error_description":"` + tokens[2] + `"}`},
		{Status: 400, Body: `{"error":"invalid_grant","error_description":"` + tokens[3] + `"}`},
	} {
		m.Fake.InjectFault(authkittest.RouteRefresh, fault)
		m.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
		m.Clock.Advance(2 * time.Minute)
	}
	m.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie})

	for _, token := range tokens {
		require.GreaterOrEqual(t, len(token), shortestSecret)
		m.Logs.keep(token)
		m.Logs.keep(token[strings.LastIndex(token, ".")+1:]) // the signature
	}
	m.Logs.mu.Lock()
	text, known := m.Logs.text.String(), len(m.Logs.secrets)
	m.Logs.mu.Unlock()
	for _, happened := range []string{"signed in", "session ended by WorkOS", "does not accept this application's", "level=DEBUG", "the state was used before"} {
		assert.Contains(t, text, happened)
	}
	assert.Greater(t, known, 10, "the log is held against what it must not tell")
	assert.Empty(t, m.Logs.faults())

	// And it would be noticed.
	_, _ = m.Logs.Write([]byte("token=" + tokens[1]))
	assert.Len(t, m.Logs.faults(), 1)
	m.Logs.mayNotTell(http.Header{"Set-Cookie": {"a=0123456789012345678901; Path=/"}}, &url.URL{RawQuery: "code=9876543210987654321098"})
	_, _ = m.Logs.Write([]byte("0123456789012345678901 9876543210987654321098 panic"))
	assert.Len(t, m.Logs.faults(), 3)
}
