// Changes at one instant of the fake clock: each has its effect.

package authkittest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestEveryChangeAtOneInstantOfTheClockHasItsEffect(t *testing.T) {
	t.Parallel()
	for name, learn := range map[string]func(*testing.T, *authkittest.App, *authkit.AuthKit) (known func()){
		"RefreshUser": func(t *testing.T, app *authkittest.App, ak *authkit.AuthKit) func() {
			return func() { require.NoError(t, ak.RefreshUser(t.Context(), app.Fake.Users()[0].ID)) }
		},
		"RefreshOrganization": func(t *testing.T, app *authkittest.App, ak *authkit.AuthKit) func() {
			return func() { require.NoError(t, ak.RefreshOrganization(t.Context(), app.Fake.Organizations()[0].ID)) }
		},
		"RefreshAll": func(t *testing.T, _ *authkittest.App, ak *authkit.AuthKit) func() {
			return func() { require.NoError(t, ak.RefreshAll(t.Context())) }
		},
		"Webhook": func(t *testing.T, app *authkittest.App, _ *authkit.AuthKit) func() {
			app.Fake.AddWebhookEndpoint(app.URL+"/webhooks/workos", "secret")
			return func() { require.NoError(t, app.Fake.WaitForWebhooks(t.Context())) }
		},
		"RefreshUser and RefreshOrganization": func(t *testing.T, app *authkittest.App, ak *authkit.AuthKit) func() {
			user := false
			return func() {
				if user = !user; user {
					require.NoError(t, ak.RefreshUser(t.Context(), app.Fake.Users()[0].ID))
					return
				}
				require.NoError(t, ak.RefreshOrganization(t.Context(), app.Fake.Organizations()[0].ID))
			}
		},
		"Webhook and RefreshUser": func(t *testing.T, app *authkittest.App, ak *authkit.AuthKit) func() {
			app.Fake.AddWebhookEndpoint(app.URL+"/webhooks/workos", "secret")
			return func() {
				require.NoError(t, app.Fake.WaitForWebhooks(t.Context()))
				require.NoError(t, ak.RefreshUser(t.Context(), app.Fake.Users()[0].ID))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ak *authkit.AuthKit
			app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
				ak = env.AuthKit()
				mux := http.NewServeMux()
				mux.Handle("POST /webhooks/workos", ak.Webhook(nil, "secret"))
				mux.Handle("/", application(ak))
				return mux
			}, authkittest.WithClock(authkittest.NewFakeClock(time.Now().Truncate(time.Second).Add(100*time.Millisecond)))) // far from the end of a second, which tokens have as their time
			known, browser := learn(t, app, ak), app.SignIn(ada)
			started := app.Clock.Now()
			for range 3 {
				for _, role := range []string{"member", "admin"} {
					app.Fake.UpdateUser(ada, func(u *authkittest.User) { u.Memberships[0].Role = role })
					known()
					status := open(t, browser, "/admin").StatusCode
					assert.Equal(t, role == "admin", status == http.StatusOK, "%s: %d", role, status)
				}
			}
			assert.Equal(t, started, app.Clock.Now(), "the clock stands still")
			refreshes := app.Fake.Refreshes().Exchanged
			open(t, browser, "/admin")
			assert.Equal(t, refreshes, app.Fake.Refreshes().Exchanged, "the session is not due without a change")
		})
	}
}

func TestEachEventHasATimeOfItsOwn(t *testing.T) {
	t.Parallel()
	app := run(t)
	app.SignIn(ada)
	app.Fake.DeleteUser(ada)
	events := app.Fake.Events()
	require.Greater(t, len(events), 2)
	for i := range events[1:] {
		assert.True(t, events[i+1].CreatedAt.After(events[i].CreatedAt), "%s, %s", events[i].Type, events[i+1].Type)
	}
}
