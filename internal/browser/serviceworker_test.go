// Service workers that pass navigations on: sign-in, guards and sign-out behind them.

package browser_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// workerStart takes control of all pages at once.
const workerStart = `
addEventListener("install", () => skipWaiting());
addEventListener("activate", e => e.waitUntil(clients.claim()));
`

// workerApp is an application whose origin has a service worker.
type workerApp struct {
	*app

	mu  sync.Mutex
	got map[string]http.Header // the header of the last request, by method and path
}

func newWorkerApp(t *testing.T, worker string) *workerApp {
	t.Helper()
	a := &workerApp{got: map[string]http.Header{}}
	a.app = newApp(t, appOptions{wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/worker.js" {
				w.Header().Set("Content-Type", "text/javascript")
				w.Write([]byte(workerStart + worker))
				return
			}
			a.mu.Lock()
			a.got[r.Method+" "+r.URL.Path] = r.Header.Clone()
			a.mu.Unlock()
			next.ServeHTTP(w, r)
		})
	}})
	return a
}

// sent returns Sec-Fetch-Mode and Sec-Fetch-Dest of the last request with this method and path.
func (a *workerApp) sent(request string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.got[request].Get("Sec-Fetch-Mode") + " " + a.got[request].Get("Sec-Fetch-Dest")
}

// register starts the service worker in a tab. The worker is removed when the test ends.
func (a *workerApp) register(b *tab) {
	b.T.Helper()
	b.Visit(a.url + "/open")
	b.Sees("Public page")
	var controlled bool
	b.Run(`return (async () => {
		const changed = new Promise(done => navigator.serviceWorker.addEventListener("controllerchange", done));
		await navigator.serviceWorker.register("/worker.js");
		if (!navigator.serviceWorker.controller) await changed;
		return navigator.serviceWorker.controller !== null;
	})()`, &controlled)
	require.True(b.T, controlled)
	b.T.Cleanup(func() {
		b.DevTools("Storage.clearDataForOrigin", map[string]any{"origin": a.url, "storageTypes": "service_workers"})
	})
}

func TestAServiceWorkerThatPassesNavigationsOnBreaksNoSignInAndNoSignOut(t *testing.T) {
	t.Parallel()
	a := newWorkerApp(t, `addEventListener("fetch", e => e.respondWith(fetch(e.request)));`)
	b := open(t)
	a.register(b)
	a.signIn(b)
	require.Equal(t, "navigate empty", a.sent("GET /account"), "the worker has passed the navigation on")
	require.Equal(t, "navigate empty", a.sent("GET /callback"))
	b.Click("Sign out")
	b.Sees("Home of an anonymous user")
	require.Equal(t, "navigate empty", a.sent("POST /logout"))
	assert.False(t, a.newest().Active(), "the session ended at WorkOS, too")
	assert.Empty(t, b.Cookies())
	b.Visit(a.url + "/callback?state=unknown&code=unknown")
	b.Sees("This sign-in can't be finished")
	b.Visit(a.url + "/account")
	b.Sees("Sign in")
}

// Such a worker makes a new request of each navigation, for example to add a header. Its mode is not navigate.
func TestAServiceWorkerThatRepeatsNavigationsShowsPagesAndSignsOut(t *testing.T) {
	t.Parallel()
	a := newWorkerApp(t, `addEventListener("fetch", e => e.respondWith((async () => {
		const {method, url, headers, redirect} = e.request;
		const body = method == "POST" ? await e.request.arrayBuffer() : undefined;
		return fetch(url, {method, headers, redirect, body, credentials: "same-origin"});
	})()));`)
	b := open(t)
	a.register(b)
	b.Visit(a.url + "/account")
	b.Sees("Sign in to continue")
	require.Equal(t, "cors empty", a.sent("GET /account"), "the worker has repeated the navigation")
	b.Click("Sign in")
	b.Sees("Sign in")
	b.Click("Kim Oduya")
	b.Sees("Account of " + kim)
	b.Click("Sign out")
	b.Sees("Home of an anonymous user")
	require.Equal(t, "cors empty", a.sent("POST /logout"))
	assert.False(t, a.newest().Active(), "the session ended at WorkOS, too")
}
