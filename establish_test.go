package authkit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// step is what the application of these tests remembers between two forms.
type step struct {
	Token, Note string
}

// withForms is an application with a sign-in form of its own.
func withForms(t *testing.T, opts ...authkit.Option) *app {
	var client *workos.Client
	a := newApp(t, appOptions{
		authkit: opts,
		fake: []authkittest.Option{authkittest.WithPeople(authkittest.Person{
			ID: "user_pat", Email: "pat@example.com", Password: "correct horse battery",
		})},
		routes: func(a *app, mux *http.ServeMux) {
			mux.Handle("POST /password", a.RefuseCrossOrigin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				auth, err := client.AuthenticateWithPassword(r.Context(), workos.PasswordParams{
					Email: r.PostFormValue("email"), Password: r.PostFormValue("password"),
				})
				if err == nil {
					_, err = a.SignIn(w, r, auth)
				}
				if err != nil {
					a.Fail(w, r, err)
					return
				}
				w.Header().Set("Location", "/account")
				w.WriteHeader(http.StatusSeeOther)
			})))
			mux.HandleFunc("/step", func(w http.ResponseWriter, r *http.Request) {
				if note := r.URL.Query().Get("note"); note != "" {
					if err := a.SetFlow(w, step{Token: "pending-secret", Note: note}); err != nil {
						http.Error(w, err.Error(), http.StatusInternalServerError)
					}
					return
				}
				var s step
				fmt.Fprint(w, a.Flow(r, &s), " ", s.Token, " ", s.Note)
			})
			mux.HandleFunc("/forget", func(w http.ResponseWriter, _ *http.Request) { a.ClearFlow(w) })
		},
	})
	var err error
	client, err = workos.NewClient(a.fake.ClientID(), workos.WithAPIKey(a.fake.APIKey()), workos.WithBaseURL(a.fake.URL()), workos.WithClock(a.clock))
	require.NoError(t, err)
	return a
}

func (a *app) post(path, cookie string, form url.Values) response {
	a.t.Helper()
	return a.send(request{method: "POST", target: path, cookie: cookie, form: form, header: navigation()})
}

func credentials() url.Values {
	return url.Values{"email": {"pat@example.com"}, "password": {"correct horse battery"}}
}

func TestAFormOfTheApplicationsOwnSignsIn(t *testing.T) {
	a := withForms(t)
	flow := a.send(request{target: "/step?note=x"}).cookieOf(t, "authkit-flow-").Name
	planted := a.signedIn(kim).cookieHeader() + "; authkit-session.0=x; " + flow + "=y"
	resp := a.post("/password", planted, credentials())
	assert.Equal(t, http.StatusSeeOther, resp.status, resp.body)
	assert.Equal(t, "private, no-store", resp.header.Get("Cache-Control"))
	cookies := resp.setCookies(t)
	assert.Negative(t, cookies["authkit-session.0"].MaxAge, "what was planted is gone")
	assert.Negative(t, cookies[flow].MaxAge)
	cookie := resp.newCookie(t)
	assert.Contains(t, a.send(request{target: "/account", cookie: cookie}).body, "page of pat@example.com")

	a.expireToken(2 * time.Minute)
	assert.Contains(t, a.send(request{target: "/account", cookie: cookie}).body, "page of pat@example.com", "it is a session as any other")
}

func TestAFormOfAnotherSiteSignsNobodyIn(t *testing.T) {
	a := withForms(t)
	resp := a.send(request{
		method: "POST", target: "/password", form: credentials(),
		header: http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}},
	})
	assert.Equal(t, http.StatusForbidden, resp.status)
	assert.Empty(t, resp.setCookies(t))
	assert.Zero(t, a.fake.Calls(authkittest.RoutePassword))
}

func TestASignInThatCannotBeFinishedLeavesTheOldSession(t *testing.T) {
	refuse := errors.New("not in our list")
	for name, c := range map[string]struct {
		opts   []authkit.Option
		before func(a *app)
		status int
	}{
		"a token of another issuer": {before: func(a *app) {
			a.fake.UpdatePerson("pat@example.com", func(p *authkittest.Person) { p.Claims = map[string]any{"client_id": "client_other"} })
		}, status: http.StatusBadGateway},
		"a hook that refuses": {opts: []authkit.Option{authkit.WithOnSignIn(func(_ context.Context, e authkit.SignInEvent) error {
			if e.Session.User().Email == "pat@example.com" {
				return refuse
			}
			return nil
		})}, status: http.StatusInternalServerError},
		"a session that is too large": {before: func(a *app) {
			a.fake.UpdatePerson("pat@example.com", func(p *authkittest.Person) {
				p.Metadata = map[string]string{}
				for i := range 60 {
					p.Metadata[fmt.Sprint("key", i)] = strings.Repeat("v", 500)
				}
			})
		}, status: http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			told := 0
			if c.opts == nil {
				c.opts = []authkit.Option{authkit.WithOnSignIn(func(_ context.Context, e authkit.SignInEvent) error {
					if e.Session.User().Email != kim {
						told++
					}
					return nil
				})}
			}
			a := withForms(t, c.opts...)
			old := a.signedIn(kim).cookieHeader()
			if c.before != nil {
				c.before(a)
			}
			resp := a.post("/password", old, credentials())
			assert.Equal(t, c.status, resp.status)
			assert.Empty(t, resp.setCookies(t))
			assert.Zero(t, told, "the application hears of sign-ins that work")
			assert.Contains(t, a.send(request{target: "/account", cookie: old}).body, kim)
		})
	}
}

func TestAFlowRemembersOneStepForTenMinutesInASealedCookie(t *testing.T) {
	a := withForms(t)
	set := a.send(request{target: "/step?note=first"})
	flow := set.cookieOf(t, "authkit-flow-")
	require.NotNil(t, flow)
	assert.True(t, flow.HttpOnly)
	assert.Equal(t, 600, flow.MaxAge)
	assert.NotContains(t, flow.Value, "pending")
	assert.Equal(t, "private, no-store", set.header.Get("Cache-Control"))
	cookie := flow.Name + "=" + flow.Value
	assert.Equal(t, "true pending-secret first", a.send(request{target: "/step", cookie: cookie}).body)

	for name, other := range map[string]string{
		"none":                   "",
		"altered":                flow.Name + "=" + flip(flow.Value),
		"a session in its place": strings.Replace(a.signedIn(kim).cookieHeader(), "authkit-session", flow.Name, 1),
	} {
		assert.Equal(t, "false  ", a.send(request{target: "/step", cookie: other}).body, name)
	}
	assert.Negative(t, a.send(request{target: "/forget", cookie: cookie}).setCookies(t)[flow.Name].MaxAge)
	a.clock.Advance(10 * time.Minute)
	assert.Equal(t, "false  ", a.send(request{target: "/step", cookie: cookie}).body)

	resp := a.send(request{target: "/step?note=" + strings.Repeat("x", 4000)})
	assert.Equal(t, http.StatusInternalServerError, resp.status)
	assert.NotContains(t, resp.body, "pending-secret")
	assert.Empty(t, resp.setCookies(t))
}
