// Sessions that have lost their place in the browser, to a sign-in or a logout,
// while something of theirs was under way.

package authkit_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// signInOver signs kim in anew in a browser that has a session.
func (a *app) signInOver(cookie string) (next string) {
	a.t.Helper()
	s := a.begin("/login")
	return a.send(request{target: s.target(), cookie: cookie + "; " + s.cookie, header: navigation()}).newCookie(a.t)
}

func TestAnExchangeThatEndsAfterASignInDoesNotUndoIt(t *testing.T) {
	for name, fault := range map[string]authkittest.Fault{
		"with a new session":  {},
		"with the end of one": {Status: 400, Body: `{"error":"invalid_grant"}`},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{})
			cookie := a.signedIn("lee@example.com").cookieHeader()
			a.expireToken(2 * time.Minute)
			fault.Delay, fault.Times = time.Second, 1
			a.fake.Fail(authkittest.RouteRefresh, fault)
			answered := make(chan response, 1)
			go func() {
				resp, err := a.do(request{target: "/account", cookie: cookie, header: scripted()})
				assert.NoError(t, err)
				answered <- resp
			}()
			a.fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
			a.clock.AwaitTimers(2) // the attempt's and the fault's
			jar := a.signInOver(cookie)
			a.clock.Advance(time.Second)
			jar = jarAfter(jar, <-answered)
			assert.Contains(t, a.send(request{target: "/account", cookie: jar}).body, "page of "+kim)
		})
	}
	t.Run("on a page that was served before", func(t *testing.T) {
		began, goOn, committed := make(chan struct{}), make(chan struct{}), make(chan struct{}, 9)
		a, cookie, answered, _ := slowly(t, "/slow", func(a *app, mux *http.ServeMux) {
			authkit.OnRefreshStep(a.AuthKit, func(step string) {
				if step == "committed" {
					committed <- struct{}{}
				}
			})
			mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
				close(began)
				<-goOn
				io.WriteString(w, visitor(r))
			})
		})
		<-began
		jar := a.signInOver(cookie)
		id := a.sessionID()
		a.clock.Advance(time.Second)
		<-committed
		close(goOn)
		jar = jarAfter(jar, <-answered)
		assert.Contains(t, a.send(request{target: "/account", cookie: jar}).body, id)
	})
	t.Run("of a request that comes late", func(t *testing.T) {
		a := newApp(t, appOptions{})
		cookie := a.signedIn(kim).cookieHeader()
		a.expireToken(2 * time.Minute)
		a.signInOver(cookie)
		assert.Empty(t, a.send(request{target: "/account", cookie: cookie, header: scripted()}).setCookies(t))
	})
}

// interrupted is a WorkOS that refuses a refresh for good, after something has
// happened.
type interrupted struct{ by func() }

func (i *interrupted) RoundTrip(r *http.Request) (*http.Response, error) {
	by := i.by
	if by == nil || r.URL.Path != "/user_management/authenticate" {
		return http.DefaultTransport.RoundTrip(r)
	}
	i.by = nil
	by()
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"error":"invalid_grant"}`)),
	}, nil
}

func TestASwitchThatEndsASessionLeavesTheSignInAfterIt(t *testing.T) {
	upstream := &interrupted{}
	a := switching(t, authkit.WithHTTPClient(&http.Client{Transport: upstream}))
	cookie := a.acme()
	var jar string
	upstream.by = func() { jar = a.signInOver(cookie) }
	jar = jarAfter(jar, a.switchTo("org_beta", cookie, scripted()))
	assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: jar}).status)
}

// The retired cookie comes half a minute after its successor, in a request that
// was long on its way, and WorkOS does not take it any more.
func TestALateRequestDoesNotSignTheBrowserOut(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	jar := a.send(request{target: "/account", cookie: cookie}).newCookie(t)
	a.send(request{target: "/account", cookie: jar})
	a.clock.Advance(31 * time.Second)
	jar = jarAfter(jar, a.send(request{target: "/", cookie: cookie}))
	assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: jar}).status)
}

func TestALogoutDuringAnExchangeForgetsWhatComesOfIt(t *testing.T) {
	upstream := &rewriting{}
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	upstream.change = func(map[string]any) { // the reply is on its way
		a.send(request{method: http.MethodPost, target: "/logout", cookie: cookie, header: scripted()})
	}
	require.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: cookie}).status)
	upstream.change = nil
	a.clock.Advance(10 * time.Minute)
	assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: cookie}).status)
}

// The response is later than this process remembers the logout.
func TestAVerySlowResponseRevivesNoSessionThatWasLoggedOut(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a := newApp(t, appOptions{routes: reporting(began, goOn)})
	jar := a.signedIn(kim).cookieHeader()
	a.clock.Advance(4*time.Minute + 10*time.Second)
	late := a.beginLate("/report", jar, began)
	a.send(request{method: http.MethodPost, target: "/logout", cookie: jar, header: scripted()})
	a.clock.Advance(10 * time.Minute)
	close(goOn)
	assert.Empty(t, jarAfter("", <-late))
}

// The header goes out twice, and somebody signs out in between.
func TestALogoutAfterEarlyHintsStays(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	hinted, finish := make(chan struct{}), make(chan struct{})
	a := newApp(t, appOptions{routes: func(_ *app, mux *http.ServeMux) {
		mux.HandleFunc("/report", func(w http.ResponseWriter, r *http.Request) {
			close(began)
			<-goOn
			w.WriteHeader(http.StatusEarlyHints)
			close(hinted)
			<-finish
			io.WriteString(w, visitor(r))
		})
	}})
	first := a.signedIn(kim).cookieHeader()
	a.clock.Advance(4*time.Minute + 10*time.Second)
	late := a.beginLate("/report", first, began)
	a.clock.Advance(time.Second)
	second := a.send(request{target: "/account", cookie: first}).newCookie(t)
	a.clock.Advance(4*time.Minute + 10*time.Second)
	third := a.send(request{target: "/account", cookie: second}).newCookie(t)
	close(goOn)
	<-hinted
	a.send(request{method: http.MethodPost, target: "/logout", cookie: third, header: scripted()})
	close(finish)
	assert.Empty(t, jarAfter("", <-late))
}

// unrotated is a WorkOS whose refresh tokens stay the same.
type unrotated struct{ newest map[string]string }

func (u *unrotated) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/user_management/authenticate" {
		return http.DefaultTransport.RoundTrip(r)
	}
	var sent map[string]any
	if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
		return nil, err
	}
	first, _ := sent["refresh_token"].(string)
	if newest := u.newest[first]; newest != "" {
		sent["refresh_token"] = newest
	}
	body, err := json.Marshal(sent)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body, r.ContentLength, r.GetBody = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || first == "" || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	defer resp.Body.Close()
	var reply map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil {
		return nil, err
	}
	u.newest[first], _ = reply["refresh_token"].(string)
	delete(reply, "refresh_token")
	if body, err = json.Marshal(reply); err != nil {
		return nil, err
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Del("Content-Length")
	return resp, nil
}

func TestASlowResponseDoesNotUndoASwitchWhereRefreshTokensStay(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a := newApp(t, appOptions{
		routes:  reporting(began, goOn),
		authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: &unrotated{map[string]string{}}})},
	})
	a.fake.UpdatePerson(kim, func(p *authkittest.Person) {
		p.Memberships = append(p.Memberships, authkittest.Membership{OrganizationID: "org_beta", Role: "viewer"})
	})
	b := a.browser()
	_, err := b.SignIn(a.url+"/login", kim)
	require.NoError(t, err)
	first := b.cookieHeader()
	a.clock.Advance(4*time.Minute + 10*time.Second)
	late := a.beginLate("/report", first, began)
	jar := a.send(request{target: "/me", cookie: first}).newCookie(t)
	a.clock.Advance(time.Second)
	jar = a.switchTo("org_beta", jar, scripted()).newCookie(t)
	close(goOn)
	jar = jarAfter(jar, <-late)
	assert.Equal(t, "user_kim in org_beta", a.send(request{target: "/me", cookie: jar}).body)
}
