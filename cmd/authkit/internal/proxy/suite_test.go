// The suite of behaviour against the proxy, with an upstream that plays the application of the suite.

package proxy_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/authkit-go/authkit/cmd/authkit/internal/proxy"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// suitePages are the pages of a behaviour.Target, which know the user from the identity headers alone.
func suitePages() http.Handler {
	mux := http.NewServeMux()
	page := func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(behaviour.PageOf(r.Header.Get("X-Authkit-Email"), r.Header.Get("X-Authkit-User"))))
	}
	mux.HandleFunc("GET /{$}", page)
	mux.HandleFunc("GET /account", page)
	mux.HandleFunc("GET /api/me", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"user":            map[string]string{"id": r.Header.Get("X-Authkit-User"), "email": r.Header.Get("X-Authkit-Email")},
			"session_id":      r.Header.Get("X-Authkit-Session-Id"),
			"organization_id": r.Header.Get("X-Authkit-Organization"),
		})
	})
	return mux
}

func TestTheSuitePassesForTheProxy(t *testing.T) {
	behaviour.Run(t, behaviour.Target{Name: "proxy", Start: func(t testing.TB, d behaviour.Deployment) string {
		return start(t, suitePages(), setUp{server: d.Fake, cookies: d.CookiePassword, log: d.Log, change: func(c *proxy.Config) {
			c.Rules = []proxy.Rule{{Path: "/*", Allow: []string{"public"}}, {Path: "/account"}, {Path: "/api/me"}}
			c.Events.Follow = false
		}}).URL
	}})
}
