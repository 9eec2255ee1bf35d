// The parameters of a sign-in, and the order of their sources.

package behaviour

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
)

func TestLaterLoginParamsOverrideEarlierOnesFieldByField(t *testing.T) {
	a := NewApp(t, AppOptions{
		AuthKit: []authkit.Option{
			authkit.WithLoginParams(authkit.LoginParams{LoginHint: "params@example.com", Provider: "GoogleOAuth", Prompt: "login"}),
			authkit.WithLoginFunc(func(r *http.Request) authkit.LoginParams {
				return authkit.LoginParams{LoginHint: r.URL.Query().Get("hint"), DomainHint: "func.example.com"}
			}),
		},
		Routes: func(a *App, mux *http.ServeMux) {
			mux.Handle("/plain", a.Login())
			mux.Handle("/connection", a.Login(authkit.LoginParams{Connection: "conn_1", Prompt: "consent"}, authkit.LoginParams{Prompt: "none"}))
			mux.Handle("/func", a.LoginFunc(func(*http.Request) authkit.LoginParams {
				return authkit.LoginParams{Provider: "authkit", MaxAge: new(time.Duration)}
			}))
		},
	})
	for target, want := range map[string]map[string]string{
		"/account":                       {"provider": "GoogleOAuth", "prompt": "login", "login_hint": "params@example.com", "domain_hint": "func.example.com"},
		"/plain":                         {"provider": "GoogleOAuth", "prompt": "login", "login_hint": "params@example.com", "domain_hint": "func.example.com"},
		"/plain?hint=func%40example.com": {"provider": "GoogleOAuth", "login_hint": "func@example.com"},
		"/connection":                    {"provider": "", "connection_id": "conn_1", "prompt": "none", "domain_hint": "func.example.com"},
		"/func":                          {"provider": "authkit", "max_age": "0", "prompt": "login", "login_hint": "params@example.com"},
	} {
		resp := a.Send(Request{Target: target, Header: Navigation()})
		require.Equal(t, http.StatusSeeOther, resp.Status, target)
		location, err := resp.Location()
		require.NoError(t, err)
		for name, value := range want {
			assert.Equal(t, value, location.Query().Get(name), "%s: %s", target, name)
		}
	}
}
