//go:build unix

// A late response of one instance, after the user has done something at another instance.

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// pinned sends the requests to the application to one instance, past the front.
type pinned struct {
	f        *testFleet
	instance string
}

// RoundTrip implements http.RoundTripper.
func (p *pinned) RoundTrip(r *http.Request) (*http.Response, error) {
	if "http://"+r.URL.Host != p.f.home {
		return http.DefaultTransport.RoundTrip(r) // a page of the fake
	}
	sent := r.Clone(r.Context())
	sent.Host, sent.URL.Host = r.URL.Host, p.f.fleet.find(p.instance).state().Host
	response, err := http.DefaultTransport.RoundTrip(sent)
	if err == nil {
		response.Request = r
	}
	return response, err
}

// whoami returns the status of /api/me at an instance, and the user and the organization in it.
func (f *testFleet) whoami(b *authkittest.Browser, instance string) (status int, email, organization string) {
	f.Helper()
	b.Base = &pinned{f, instance}
	page, err := b.Fetch(http.MethodGet, f.home+"/api/me")
	require.NoError(f, err)
	var me struct {
		User           struct{ Email string }
		OrganizationID string `json:"organization_id"`
	}
	if page.StatusCode == http.StatusOK {
		require.NoError(f, json.Unmarshal([]byte(page.Body), &me))
	}
	return page.StatusCode, me.User.Email, me.OrganizationID
}

// forgetAtTheFake removes the cookies of the fake from a browser, so that the next sign-in shows its page.
func (f *testFleet) forgetAtTheFake(b *authkittest.Browser) {
	f.Helper()
	fake, err := url.Parse(f.fake.URL())
	require.NoError(f, err)
	for _, c := range b.Jar.Cookies(fake) {
		b.Jar.SetCookies(fake, []*http.Cookie{{Name: c.Name, Path: "/", MaxAge: -1}})
	}
}

func TestALateResponseDoesNotUndoWhatTheUserDidAtAnotherInstance(t *testing.T) {
	t.Parallel()
	const first, second = "org_first", "org_second"
	type state struct {
		status              int
		email, organization string
	}
	onStores(t, func(t *testing.T, shared engine) {
		clock := &shiftedClock{}
		clock.set(-behind)
		f := startFleet(t, shared, authkittest.WithClock(clock), authkittest.WithAccessTokenLifetime(lifetime),
			authkittest.WithOrganizations(authkittest.Organization{ID: first, Name: "First"}, authkittest.Organization{ID: second, Name: "Second"}))
		f.fake.AddUser(authkittest.User{Email: "late@example.com", Memberships: []authkittest.Membership{{OrganizationID: first}, {OrganizationID: second}}})
		f.fake.AddUser(authkittest.User{Email: "next@example.com"})
		actions := map[string]struct {
			act  func(t *testing.T, b *authkittest.Browser)
			want state
		}{
			"a switch of the organization": {func(t *testing.T, b *authkittest.Browser) {
				response, err := b.Client.PostForm(f.home+"/organization", url.Values{"organization_id": {second}})
				require.NoError(t, err)
				response.Body.Close()
				require.Less(t, response.StatusCode, 400)
			}, state{http.StatusOK, "late@example.com", second}},
			"a sign-out": {func(t *testing.T, b *authkittest.Browser) {
				page, err := b.Fetch(http.MethodPost, f.home+"/logout")
				require.NoError(t, err)
				require.Less(t, page.StatusCode, 400)
			}, state{status: http.StatusUnauthorized}},
			"a sign-in of another user": {func(t *testing.T, b *authkittest.Browser) {
				f.forgetAtTheFake(b) // whose session would need no page
				_, err := b.SignIn(f.home+"/login", "next@example.com")
				require.NoError(t, err)
			}, state{http.StatusOK, "next@example.com", ""}},
		}
		exchanges := map[string]authkittest.Fault{
			"a slow page":     {},
			"a slow exchange": {Delay: 400 * time.Millisecond, TakeEffect: true, Times: 1},
		}
		right, all := 0, 0
		for action, do := range actions {
			for phase, fault := range exchanges {
				all++
				t.Run(action+" during "+phase, func(t *testing.T) {
					b := f.browser()
					b.Base = &pinned{f, "A"}
					_, err := b.SignIn(f.home+"/login", "late@example.com")
					require.NoError(t, err)
					wait(time.Now().Add(ahead)) // a refresh is due
					if fault.Times > 0 {
						f.fake.InjectFault(authkittest.RouteRefresh, fault)
					}
					calls, exchanged := f.fake.Calls(authkittest.RouteRefresh), f.fake.Refreshes().Exchanged
					answered := make(chan *http.Response, 1)
					b.Base = &pinned{f, "B"}
					go func() {
						response, err := b.Client.Get(f.home + "/slow?for=800ms") // the browser gets the cookies of the response
						if assert.NoError(t, err) {
							_, _ = io.Copy(io.Discard, response.Body)
							response.Body.Close()
						}
						answered <- response
					}()
					f.fake.AwaitCalls(t, authkittest.RouteRefresh, calls+1)
					require.Eventually(t, func() bool { return f.fake.Refreshes().Exchanged > exchanged }, 20*time.Second, time.Millisecond)
					if fault.Times == 0 {
						wait(time.Now().Add(200 * time.Millisecond)) // until the page has begun
					}

					b.Base = &pinned{f, "A"}
					do.act(t, b)
					select {
					case <-answered:
						t.Log("the response was not late: the machine is slow")
					default:
						<-answered
					}
					for _, i := range f.fleet {
						var got state
						got.status, got.email, got.organization = f.whoami(b, i.name)
						assert.Equal(t, do.want, got, "instance %s", i.name)
					}
					if !t.Failed() {
						right++
					}
				})
			}
		}
		t.Logf("late responses of instance B after a switch, a sign-out or another sign-in at A: %d of %d changed nothing", right, all)
	})
}
