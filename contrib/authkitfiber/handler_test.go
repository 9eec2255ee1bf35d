// What a fiber handler calls: Do, Handler, and the header that they share with fiber.

package authkitfiber_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/proxy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitfiber"
)

// calls are the routes of an application that changes its session in a handler.
func calls(a *application) {
	answer := func(c fiber.Ctx, w http.ResponseWriter, r *http.Request, s *authkit.Session, err error) error {
		if err != nil {
			a.ak.Fail(w, r, err)
			return nil
		}
		c.Cookie(&fiber.Cookie{Name: "seen", Value: "yes"})
		return c.SendString(s.Role())
	}
	a.Post("/refresh", func(c fiber.Ctx) error {
		c.Cookie(&fiber.Cookie{Name: "before", Value: "yes"})
		return authkitfiber.Do(c, func(w http.ResponseWriter, r *http.Request) error {
			s, err := a.ak.Refresh(w, r)
			return answer(c, w, r, s, err)
		})
	})
	a.Post("/switch", func(c fiber.Ctx) error {
		return authkitfiber.Do(c, func(w http.ResponseWriter, r *http.Request) error {
			s, err := a.ak.SwitchTo(w, r, c.FormValue("to"))
			return answer(c, w, r, s, err)
		})
	})
	a.Post("/end", func(c fiber.Ctx) error {
		var location string
		if err := authkitfiber.Do(c, func(w http.ResponseWriter, r *http.Request) (err error) {
			location, err = a.ak.SignOut(w, r)
			return err
		}); err != nil {
			return err
		}
		return c.Redirect().To(location)
	})
	a.Post("/organization", authkitfiber.Handler(a.ak.SwitchOrganization()))
	a.Get("/me", authkitfiber.Handler(a.ak.Me()))
	a.Get("/show", show)
}

// post sends a form like a script on a page.
func (a *application) post(path, cookie string, form url.Values) response {
	a.t.Helper()
	r, err := http.NewRequest(http.MethodPost, a.url+path, strings.NewReader(form.Encode()))
	require.NoError(a.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Cookie", cookie)
	r.Header.Set("Sec-Fetch-Dest", "empty")
	resp, err := client.Do(r)
	require.NoError(a.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(a.t, err)
	return response{resp, string(body)}
}

func TestAFiberHandlerRefreshesSwitchesAndEndsItsSession(t *testing.T) {
	for name, bare := range map[string]bool{"behind the middleware": false, "without the middleware": true} {
		t.Run(name, func(t *testing.T) {
			a := start(t, options{bare: bare, routes: calls})
			cookie := a.signIn()
			a.fake.UpdateUser(kim, func(u *authkittest.User) { u.Memberships[0].Role = "owner" })

			r := a.post("/switch", cookie, url.Values{"to": {"org_acme"}})
			require.Equal(t, http.StatusOK, r.StatusCode, r.body)
			assert.Equal(t, "owner", r.body)
			a.fake.UpdateUser(kim, func(u *authkittest.User) { u.Memberships[0].Role = "guest" })
			r = a.post("/refresh", r.session(), nil)
			require.Equal(t, http.StatusOK, r.StatusCode, r.body)
			assert.Equal(t, "guest", r.body)
			checkPrivate(t, r, "a refresh")
			names := []string{}
			for _, c := range r.Cookies() {
				names = append(names, c.Name)
			}
			assert.ElementsMatch(t, []string{"authkit-session", "before", "seen"}, names, "the cookies of fiber stay")

			r = a.post("/organization", r.session(), url.Values{"organization_id": {"org_beta"}})
			require.Equal(t, http.StatusOK, r.StatusCode, r.body)
			require.NotEmpty(t, r.session())
			r = a.post("/refresh", r.session(), nil)
			assert.Equal(t, "viewer", r.body)

			signedIn := r.session()
			r = a.post("/end", signedIn, nil)
			assert.Equal(t, http.StatusSeeOther, r.StatusCode)
			assert.Contains(t, r.Header.Get("Location"), a.fake.URL())
			assert.Equal(t, "private, no-store", r.Header.Get("Cache-Control"))
			assert.Negative(t, r.Cookies()[0].MaxAge)
			assert.Equal(t, http.StatusUnauthorized, a.post("/refresh", signedIn, nil).StatusCode)
			assert.Equal(t, "application/problem+json", a.post("/refresh", "", nil).Header.Get("Content-Type"))
		})
	}
}

func TestMeAnswersAsUnderNetHTTP(t *testing.T) {
	a := start(t, options{routes: calls})
	r := a.get("/me", a.signIn())
	assert.Equal(t, http.StatusOK, r.StatusCode)
	assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
	assert.Contains(t, r.body, kim)
	checkPrivate(t, r, "Me")
	assert.Equal(t, http.StatusUnauthorized, a.get("/me", "").StatusCode)
}

func TestDoReturnsTheErrorOfItsFunction(t *testing.T) {
	a := start(t, options{routes: func(a *application) {
		a.Get("/", func(c fiber.Ctx) error {
			return authkitfiber.Do(c, func(w http.ResponseWriter, _ *http.Request) error {
				w.Header().Set("X-Set", "yes")
				return fiber.ErrTeapot
			})
		})
	}})
	r := a.get("/", "")
	assert.Equal(t, http.StatusTeapot, r.StatusCode)
	assert.Equal(t, "yes", r.Header.Get("X-Set"))
}

// written returns the answer of net/http code behind what other handlers of fiber have done to the response.
func written(t *testing.T, config fiber.Config, before fiber.Handler, h http.HandlerFunc) response {
	t.Helper()
	a := start(t, options{fiber: config, routes: func(a *application) {
		a.Get("/", func(c fiber.Ctx) error {
			if before != nil {
				if err := before(c); err != nil {
					return err
				}
			}
			return c.Next()
		}, authkitfiber.Handler(h))
	}})
	return a.get("/", "")
}

func TestCookiesOfOneNameWithDifferentPathsAreKept(t *testing.T) {
	lines := []string{
		"a=1; Path=/", "a=2; Path=/deep", "a=; Domain=example.com; Path=/; Max-Age=0", "b=3; Path=/",
	}
	r := written(t, fiber.Config{}, func(c fiber.Ctx) error {
		c.Response().Header.Add("Set-Cookie", lines[0])
		return nil
	}, func(w http.ResponseWriter, _ *http.Request) {
		assert.Equal(t, lines[:1], w.Header()["Set-Cookie"], "net/http code sees the cookies of fiber")
		for _, line := range lines[1:] {
			w.Header().Add("Set-Cookie", line)
		}
	})
	assert.Equal(t, lines, r.Header["Set-Cookie"])
}

func TestTheAnswerOfNetHTTPCodeReplacesThatOfFiber(t *testing.T) {
	r := written(t, fiber.Config{}, func(c fiber.Ctx) error {
		c.Set("X-Kept", "yes")
		c.Set("X-Removed", "yes")
		c.Set("X-Changed", "before")
		return c.Status(http.StatusAccepted).SendString("of fiber")
	}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Del("X-Removed")
		w.Header().Set("X-Changed", "after")
		io.WriteString(w, "<!doctype html>")
		io.WriteString(w, "of net/http")
		w.WriteHeader(http.StatusTeapot) // too late
	})
	assert.Equal(t, http.StatusOK, r.StatusCode)
	assert.Equal(t, "<!doctype html>of net/http", r.body)
	assert.Equal(t, "text/html; charset=utf-8", r.Header.Get("Content-Type"), "the type is detected")
	assert.Equal(t, "yes", r.Header.Get("X-Kept"))
	assert.Equal(t, "after", r.Header.Get("X-Changed"))
	assert.NotContains(t, r.Header, "X-Removed")
}

func TestNetHTTPCodeThatWritesNothingLeavesTheAnswerOfFiber(t *testing.T) {
	r := written(t, fiber.Config{}, func(c fiber.Ctx) error { return c.Status(http.StatusAccepted).SendString("of fiber") },
		func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Set", "yes") })
	assert.Equal(t, http.StatusAccepted, r.StatusCode)
	assert.Equal(t, "of fiber", r.body)
	assert.Equal(t, "yes", r.Header.Get("X-Set"))
}

func TestAHeaderValueWithANewlineAddsNoLine(t *testing.T) {
	r := written(t, fiber.Config{}, nil, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Text", "one\r\nX-Injected: yes")
		w.Header().Add("Set-Cookie", "a=1\nX-Injected: yes")
	})
	assert.NotContains(t, r.Header, "X-Injected")
	assert.Contains(t, r.Header.Get("X-Text"), "one")
}

func TestHeaderNamesThatAreNotNormalizedAreChanged(t *testing.T) {
	r := written(t, fiber.Config{DisableHeaderNormalizing: true}, func(c fiber.Ctx) error {
		c.Set("cache-control", "public")
		c.Set("x-kept", "yes")
		return nil
	}, func(w http.ResponseWriter, _ *http.Request) {
		assert.Equal(t, "public", w.Header().Get("Cache-Control"))
		w.Header().Set("Cache-Control", "no-store")
	})
	assert.Equal(t, []string{"no-store"}, r.Header["Cache-Control"])
	assert.Equal(t, "yes", r.Header.Get("X-Kept"))
}

func TestAHandlerThatFlushesGetsErrNotSupported(t *testing.T) {
	written(t, fiber.Config{}, nil, func(w http.ResponseWriter, _ *http.Request) {
		assert.ErrorIs(t, http.NewResponseController(w).Flush(), http.ErrNotSupported)
	})
}

func TestGuardAndHandlerPanicForNil(t *testing.T) {
	assert.PanicsWithValue(t, "authkitfiber: Handler needs a handler, and this one is nil", func() { authkitfiber.Handler(nil) })
	assert.PanicsWithValue(t, "authkitfiber: Handler needs a handler, and this one is nil", func() { authkitfiber.Handler(http.HandlerFunc(nil)) })
	assert.Panics(t, func() { authkitfiber.Guard(nil) })
}

// Guard accepts other middleware of net/http.
func TestAnotherMiddlewareChangesTheHeaderAndTheRequest(t *testing.T) {
	var writeError error
	a := start(t, options{routes: func(a *application) {
		a.Get("/", authkitfiber.Guard(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Before", "yes")
				r.Header.Set("X-Request", "changed")
				next.ServeHTTP(w, r)
				w.Header().Set("X-After", w.Header().Get("X-Handler"))
				_, writeError = io.WriteString(w, "too late")
			})
		}), func(c fiber.Ctx) error {
			c.Set("X-Handler", "yes")
			return authkitfiber.Do(c, func(w http.ResponseWriter, r *http.Request) error {
				_, err := io.WriteString(w, r.Header.Get("X-Request"))
				return err
			})
		})
		a.Get("/replaced", authkitfiber.Guard(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() { http.Error(w, recover().(string), http.StatusInternalServerError) }()
				next.ServeHTTP(w, r.WithContext(t.Context()))
			})
		}), show)
	}})
	r := a.get("/", "")
	assert.Equal(t, "changed", r.body)
	assert.Equal(t, "yes", r.Header.Get("X-Before"))
	assert.Equal(t, "yes", r.Header.Get("X-After"))
	assert.Error(t, writeError)
	assert.Contains(t, a.get("/replaced", "").body, "authkitfiber: the middleware has replaced the context")
}

func TestAnAPIKeyIsInTheContext(t *testing.T) {
	a := start(t, options{routes: func(a *application) {
		a.Get("/key", authkitfiber.Guard(a.ak.RequireAPIKey()), func(c fiber.Ctx) error {
			key, ok := authkit.APIKeyFromContext(c.Context())
			if !ok {
				return errors.New("no key")
			}
			return c.SendString(key.OrganizationID())
		})
	}})
	value := a.fake.AddAPIKey(authkittest.APIKey{OrganizationID: "org_acme"})
	assert.Equal(t, "org_acme", a.get("/key", "", "Authorization", "Bearer "+value).body)
	assert.Equal(t, http.StatusUnauthorized, a.get("/key", "").StatusCode)
}

// The example of the README.
func TestTheCookiesOfAuthkitAreStrippedBeforeAnUpstream(t *testing.T) {
	got := make(chan string, 2)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("Cookie")
		w.Header().Set("Cache-Control", "public, max-age=60")
		io.WriteString(w, "of the upstream")
	}))
	defer upstream.Close()
	a := start(t, options{routes: func(a *application) {
		a.Get("/api/*", authkitfiber.Guard(a.ak.RequireAuth), func(c fiber.Ctx) error {
			if err := authkitfiber.Do(c, func(_ http.ResponseWriter, r *http.Request) error {
				a.ak.StripCookies(r)
				c.Request().Header.DelAllCookies()
				for _, line := range r.Header["Cookie"] {
					c.Request().Header.Add("Cookie", line)
				}
				return nil
			}); err != nil {
				return err
			}
			return proxy.Do(c, upstream.URL+c.OriginalURL())
		})
	}})
	cookie := a.signIn()
	a.expire()
	r := a.get("/api/x", "theme=dark; "+cookie)
	assert.Equal(t, "of the upstream", r.body)
	assert.Equal(t, "theme=dark", waitFor(t, got, "the request of the upstream"))
	assert.NotEmpty(t, r.session())
	checkPrivate(t, r, "a proxied response")
}
