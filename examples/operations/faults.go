// The incidents of docs/operations.md: what breaks in each of them, and how it is mended.

package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/authkit-go/authkit/authkittest"
)

// incident is something that can happen to the application.
type incident struct {
	Name, Title, Detail string
	Load                bool    // it is traffic, which mendAll leaves as it is
	Amount              *amount // nil if it has none

	// begin makes it happen, and returns what ends it. site.mu is held for both.
	begin func(s *site, n int) (end func() error, err error)
}

// amount is how much of an incident there is.
type amount struct {
	Unit                 string
	Default, Least, Most int
}

// activeIncident is an incident that lasts.
type activeIncident struct {
	amount int
	end    func() error
}

var errNoIncident = errors.New("there is no such incident")

// incidents are all incidents, in the order of the page.
var incidents = []incident{
	{Name: "traffic", Title: "Users", Load: true,
		Detail: "Synthetic users sign in, look at pages and sign out. Two programs use API keys.",
		begin:  (*site).beginTraffic},
	{Name: "bots", Title: "Bots", Load: true,
		Detail: "Scanners send cookies, tokens, API keys, callbacks and webhooks that are not valid. No alert should come.",
		begin:  (*site).beginBots},

	{Name: "keys-down", Title: "Signing keys down",
		Detail: "WorkOS signs with a new key, and its key endpoint answers 503. Sessions with the earlier key work. Sign-ins fail, and refreshes cannot be verified.",
		begin: func(s *site, _ int) (func() error, error) {
			end := s.breakKeys()
			s.fake.RotateSigningKeys()
			return end, nil
		}},
	{Name: "keys-missing", Title: "Started without signing keys",
		Detail: "The key endpoint of WorkOS answers 503, and the application is started again. It cannot verify any token.",
		begin: func(s *site, _ int) (func() error, error) {
			return s.breakKeys(), s.deploy()
		}},
	{Name: "workos-slow", Title: "WorkOS slow", Amount: &amount{"milliseconds", 3000, 1, 60_000},
		Detail: "Each call of WorkOS takes longer.",
		begin: func(s *site, n int) (func() error, error) {
			s.network.setDelay(time.Duration(n) * time.Millisecond)
			return func() error { s.network.setDelay(0); return nil }, nil
		}},
	{Name: "workos-down", Title: "WorkOS down",
		Detail: "No call of WorkOS gets a response.",
		begin: func(s *site, _ int) (func() error, error) {
			s.network.setDown(true)
			return func() error { s.network.setDown(false); return nil }, nil
		}},
	{Name: "api-key", Title: "Wrong API key",
		Detail: "The application is started with an API key that WorkOS no longer accepts, as after a rotation.",
		begin: func(s *site, _ int) (func() error, error) {
			right := s.settings.apiKey
			return s.change(func(c *settings) { c.apiKey = "sk_test_of_an_earlier_year" }, func(c *settings) { c.apiKey = right })
		}},
	{Name: "clock", Title: "Clock wrong", Amount: &amount{"seconds", 45, -86_400, 86_400},
		Detail: "The clock of this machine is ahead of that of WorkOS, or behind with a negative number.",
		begin: func(s *site, n int) (func() error, error) {
			s.machine.set(time.Duration(n) * time.Second)
			return func() error { s.machine.set(0); return nil }, nil
		}},
	{Name: "cache", Title: "Cache too small", Amount: &amount{"sessions", 4, 1, 10_000},
		Detail: "The application is started with a cache for a few sessions.",
		begin: func(s *site, n int) (func() error, error) {
			right := s.settings.cacheEntries
			return s.change(func(c *settings) { c.cacheEntries = n }, func(c *settings) { c.cacheEntries = right })
		}},
	{Name: "store-down", Title: "Store down",
		Detail: "Each call of the store fails at once.",
		begin: func(s *site, _ int) (func() error, error) {
			s.store.SetDown(true)
			return func() error { s.store.SetDown(false); return nil }, nil
		}},
	{Name: "store-frozen", Title: "Store does not answer",
		Detail: "Each call of the store waits until its time limit.",
		begin: func(s *site, _ int) (func() error, error) {
			s.store.SetFrozen(true)
			return func() error { s.store.SetFrozen(false); return nil }, nil
		}},
	{Name: "deaf", Title: "Log of the store silent",
		Detail: "Calls of the store work, and its log is silent at this instance. The instance is deaf: it does not learn of sign-outs at other instances.",
		begin: func(s *site, _ int) (func() error, error) {
			s.instance.deaf.Store(true)
			return func() error { s.instance.deaf.Store(false); return nil }, nil
		}},
	{Name: "event-function", Title: "Event function fails",
		Detail: "The application's own function for events returns an error, so each event is tried again.",
		begin: func(s *site, _ int) (func() error, error) {
			s.functionFails.Store(true)
			return func() error { s.functionFails.Store(false); return nil }, nil
		}},
	{Name: "events", Title: "Events cannot be read",
		Detail: "WorkOS refuses the list of events, for example because the API key may not read it. Changes at WorkOS arrive by the webhook only.",
		begin: func(s *site, _ int) (func() error, error) {
			s.fake.InjectFault(authkittest.RouteListEvents, authkittest.Fault{Status: http.StatusForbidden, Body: `{"code":"forbidden","message":"This key may not read events."}`})
			return func() error { s.fake.ClearFault(authkittest.RouteListEvents); return nil }, nil
		}},
	{Name: "cookie-password", Title: "Cookie password changed",
		Detail: "The application is started with a new cookie password and without the earlier one. No session cookie opens. The end adds the earlier one.",
		begin: func(s *site, _ int) (func() error, error) {
			earlier := s.settings.passwords
			return s.change(
				func(c *settings) { c.passwords = []string{rand.Text() + rand.Text()} },
				func(c *settings) { c.passwords = append(c.passwords, earlier...) })
		}},
	{Name: "issuer", Title: "Wrong issuer",
		Detail: "The application is started with another base URL of WorkOS than the one in its tokens, so it accepts none of them.",
		begin: func(s *site, _ int) (func() error, error) {
			right := s.settings.baseURL
			return s.change(
				func(c *settings) { c.baseURL = strings.Replace(right, "127.0.0.1", "localhost", 1) },
				func(c *settings) { c.baseURL = right })
		}},
	{Name: "redirect-uri", Title: "Wrong redirect URI",
		Detail: "The application is started with a redirect URI that is not registered at WorkOS. Users see an error page of WorkOS, and never come back.",
		begin: func(s *site, _ int) (func() error, error) {
			right := s.settings.redirectURL
			return s.change(
				func(c *settings) { c.redirectURL = s.home + "/signed-in" },
				func(c *settings) { c.redirectURL = right })
		}},
	{Name: "storm", Title: "Storm of refreshes",
		Detail: "All users are changed at WorkOS twice a second, as by a directory that does not come to rest. Each session is refreshed after each change. Further users come.",
		begin:  (*site).beginStorm},
}

// incidentByName returns an incident.
func incidentByName(name string) (incident, error) {
	n := slices.IndexFunc(incidents, func(i incident) bool { return i.Name == name })
	if n < 0 {
		return incident{}, fmt.Errorf("%w: %q", errNoIncident, name)
	}
	return incidents[n], nil
}

// begin makes an incident happen. An amount of 0 is its default. An incident that lasts already ends first.
func (s *site) begin(name string, n int) error {
	i, err := incidentByName(name)
	if err != nil {
		return err
	}
	if a := i.Amount; a != nil {
		if n == 0 {
			n = a.Default
		}
		if n < a.Least || n > a.Most {
			return fmt.Errorf("%d %s: the amount must be between %d and %d", n, a.Unit, a.Least, a.Most)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.endLocked(name); err != nil {
		return err
	}
	end, err := i.begin(s, n)
	if err != nil {
		return err
	}
	s.active[name] = &activeIncident{n, end}
	return nil
}

// end ends an incident. It does nothing if it does not last.
func (s *site) end(name string) error {
	if _, err := incidentByName(name); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endLocked(name)
}

func (s *site) endLocked(name string) error {
	active := s.active[name]
	if active == nil {
		return nil
	}
	delete(s.active, name)
	return active.end()
}

// mendAll ends all incidents, and leaves the traffic.
func (s *site) mendAll() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, i := range incidents {
		if !i.Load {
			err = errors.Join(err, s.endLocked(i.Name))
		}
	}
	return err
}

// breakKeys makes the key endpoint of WorkOS fail, until all that broke it have ended.
func (s *site) breakKeys() (end func() error) {
	s.brokenKeys++
	s.fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: http.StatusServiceUnavailable})
	return func() error {
		if s.brokenKeys--; s.brokenKeys == 0 {
			s.fake.ClearFault(authkittest.RouteJWKS)
		}
		return nil
	}
}

// change starts the application with other settings, and returns what starts it with the right ones.
func (s *site) change(wrong, right func(*settings)) (end func() error, err error) {
	wrong(&s.settings)
	return func() error {
		right(&s.settings)
		return s.deploy()
	}, s.deploy()
}
