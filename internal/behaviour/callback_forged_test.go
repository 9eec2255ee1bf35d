// The callback: lines 4 and 6 to 10 of the list.

package behaviour

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestASignInIsFinishedWithinTenMinutesAndNotBeforeItBegan(t *testing.T) {
	for _, c := range []struct {
		name   string
		after  time.Duration
		status int // 0 where the sign-in starts again
	}{
		{"after nine minutes and 59 s it signs in", 10*time.Minute - time.Second, http.StatusSeeOther},
		{"after ten minutes it starts again", 10 * time.Minute, 0},
		{"after a day it starts again", 24 * time.Hour, 0},
		{"59 s before it began it signs in, since clocks differ", -59 * time.Second, http.StatusSeeOther},
		{"61 s before it began it is refused", -61 * time.Second, http.StatusBadRequest},
		{"a year before it began it is refused", -365 * 24 * time.Hour, http.StatusBadRequest},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newPlainApp(t, authkit.WithSignInTimeout(10*time.Minute))
			s := m.BeginAs("/login?return_to=/account", Kim)
			m.Clock.Set(Start.Add(c.after))
			resp := m.finish(s)
			switch c.status {
			case http.StatusSeeOther:
				assert.Equal(t, c.status, resp.Status)
				return
			case 0:
				// It is another sign-in, and the next that comes too late is the last.
				again := m.goOn(resp, Kim)
				assert.NotEqual(t, s.State(), again.State())
				assert.Empty(t, resp.session(t))
				m.Clock.Advance(c.after)
				refusedWithAPage(t, m.finish(again), http.StatusBadRequest)
			default:
				refusedWithAPage(t, resp, c.status)
			}
			assert.Zero(t, m.Fake.Calls(authkittest.RouteAuthenticate))
		})
	}
}

func TestAnExchangeThatIsNeverAnsweredIsAPageAfterTenSeconds(t *testing.T) {
	m := newPlainApp(t)
	s := m.BeginAs("/login", Kim)
	m.Fake.InjectFault(authkittest.RouteCodeExchange, authkittest.Fault{Hang: true})
	answered := make(chan Response)
	go func() {
		resp, _ := m.Do(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
		answered <- resp
	}()
	m.Fake.AwaitCalls(t, authkittest.RouteCodeExchange, 1)
	m.Clock.Advance(10 * time.Second)
	refusedWithAPage(t, <-answered, http.StatusServiceUnavailable)
}
