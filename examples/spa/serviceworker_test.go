// A service worker on the origin of the page, which passes the calls of the API on.

package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/chromium"
)

func TestAServiceWorkerOfThePagePassesCallsOfTheAPIOn(t *testing.T) {
	const start = `addEventListener("install", () => skipWaiting());
		addEventListener("activate", e => e.waitUntil(clients.claim()));
		let passed = 0;
		addEventListener("message", e => e.source.postMessage(passed));
	`
	for name, worker := range map[string]string{
		"as they are":       `addEventListener("fetch", e => { passed++; e.respondWith(fetch(e.request)); });`,
		"as copies of them": `addEventListener("fetch", e => { passed++; e.respondWith(fetch(new Request(e.request))); });`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, apiHost)
			s.worker = start + worker
			b := chromium.Open(t)
			b.Visit(s.page + "/")
			b.Sees("Please sign in")
			var controlled bool
			b.Run(`const changed = new Promise(done => navigator.serviceWorker.addEventListener("controllerchange", done));
				await navigator.serviceWorker.register("/worker.js");
				if (!navigator.serviceWorker.controller) await changed;
				return navigator.serviceWorker.controller !== null;`, &controlled)
			require.True(t, controlled)
			t.Cleanup(func() {
				b.DevTools("Storage.clearDataForOrigin", map[string]any{"origin": s.page, "storageTypes": "service_workers"})
			})

			s.signIn(b, deepLink, admin)
			b.Fill("title", "Through a worker"+chromium.Enter)
			b.Find(`//li[.="Through a worker"]`)
			var passed int
			b.Run(`const answer = new Promise(done => navigator.serviceWorker.addEventListener("message", e => done(e.data)));
				navigator.serviceWorker.controller.postMessage("how many?");
				return answer;`, &passed)
			assert.GreaterOrEqual(t, passed, 5, "/me, /organizations, /posts twice, and the new post")
			b.Click("Sign out")
			b.Sees("Please sign in")
			assert.False(t, s.fake.Sessions()[0].Active())
		})
	}
}
