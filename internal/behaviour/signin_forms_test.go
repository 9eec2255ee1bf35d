// Sign-in forms of the application, and the steps that it saves between two of them.

package behaviour

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
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

// step is what the application of these tests saves between two forms.
type step struct {
	Token, Note string
}

// newFormsApp returns an application with its own sign-in form.
func newFormsApp(t *testing.T, opts ...authkit.Option) *App {
	var client *workos.Client
	a := NewApp(t, AppOptions{
		AuthKit: opts,
		Fake: []authkittest.Option{authkittest.WithUsers(authkittest.User{
			ID: "user_pat", Email: "pat@example.com", Password: "correct horse battery",
		})},
		Routes: func(a *App, mux *http.ServeMux) {
			mux.Handle("POST /password", a.RefuseCrossOrigin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				auth, err := client.AuthenticateWithPassword(r.Context(), workos.AuthenticateWithPasswordParams{
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
					if err := a.SaveStep(w, step{Token: "pending-secret", Note: note}); err != nil {
						http.Error(w, err.Error(), http.StatusInternalServerError)
					}
					return
				}
				var s step
				err := a.LoadStep(r, &s)
				fmt.Fprint(w, err == nil, " ", s.Token, " ", s.Note)
			})
			mux.HandleFunc("/resume", func(w http.ResponseWriter, r *http.Request) {
				if err := a.LoadStep(r, new(step)); err != nil {
					a.Fail(w, r, err)
				}
			})
			mux.HandleFunc("/misread", func(w http.ResponseWriter, r *http.Request) {
				var s struct{ Token time.Time }
				err := a.LoadStep(r, &s)
				fmt.Fprint(w, errors.Is(err, authkit.ErrNoStep), " ", err)
			})
			mux.HandleFunc("/forget", func(w http.ResponseWriter, _ *http.Request) { a.ClearStep(w) })
		},
	})
	var err error
	client, err = workos.NewClient(a.Fake.ClientID(), workos.WithAPIKey(a.Fake.APIKey()), workos.WithBaseURL(a.Fake.URL()), workos.WithClock(a.Clock))
	require.NoError(t, err)
	return a
}

// post sends a form.
func (a *App) post(path, cookie string, form url.Values) Response {
	a.T.Helper()
	return a.Send(Request{Method: "POST", Target: path, Cookie: cookie, Form: form, Header: Navigation()})
}

// credentials returns the form with which pat signs in.
func credentials() url.Values {
	return url.Values{"email": {"pat@example.com"}, "password": {"correct horse battery"}}
}

func TestACustomSignInFormSignsIn(t *testing.T) {
	a := newFormsApp(t)
	stepName := a.Send(Request{Target: "/step?note=x"}).cookieOf(t, "authkit-step-").Name
	planted := a.SignedIn(Kim).CookieHeader() + "; authkit-session.0=x; " + stepName + "=y"
	resp := a.post("/password", planted, credentials())
	assert.Equal(t, http.StatusSeeOther, resp.Status, resp.Body)
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
	cookies := resp.SetCookies(t)
	assert.Negative(t, cookies["authkit-session.0"].MaxAge, "the planted cookie is expired")
	assert.Negative(t, cookies[stepName].MaxAge)
	cookie := resp.NewCookie(t)
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: cookie}).Body, "page of pat@example.com")

	a.ExpireToken(2 * time.Minute)
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: cookie}).Body, "page of pat@example.com", "the session can be refreshed")
}

func TestACrossSiteFormCannotSignIn(t *testing.T) {
	a := newFormsApp(t)
	resp := a.Send(Request{
		Method: "POST", Target: "/password", Form: credentials(),
		Header: http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}},
	})
	assert.Equal(t, http.StatusForbidden, resp.Status)
	assert.Empty(t, resp.SetCookies(t))
	assert.Zero(t, a.Fake.Calls(authkittest.RoutePassword))
}

func TestAFailedSignInKeepsTheOldSession(t *testing.T) {
	errRefused := errors.New("not in our list")
	for name, c := range map[string]struct {
		opts   []authkit.Option
		before func(a *App)
		status int
	}{
		"a token of another issuer": {before: func(a *App) {
			a.Fake.UpdateUser("pat@example.com", func(p *authkittest.User) { p.Claims = map[string]any{"client_id": "client_other"} })
		}, status: http.StatusBadGateway},
		"a sign-in hook that refuses": {opts: []authkit.Option{authkit.WithOnSignIn(func(_ context.Context, e authkit.SignInEvent) error {
			if e.Session.User().Email == "pat@example.com" {
				return errRefused
			}
			return nil
		})}, status: http.StatusInternalServerError},
		"a session that is too large": {before: func(a *App) {
			a.Fake.UpdateUser("pat@example.com", func(p *authkittest.User) {
				p.Metadata = map[string]string{}
				for i := range 60 {
					p.Metadata[fmt.Sprint("key", i)] = strings.Repeat("v", 500)
				}
			})
		}, status: http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			hookCalls := 0
			if c.opts == nil {
				c.opts = []authkit.Option{authkit.WithOnSignIn(func(_ context.Context, e authkit.SignInEvent) error {
					if e.Session.User().Email != Kim {
						hookCalls++
					}
					return nil
				})}
			}
			a := newFormsApp(t, c.opts...)
			old := a.SignedIn(Kim).CookieHeader()
			if c.before != nil {
				c.before(a)
			}
			resp := a.post("/password", old, credentials())
			assert.Equal(t, c.status, resp.Status)
			assert.Empty(t, resp.SetCookies(t))
			assert.Zero(t, hookCalls, "the hook runs only for a sign-in that succeeds")
			assert.Contains(t, a.Send(Request{Target: "/account", Cookie: old}).Body, Kim)
		})
	}
}

func TestAStepIsStoredInASealedCookieForTenMinutes(t *testing.T) {
	a := newFormsApp(t)
	set := a.Send(Request{Target: "/step?note=first"})
	saved := set.cookieOf(t, "authkit-step-")
	require.NotNil(t, saved)
	assert.True(t, saved.HttpOnly)
	assert.Equal(t, 600, saved.MaxAge)
	assert.NotContains(t, saved.Value, "pending")
	assert.Equal(t, "private, no-store", set.Header.Get("Cache-Control"))
	cookie := saved.Name + "=" + saved.Value
	assert.Equal(t, "true pending-secret first", a.Send(Request{Target: "/step", Cookie: cookie}).Body)

	for name, other := range map[string]string{
		"no cookie":         "",
		"an altered cookie": saved.Name + "=" + flip(saved.Value),
		"a sealed session":  strings.Replace(a.SignedIn(Kim).CookieHeader(), "authkit-session", saved.Name, 1),
	} {
		assert.Equal(t, "false  ", a.Send(Request{Target: "/step", Cookie: other}).Body, name)
	}
	assert.Negative(t, a.Send(Request{Target: "/forget", Cookie: cookie}).SetCookies(t)[saved.Name].MaxAge)
	a.Clock.Advance(10 * time.Minute)
	assert.Equal(t, "false  ", a.Send(Request{Target: "/step", Cookie: cookie}).Body)

	late := a.Send(Request{Target: "/resume", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusBadRequest, late.Status)
	assert.Equal(t, "no_step", late.Problem(t)["code"])

	resp := a.Send(Request{Target: "/step?note=" + strings.Repeat("x", 4000)})
	assert.Equal(t, http.StatusInternalServerError, resp.Status)
	assert.NotContains(t, resp.Body, "pending-secret")
	assert.Empty(t, resp.SetCookies(t))
}

func TestLoadStepIntoAnotherTypeFailsWithoutShowingValues(t *testing.T) {
	a := newFormsApp(t)
	saved := a.Send(Request{Target: "/step?note=x"}).cookieOf(t, "authkit-step-")
	body := a.Send(Request{Target: "/misread", Cookie: saved.Name + "=" + saved.Value}).Body
	assert.Contains(t, body, "false authkit: LoadStep: the saved step does not fit into a *struct")
	assert.NotContains(t, body, "pending-secret")
	assert.Equal(t, "true authkit: no_step: the request has no cookie of a step", a.Send(Request{Target: "/misread"}).Body)
}

func TestAStepSavedByAClockAheadIsLoadedOnlyWithinTheSkew(t *testing.T) {
	a := NewApp(t, AppOptions{})
	for ahead, loaded := range map[time.Duration]bool{
		0: true, 59 * time.Second: true, time.Minute: true,
		time.Minute + time.Millisecond: false, time.Hour: false, 365 * 24 * time.Hour: false,
	} {
		saver := NewInstance(t, a.Fake, authkittest.NewFakeClock(Start.Add(ahead)), AppOptions{})
		w := httptest.NewRecorder()
		require.NoError(t, saver.SaveStep(w, step{Note: "from a clock that is ahead"}))
		r := httptest.NewRequest("GET", "/", nil)
		for _, c := range w.Result().Cookies() {
			r.AddCookie(c)
		}
		var s step
		err := a.LoadStep(r, &s)
		assert.Equal(t, loaded, err == nil, "%s ahead", ahead)
		assert.Equal(t, !loaded, errors.Is(err, authkit.ErrNoStep), "%s ahead: %v", ahead, err)
	}
}

// A step from a clock that is ahead is loaded only within the skew. A junk cookie of the same name must not change that.
func TestAStepFromTheFutureBesideJunkIsLoadedOnlyWithinTheSkew(t *testing.T) {
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.HandleFunc("POST /step", func(w http.ResponseWriter, _ *http.Request) { require.NoError(t, a.SaveStep(w, "kept")) })
		mux.HandleFunc("GET /step", func(w http.ResponseWriter, r *http.Request) {
			var v string
			require.NoError(t, json.NewEncoder(w).Encode(a.LoadStep(r, &v) == nil))
		})
	}})
	j := NewCookieJar(t)
	j.store(a.Send(Request{Method: "POST", Target: "/step"}))
	for ahead, want := range map[time.Duration]string{0: "true", time.Minute: "true", time.Minute + time.Second: "false", time.Hour: "false"} {
		a.Clock.Set(Start.Add(-ahead))
		assert.Equal(t, want+"\n", a.Send(Request{Target: "/step", Cookie: j.Header()}).Body, ahead)
		assert.Equal(t, want+"\n", a.Send(Request{Target: "/step", Cookie: j.names[0] + "=x; " + j.Header()}).Body, "beside junk, %s ahead", ahead)
	}
}
