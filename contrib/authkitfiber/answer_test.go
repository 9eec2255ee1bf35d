// The header of each kind of answer of fiber: errors, panics, files, redirects, caches.

package authkitfiber_test

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/cache"
	"github.com/gofiber/fiber/v3/middleware/compress"
	"github.com/gofiber/fiber/v3/middleware/etag"
	recoverer "github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/gofiber/fiber/v3/middleware/rewrite"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitfiber"
)

// cacheableErrors is an error handler that allows caches to store its answer.
func cacheableErrors(c fiber.Ctx, err error) error {
	status := http.StatusInternalServerError
	var failure *fiber.Error
	if errors.As(err, &failure) {
		status = failure.Code
	}
	c.Response().Reset()
	c.Set("Cache-Control", "public, max-age=60")
	c.Set("CDN-Cache-Control", "max-age=60")
	return c.Status(status).SendString("custom: " + err.Error())
}

func TestTheAnswerToAnErrorHasTheRefreshedCookieAndIsPrivate(t *testing.T) {
	for name, handler := range map[string]fiber.ErrorHandler{"the default error handler": nil, "an error handler of the application": cacheableErrors} {
		t.Run(name, func(t *testing.T) {
			a := start(t, options{fiber: fiber.Config{ErrorHandler: handler}, routes: func(a *application) {
				a.Get("/teapot", func(fiber.Ctx) error { return fiber.ErrTeapot })
				a.Get("/broken", authkitfiber.Guard(a.ak.RequireAuth), func(fiber.Ctx) error { return errors.New("broken") })
				a.Post("/form", func(fiber.Ctx) error { return nil })
			}})
			cookie := a.signIn()
			for path, status := range map[string]int{"/teapot": 418, "/broken": 500, "/absent": 404, "/form": 405} {
				a.expire()
				r := a.get(path, cookie)
				assert.Equal(t, status, r.StatusCode, path)
				assert.Equal(t, handler != nil, strings.HasPrefix(r.body, "custom: "), r.body)
				require.NotEmpty(t, r.session(), path)
				checkPrivate(t, r, path)
				cookie = r.session()
			}
			r := a.get("/absent", cookie)
			assert.Contains(t, strings.Join(r.Header["Vary"], ", "), "Cookie")
			if handler != nil {
				assert.Equal(t, "public, max-age=60", r.Header.Get("Cache-Control"), "without a cookie, the error handler chooses")
			}
		})
	}
}

func TestAnErrorHandlerThatFailsIsAnswered500(t *testing.T) {
	a := start(t, options{
		fiber:  fiber.Config{ErrorHandler: func(fiber.Ctx, error) error { return errors.New("broken too") }},
		routes: func(a *application) { a.Get("/broken", func(fiber.Ctx) error { return errors.New("broken") }) },
	})
	assert.Equal(t, http.StatusInternalServerError, a.get("/broken", "").StatusCode)
}

func TestTheErrorHandlerOfAMountedApplicationAnswers(t *testing.T) {
	a := start(t, options{routes: func(a *application) {
		sub := fiber.New(fiber.Config{ErrorHandler: cacheableErrors})
		sub.Get("/teapot", authkitfiber.Guard(a.ak.RequireAuth), func(fiber.Ctx) error { return fiber.ErrTeapot })
		sub.Get("/me", authkitfiber.Guard(a.ak.RequireAuth), show)
		a.Use("/sub", sub)
		a.Group("/group", authkitfiber.Guard(a.ak.RequireRole("admin"))).Get("/me", show)
	}})
	cookie := a.signIn()
	assert.Equal(t, http.StatusUnauthorized, a.get("/sub/me", "").StatusCode)
	assert.Equal(t, http.StatusUnauthorized, a.get("/group/me", "").StatusCode)
	for _, path := range []string{"/sub/me", "/group/me"} {
		a.expire()
		r := a.get(path, cookie)
		assert.Equal(t, kim, r.body, path)
		checkPrivate(t, r, path)
		cookie = r.session()
	}
	a.expire()
	r := a.get("/sub/teapot", cookie)
	assert.Equal(t, "custom: "+fiber.ErrTeapot.Message, r.body)
	checkPrivate(t, r, "the mounted application")
	assert.NotEmpty(t, r.session())
}

func TestTheAnswerOfAGuardStaysAsItIs(t *testing.T) {
	ran := false
	a := start(t, options{
		fiber: fiber.Config{ErrorHandler: cacheableErrors},
		before: func(a *application) {
			a.Use(func(c fiber.Ctx) error {
				c.Set("X-Before", "yes")
				c.Status(http.StatusAccepted)
				if err := c.SendString("before"); err != nil {
					return err
				}
				return c.Next()
			})
		},
		routes: func(a *application) {
			guard := authkitfiber.Guard(a.ak.RequireAuth)
			a.Get("/account", guard, func(c fiber.Ctx) error { ran = true; return show(c) })
			a.Use(guard) // the guard of a whole group
			a.Get("/other", func(c fiber.Ctx) error { ran = true; return show(c) })
		},
	})
	for _, path := range []string{"/account", "/other", "/absent"} {
		r := a.get(path, "")
		assert.Equal(t, http.StatusUnauthorized, r.StatusCode, path)
		assert.Equal(t, "application/problem+json", r.Header.Get("Content-Type"), path)
		assert.True(t, strings.HasPrefix(r.body, "{"), r.body)
		assert.Equal(t, "yes", r.Header.Get("X-Before"), "the header of another middleware stays")
	}
	r := a.get("/account", "", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Accept", "text/html")
	assert.Equal(t, http.StatusSeeOther, r.StatusCode)
	assert.Empty(t, r.body)
	assert.Len(t, r.Cookies(), 1, "the cookie of the sign-in")
	assert.False(t, ran)
}

func TestAGuardWorksWithoutTheMiddleware(t *testing.T) {
	a := start(t, options{bare: true, fiber: fiber.Config{ErrorHandler: cacheableErrors}, routes: func(a *application) {
		guard := authkitfiber.Guard(a.ak.RequireAuth)
		a.Get("/account", guard, authkitfiber.Guard(a.ak.RequireRole("admin")), show)
		a.Get("/teapot", guard, func(fiber.Ctx) error { return fiber.ErrTeapot })
	}})
	cookie := a.signIn()
	assert.Equal(t, http.StatusUnauthorized, a.get("/account", "").StatusCode)
	for path, body := range map[string]string{"/account": kim, "/teapot": "custom: " + fiber.ErrTeapot.Message} {
		a.expire()
		r := a.get(path, cookie)
		assert.Equal(t, body, r.body)
		checkPrivate(t, r, path)
		cookie = r.session()
	}
}

// The guard answers the callback itself, and lets the sign-out pass.
func TestAGuardAroundTheWholeApplicationSignsUsersInAndOut(t *testing.T) {
	a := start(t, options{bare: true, before: func(a *application) { a.Use(authkitfiber.Guard(a.ak.RequireAuth)) }, routes: func(a *application) {
		a.Get("/page", show)
	}})
	b := authkittest.NewBrowser()
	defer b.CloseIdleConnections()
	page, err := b.SignIn(a.url+"/page?x=1", kim)
	require.NoError(t, err)
	assert.Equal(t, "/page?x=1", page.URL.RequestURI())
	assert.Equal(t, kim, page.Body)
	u, err := url.Parse(a.url)
	require.NoError(t, err)
	cookie := header(b.Jar.Cookies(u))
	assert.Equal(t, http.StatusNotFound, a.get("/absent", cookie).StatusCode)
	assert.Equal(t, http.StatusUnauthorized, a.get("/absent", "").StatusCode)
	assert.Equal(t, http.StatusOK, a.post("/logout", cookie, nil).StatusCode)
	assert.Equal(t, http.StatusUnauthorized, a.get("/page", cookie).StatusCode)
}

// The rewrite middleware of fiber changes the path with fiber.Ctx.Path, before the middleware or behind it.
func TestAPathThatFiberHasRewrittenIsGuarded(t *testing.T) {
	for name, bare := range map[string]bool{"before the middleware": true, "behind the middleware": false} {
		a := start(t, options{bare: true, before: func(a *application) {
			if !bare {
				a.Use(authkitfiber.Middleware(a.ak))
			}
			a.Use(rewrite.New(rewrite.Config{Rules: map[string]string{"/logout": "/account"}}), authkitfiber.Guard(a.ak.RequireAuth))
		}, routes: func(a *application) {
			a.Post("/account", show)
		}})
		cookie := a.signIn()
		assert.Equal(t, http.StatusUnauthorized, a.post("/logout", "", nil).StatusCode, name)
		assert.Equal(t, kim, a.post("/logout?x=1", cookie, nil).body, name)
	}
}

// A middleware of fiber that recovers a panic may be behind or in front of the middleware.
func TestTheAnswerToAPanicHasTheRefreshedCookieAndIsPrivate(t *testing.T) {
	for name, behind := range map[string]bool{"recover behind": true, "recover in front": false} {
		t.Run(name, func(t *testing.T) {
			add := func(a *application) { a.Use(recoverer.New()) }
			panics := func(a *application) {
				a.Get("/panic", func(c fiber.Ctx) error {
					c.Set("Cache-Control", "public, max-age=60")
					panic("on purpose")
				})
			}
			o := options{before: add, routes: panics}
			if behind {
				o = options{routes: func(a *application) { add(a); panics(a) }}
			}
			a := start(t, o)
			cookie := a.signIn()
			a.expire()
			r := a.get("/panic", cookie)
			assert.Equal(t, http.StatusInternalServerError, r.StatusCode)
			checkPrivate(t, r, name)
			require.NotEmpty(t, r.session())
			assert.Empty(t, a.get("/panic", r.session()).session(), "the next request is not disturbed")
		})
	}
}

// fasthttp resets the header for the answers 304 and 404 of a file.
func TestAFileHasTheHeaderOfTheMiddleware(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.txt")
	require.NoError(t, os.WriteFile(file, []byte("a page"), 0o600))
	a := start(t, options{routes: func(a *application) {
		guard := authkitfiber.Guard(a.ak.RequireAuth)
		a.Get("/file", guard, func(c fiber.Ctx) error { return c.SendFile(file, fiber.SendFile{ByteRange: true}) })
		a.Get("/no-file", guard, func(c fiber.Ctx) error { return c.SendFile(file + ".absent") })
	}})
	cookie := a.signIn()
	modified := a.get("/file", cookie).Header.Get("Last-Modified")
	require.NotEmpty(t, modified)
	for _, c := range []struct {
		path   string
		status int
		fields []string
	}{
		{"/file", 200, nil},
		{"/file", 206, []string{"Range", "bytes=0-2"}},
		{"/file", 304, []string{"If-Modified-Since", modified}},
		{"/no-file", 404, nil},
	} {
		r := a.get(c.path, cookie, c.fields...)
		assert.Equal(t, c.status, r.StatusCode, c.path)
		checkPrivate(t, r, c.path)
		a.expire()
		r = a.get(c.path, cookie, c.fields...)
		assert.Equal(t, c.status, r.StatusCode, c.path)
		checkPrivate(t, r, c.path)
		require.NotEmpty(t, r.session(), "%s %d", c.path, c.status)
		cookie = r.session()
	}
}

func TestARedirectAndAHeadHaveTheHeaderOfTheMiddleware(t *testing.T) {
	a := start(t, options{routes: func(a *application) {
		a.Get("/old", func(c fiber.Ctx) error { return c.Redirect().Status(http.StatusFound).To("/new") })
		a.Get("/new", show)
	}})
	cookie := a.signIn()
	a.expire()
	r := a.get("/old", cookie)
	assert.Equal(t, http.StatusFound, r.StatusCode)
	assert.Equal(t, "/new", r.Header.Get("Location"))
	checkPrivate(t, r, "a redirect")
	a.expire()
	r = a.send(http.MethodHead, "/new", r.session())
	assert.Equal(t, http.StatusOK, r.StatusCode)
	assert.Equal(t, int64(len(kim)), r.ContentLength)
	checkPrivate(t, r, "a HEAD")
	assert.NotEmpty(t, r.session())
}

func TestETagAndCompressionKeepTheHeader(t *testing.T) {
	a := start(t, options{
		before: func(a *application) { a.Use(etag.New(), compress.New()) },
		routes: func(a *application) {
			a.Get("/page", authkitfiber.Guard(a.ak.RequireAuth), func(c fiber.Ctx) error {
				c.Cookie(&fiber.Cookie{Name: "seen", Value: "yes", Path: "/page"})
				return html(c, "%s", strings.Repeat("compressible ", 100))
			})
		},
	})
	cookie := a.signIn()
	first := a.get("/page", cookie, "Accept-Encoding", "gzip")
	assert.Equal(t, "gzip", first.Header.Get("Content-Encoding"))
	checkPrivate(t, first, "compressed")
	assert.Contains(t, strings.Join(first.Header["Vary"], ", "), "Accept-Encoding")
	tag := first.Header.Get("ETag")
	require.NotEmpty(t, tag)
	a.expire()
	r := a.get("/page", cookie, "Accept-Encoding", "gzip", "If-None-Match", tag)
	assert.Equal(t, http.StatusNotModified, r.StatusCode)
	checkPrivate(t, r, "not modified")
	assert.NotEmpty(t, r.session())
	assert.Len(t, r.Cookies(), 2)
}

// fiber's cache may be in front of the middleware and behind it.
func TestACacheDoesNotShowThePageOfAUserToAnother(t *testing.T) {
	add := func(a *application) { a.Use(cache.New(cache.Config{StoreResponseHeaders: true})) }
	pages := func(a *application) {
		a.Get("/", show)
		a.Get("/account", authkitfiber.Guard(a.ak.RequireAuth), show)
	}
	for name, o := range map[string]options{
		"in front": {before: add, routes: pages},
		"behind":   {routes: func(a *application) { add(a); pages(a) }},
	} {
		t.Run(name, func(t *testing.T) {
			a := start(t, o)
			cookie := a.signIn()
			for range 2 {
				assert.Equal(t, kim, a.get("/", cookie).body)
				assert.Equal(t, "anonymous", a.get("/", "").body)
				assert.Equal(t, kim, a.get("/account", cookie).body)
				assert.Equal(t, http.StatusUnauthorized, a.get("/account", "").StatusCode)
			}
			assert.Equal(t, "hit", a.get("/", "").Header.Get("X-Cache"), "an anonymous page is cached")
			assert.Equal(t, "unreachable", a.get("/account", cookie).Header.Get("X-Cache"), "a guarded page is not")

			a.expire()
			r := a.get("/", cookie+"; other=1")
			require.NotEmpty(t, r.session())
			checkPrivate(t, r, "a refresh")
			assert.Equal(t, "unreachable", r.Header.Get("X-Cache"), "a page that sets the session is not cached")
		})
	}
}
