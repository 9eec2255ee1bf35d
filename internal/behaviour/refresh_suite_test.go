// Refreshes: lines 23 to 26 of the list.

package behaviour

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
)

func TestARetiredTokenIsAnsweredTwentySecondsAfterItsSuccessorCameBack(t *testing.T) {
	m := newPlainApp(t)
	cookie := m.signIn(Kim)
	m.ExpireToken(2 * time.Minute)
	renewed := m.Send(Request{Target: "/api/me", Cookie: cookie}).session(t)
	assert.Equal(t, Kim, m.visitor(renewed))
	m.Clock.Advance(20 * time.Second)
	assert.Equal(t, renewed, m.Send(Request{Target: "/api/me", Cookie: cookie}).session(t))
	assert.Equal(t, 1, m.Fake.Calls(authkittest.RouteRefresh))
}

func TestARefreshThatTimesOutOrBreaksOffLeavesTheSession(t *testing.T) {
	for name, fault := range map[string]authkittest.Fault{
		"a timeout leaves the session":            {Hang: true},
		"a connection that breaks leaves it, too": {Reset: true},
	} {
		t.Run(name, func(t *testing.T) {
			m := newPlainApp(t)
			cookie := m.signIn(Kim)
			m.Clock.Advance(4*time.Minute + 30*time.Second)
			m.Fake.InjectFault(authkittest.RouteRefresh, fault)
			answered := make(chan Response, 1)
			go func() {
				resp, err := m.Do(Request{Target: "/api/me", Cookie: cookie})
				assert.NoError(t, err)
				answered <- resp
			}()
			m.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
			m.Clock.AwaitTimers(2) // the request's, and the attempt's or the pause's
			m.Clock.Advance(2 * time.Second)
			resp := <-answered
			assert.Equal(t, Kim, m.visitorOf(resp))
			assert.Empty(t, resp.Header["Set-Cookie"])
			m.Fake.ClearFault(authkittest.RouteRefresh)
			m.Clock.Advance(time.Minute)
			assert.Equal(t, Kim, m.visitor(cookie)) // and has waited for the end of that exchange
			m.Clock.Advance(6 * time.Second)
			assert.NotEmpty(t, m.Send(Request{Target: "/api/me", Cookie: cookie}).session(t), "it heals by itself")
		})
	}
}
