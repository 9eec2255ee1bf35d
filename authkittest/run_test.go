// Run, App and Env. The tests of an application that uses them are in application_test.go.

package authkittest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// runWith is run with options of the fake.
func runWith(t *testing.T, opts ...authkittest.Option) *authkittest.App {
	t.Helper()
	return authkittest.Run(t, func(env authkittest.Env) http.Handler {
		return application(env.AuthKit(authkit.WithBearerTokens()))
	}, opts...)
}

// ask sends a GET and returns the response and its body.
func ask(t testing.TB, client *http.Client, address string) (*http.Response, string) {
	t.Helper()
	response, err := client.Get(address)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(body)
}

func open(t testing.TB, b *authkittest.Browser, address string) *authkittest.Page {
	t.Helper()
	page, err := b.Get(address)
	require.NoError(t, err)
	return page
}

func TestABearerTokenHasTheClaimsOfItsUserAndTheGivenOnes(t *testing.T) {
	t.Parallel()
	app := run(t)
	chiara := app.Fake.Users()[2]
	other := chiara.Memberships[1].OrganizationID
	status := func(path, token string) int {
		response, _ := ask(t, app.APIClient(token), app.URL+path)
		return response.StatusCode
	}
	_, body := ask(t, app.APIClient(app.BearerToken(chiara.Email, authkittest.Claims{"org_id": other})), app.URL+"/api/posts")
	assert.Equal(t, "posts for "+chiara.ID+" in "+other, body)
	assert.Equal(t, 200, status("/admin", app.BearerToken(chiara.Email, authkittest.Claims{"org_id": other})), "the role there")
	assert.Equal(t, 403, status("/admin", app.BearerToken(chiara.Email)), "the first organization")
	assert.Equal(t, 200, status("/admin", app.BearerToken(chiara.Email, authkittest.Claims{"role": "admin"})))
	assert.Equal(t, 403, status("/admin", app.BearerToken(ada, authkittest.Claims{"role": nil, "roles": nil})), "nil removes a claim")
	assert.Equal(t, 403, status("/admin", app.BearerToken("dev@example.com")), "a user without an organization")
	assert.Equal(t, 401, status("/account", app.BearerToken(ada, authkittest.Claims{"exp": app.Clock.Now().Add(-2 * time.Minute)})))
	assert.Equal(t, 401, status("/account", app.BearerToken(ada, authkittest.Claims{"client_id": "client_other"})))

	token := app.BearerToken(ada)
	assert.Equal(t, 200, status("/account", token))
	app.Clock.Advance(7 * time.Minute)
	assert.Equal(t, 401, status("/account", token), "expired")
	assert.Panics(t, func() { app.BearerToken("nobody@example.com") })
}

func TestAnAPIKeyOfAppNeedsNoOrganization(t *testing.T) {
	t.Parallel()
	app := runWith(t, authkittest.WithUsers(authkittest.User{Email: "kim@acme.test"}))
	response, _ := ask(t, app.APIClient(app.APIKey("posts:read")), app.URL+"/api/posts")
	assert.Equal(t, 200, response.StatusCode)
}

func TestTheClockOfRunStandsStillWithoutAFault(t *testing.T) {
	t.Parallel()
	clock := authkittest.NewFakeClock(start)
	app := runWith(t, authkittest.WithClock(clock))
	assert.Same(t, clock, app.Clock)
	browser := app.SignIn(ada)
	assert.Equal(t, 200, open(t, browser, "/account").StatusCode)
	clock.Advance(6 * time.Minute)
	assert.Equal(t, 200, open(t, browser, "/account").StatusCode, "refreshed")
	assert.Equal(t, 1, app.Fake.Calls(authkittest.RouteRefresh))
	assert.Equal(t, start.Add(6*time.Minute), clock.Now())
}

func TestRunFailsTheTestForAClockThatATestCannotMove(t *testing.T) {
	fails := &recorder{TB: t}
	fake := authkittest.New(t)
	assert.Panics(t, func() {
		authkittest.Run(fatalf{fails}, func(authkittest.Env) http.Handler { return http.NotFoundHandler() }, authkittest.WithClock(clockOf{}))
	})
	assert.Contains(t, fails.failure, "must be a *FakeClock")
	assert.Panics(t, func() { authkittest.Run(fails, func(authkittest.Env) http.Handler { return nil }) })
	assert.Contains(t, fails.failure, "no handler")
	assert.Panics(t, func() {
		authkittest.Run(fails, func(env authkittest.Env) http.Handler { return application(env.AuthKit(authkit.WithClientID("x"))) })
	})
	assert.ErrorContains(t, fails.failure.(error), "WithClientID")
	assert.NotNil(t, fake)
}

// clockOf is a clock that shows real time.
type clockOf struct{}

func (clockOf) Now() time.Time { return time.Now() }

func (clockOf) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }

// fatalf is a recorder that also records Fatalf.
type fatalf struct{ *recorder }

func (r fatalf) Fatalf(format string, a ...any) { r.Fatal(fmt.Sprintf(format, a...)) }

func TestAnAnonymousBrowserOfAnAppEndsAtTheSignInPage(t *testing.T) {
	t.Parallel()
	app := run(t)
	assert.True(t, strings.HasPrefix(app.URL, "http://localhost:"), app.URL)
	page := open(t, app.Browser(), "/account")
	assert.True(t, strings.HasPrefix(page.URL.String(), app.Fake.URL()+"/"), "%v", page)
}

func TestSignInNeedsNoPageAtTheRoot(t *testing.T) {
	t.Parallel()
	app := run(t)
	browser := app.SignIn(ada)
	assert.Equal(t, http.StatusNotFound, browser.Page().StatusCode, "the application has no page at /")
	assert.Equal(t, app.URL+"/", browser.Page().URL.String())

	browser = app.SignInAt("/account?x=1", ada)
	assert.Equal(t, app.URL+"/account?x=1", browser.Page().URL.String())
	assert.Equal(t, "Hello, "+ada, browser.Page().Body)

	browser = app.SignInAt("/admin", "ben@harborpress.test")
	assert.Equal(t, http.StatusForbidden, browser.Page().StatusCode, "signed in, without the role")
}

func TestSignInFailsIfTheCallbackRefusesTheSignIn(t *testing.T) {
	t.Parallel()
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		return application(env.AuthKit(authkit.WithOnSignIn(func(context.Context, authkit.SignInEvent) error { return errors.New("no") })))
	})
	_, err := app.Browser().SignIn("/login", ada)
	require.ErrorContains(t, err, "the application answered")
	assert.ErrorContains(t, err, "/callback")
}

func TestSignInFailsIfThePageAfterItFails(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusBadGateway} {
		app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
			ak := env.AuthKit()
			mux := http.NewServeMux()
			mux.Handle("/", application(ak))
			mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
			return mux
		})
		_, err := app.Browser().SignIn("/login", ada)
		assert.ErrorContains(t, err, fmt.Sprintf("the application answered %d %s/", status, app.URL))
	}
}

func TestInstancesOfAnAppShareItsStoreAndItsUsers(t *testing.T) {
	t.Parallel()
	first := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		return application(env.AuthKit(authkit.WithStore(env.Store)))
	})
	second := first.Instance()
	require.NotEqual(t, first.URL, second.URL)
	browser := first.SignIn(ada)
	assert.Equal(t, 200, open(t, browser, second.URL+"/account").StatusCode)
	open(t, browser, "/account")
	_, err := browser.Fetch(http.MethodPost, first.URL+"/logout")
	require.NoError(t, err)
	open(t, browser, second.URL+"/missing")
	page, err := browser.Fetch(http.MethodGet, second.URL+"/account")
	require.NoError(t, err)
	assert.Equal(t, 401, page.StatusCode)
	assert.Positive(t, first.Store.Commands().Append)
}

func TestAFrozenStoreHangsNoRequestOfRun(t *testing.T) {
	t.Parallel()
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		return application(env.AuthKit(authkit.WithStore(env.Store)))
	}, authkittest.WithAccessTokenLifetime(time.Minute))
	browser := app.SignIn(ada)
	app.Clock.Advance(90 * time.Second)
	app.Store.SetFrozen(true)
	assert.Equal(t, 200, open(t, browser, "/account").StatusCode, "refreshed without the store")
	app.Store.SetFrozen(false)
	app.Store.SetDown(true)
	app.Clock.Advance(90 * time.Second)
	assert.Equal(t, 200, open(t, browser, "/account").StatusCode, "refreshed without the store")
}

func TestRunEndsRequestsThatStillRunWhenTheTestEnds(t *testing.T) {
	ended := make(chan struct{})
	t.Run("a stream", func(t *testing.T) {
		app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.(http.Flusher).Flush()
				<-r.Context().Done()
				close(ended)
			})
		})
		response, err := app.APIClient("").Get(app.URL)
		require.NoError(t, err)
		t.Cleanup(func() { response.Body.Close() })
		assert.Equal(t, 200, response.StatusCode)
	})
	select {
	case <-ended:
	default:
		t.Error("the handler still runs")
	}
}

// logRecorder is a testing.TB that records what a test logs.
type logRecorder struct {
	testing.TB
	cleanups []func()
	text     strings.Builder
}

func (r *logRecorder) Cleanup(f func())             { r.cleanups = append(r.cleanups, f) }
func (r *logRecorder) Logf(format string, a ...any) { fmt.Fprintf(&r.text, format, a...) }
func (r *logRecorder) end() {
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
}

func TestRunWritesTheLogOfTheApplicationToTheTestWithoutSecrets(t *testing.T) {
	r := &logRecorder{TB: t}
	var env authkittest.Env
	app := authkittest.Run(r, func(e authkittest.Env) http.Handler {
		env = e
		return application(e.AuthKit(authkit.WithBearerTokens()))
	})
	token := app.BearerToken(ada)
	key := app.APIKey()
	browser := app.SignIn(ada)
	cookies := browser.Jar.Cookies(browser.Page().URL)
	require.NotEmpty(t, cookies)
	env.Log.Warn("the application says too much", "key", app.Fake.APIKey(), "token", token, "customer", key, "session", app.Fake.Sessions()[0].ID)
	env.Log.Warn("and more", "cookie", cookies[0].Value)
	ask(t, app.APIClient(app.BearerToken(ada, authkittest.Claims{"client_id": "client_other"})), app.URL+"/account")
	r.end()

	text := r.text.String()
	assert.Contains(t, text, "the log of the application:\n")
	assert.Contains(t, text, `msg="the application says too much" key=[secret] token=[token] customer=[secret] session=`+app.Fake.Sessions()[0].ID)
	assert.Contains(t, text, `msg="and more" cookie=[secret]`+"\n")
	assert.Contains(t, text, "client_other", "the line of authkit")
	assert.NotContains(t, text, app.Fake.APIKey())
	assert.NotContains(t, text, token)
	assert.NotContains(t, text, "time=")
	for _, printed := range []string{fmt.Sprintf("%v %+v %#v", app, app, app), fmt.Sprintf("%v %+v %#v", env, env, env)} {
		assert.NotContains(t, printed, app.Fake.APIKey())
		assert.Contains(t, printed, app.URL)
	}
}

// A log of requests has the code of each sign-in, and an application with forms of its own may log what users type.
func TestTheLogOfATestHasNoUsedCodeAndNoPassword(t *testing.T) {
	r := &logRecorder{TB: t}
	app := authkittest.Run(r, func(env authkittest.Env) http.Handler {
		next := application(env.AuthKit())
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			env.Log.Info("request", "target", r.RequestURI, "password", "correct horse battery")
			next.ServeHTTP(w, r)
		})
	})
	app.Fake.AddUser(authkittest.User{Email: "grace@harborpress.test", Password: "correct horse battery"})
	app.Fake.AddUser(authkittest.User{Email: "short@harborpress.test", Password: "e"})
	app.SignIn(ada)
	r.end()

	text := r.text.String()
	assert.Regexp(t, `target="/callback\?code=\[secret\]&state=`, text)
	assert.Contains(t, text, `target=/login password="[secret]"`)
	assert.NotContains(t, text, "horse")
}

func TestEnvOptionsOverrideTheEnvironment(t *testing.T) {
	t.Setenv("WORKOS_CLIENT_ID", "client_production")
	t.Setenv("WORKOS_API_HOSTNAME", "api.example.com")
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		ak, err := authkit.FromEnv(env.Options(authkit.WithCookieName("mine"))...)
		require.NoError(t, err)
		return application(ak)
	})
	page := open(t, app.SignIn(ada), "/account")
	assert.Equal(t, "Hello, "+ada, page.Body)
	assert.Equal(t, "client_production", os.Getenv("WORKOS_CLIENT_ID"), "Run sets no variable")
}

func TestTheLogOfATestNamesAMistakeInTheSetUp(t *testing.T) {
	r := &logRecorder{TB: t}
	app := authkittest.Run(r, func(env authkittest.Env) http.Handler {
		ak := env.AuthKit()
		mux := http.NewServeMux()
		mux.Handle("GET /login", ak.Login())
		mux.Handle("GET /auth/callback", ak.Callback())
		return ak.Middleware(mux)
	})
	_, err := app.Browser().SignIn("/login", ada)
	require.ErrorContains(t, err, "the application answered 404")
	r.end()
	assert.Contains(t, r.text.String(), "mount ak.Callback() at exactly the path of WithRedirectURL")
}

func TestAnApplicationWithABasePathRunsBehindAHandlerLikeAProxy(t *testing.T) {
	t.Parallel()
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		ak := env.AuthKit(authkit.WithBasePath("/tool"), authkit.WithRedirectURL(env.URL+"/tool/callback"))
		stripped := http.StripPrefix("/tool", application(ak))
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.RequestURI = strings.TrimPrefix(r.RequestURI, "/tool")
			stripped.ServeHTTP(w, r)
		})
	})
	page, err := app.Browser().SignIn("/tool/account", ada)
	require.NoError(t, err)
	assert.Equal(t, app.URL+"/tool/account", page.URL.String())
	assert.Equal(t, "Hello, "+ada, page.Body)
}

func TestABrowserReachesAnApplicationAtTheHostsBelowLocalhost(t *testing.T) {
	t.Parallel()
	organizations := map[string]string{}
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		acme := strings.Replace(env.URL, "//localhost", "//acme.localhost", 1)
		return application(env.AuthKit(
			authkit.WithRedirectURL(env.URL+"/callback", acme+"/callback"),
			authkit.WithLoginFunc(func(r *http.Request) authkit.LoginParams {
				return authkit.LoginParams{Organization: organizations[r.Host]}
			}),
		))
	})
	acme := strings.Replace(app.URL, "//localhost", "//acme.localhost", 1)
	chiara := app.Fake.Users()[2]
	organizations[strings.TrimPrefix(acme, "http://")] = chiara.Memberships[1].OrganizationID

	page, err := app.Browser().SignIn(acme+"/admin", chiara.Email)
	require.NoError(t, err)
	assert.Equal(t, acme+"/admin", page.URL.String())
	assert.Equal(t, http.StatusOK, page.StatusCode, "the administrator of the second organization")
}
