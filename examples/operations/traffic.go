// The traffic: synthetic users, programs and bots.

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/authkit-go/authkit/authkittest"
)

const (
	visitors   = 12                     // synthetic users, each with a browser of its own
	visitPause = 500 * time.Millisecond // between two pages of a user, on average
	retryPause = 2 * time.Second        // after a sign-in that failed
	stormPause = 500 * time.Millisecond // between two changes of all users
	crowd      = 30                     // further users in a storm
)

// background runs functions until the returned function is called, which waits for them.
func background(functions ...func(context.Context)) (end func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, f := range functions {
		running.Go(func() { f(ctx) })
	}
	return func() error {
		cancel()
		running.Wait()
		return nil
	}
}

// pause waits for about d on the clock of the world, and reports whether ctx goes on.
func (s *site) pause(ctx context.Context, d time.Duration) bool {
	over := make(chan struct{})
	stop := s.world.AfterFunc(d/2+rand.N(d), func() { close(over) })
	defer stop()
	select {
	case <-over:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *site) beginTraffic(int) (end func() error, err error) {
	functions := s.visitorsOf(visitors)
	return background(append(functions, s.program(s.apiKey), s.program(s.apiKey))...), nil
}

// visitorsOf returns the functions of n visitors.
func (s *site) visitorsOf(n int) (functions []func(context.Context)) {
	users := s.fake.Users()
	for i := range n {
		functions = append(functions, func(ctx context.Context) { s.visitor(ctx, users[i%len(users)].Email) })
	}
	return functions
}

// visitor plays a user until ctx ends: it signs in, looks at pages, and sometimes signs out.
func (s *site) visitor(ctx context.Context, email string) {
	for s.pause(ctx, visitPause) {
		b := authkittest.NewBrowser()
		wait := visitPause
		if _, err := b.SignIn(s.home+"/login", email); err != nil {
			s.log.Debug("a synthetic user could not sign in", slog.Any("error", err))
			wait = retryPause
		}
		for visits := 20 + rand.IntN(200); visits > 0 && s.pause(ctx, wait); visits-- {
			wait = visitPause
			if err := s.visit(ctx, b, "/account"); err != nil {
				s.log.Debug("a synthetic user is signed out", slog.Any("error", err))
				break
			}
			if visits%10 == 0 {
				_ = s.visit(ctx, b, "/project") // 403 for most users
			}
		}
		if ctx.Err() == nil {
			_, _ = b.Fetch(http.MethodPost, s.home+"/logout")
		}
		b.CloseIdleConnections()
	}
}

var errSignedOut = errors.New("the user has no session")

// visit requests a page as a script does, so that no sign-in begins by itself. It returns errSignedOut for the status 401.
func (s *site) visit(ctx context.Context, b *authkittest.Browser, path string) error {
	status, err := s.send(ctx, b.Client, path, func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "cors") })
	if err == nil && status == http.StatusUnauthorized {
		return errSignedOut
	}
	return err
}

// send sends a GET, and returns the status.
func (s *site) send(ctx context.Context, client *http.Client, path string, change func(*http.Request)) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.home+path, nil)
	if err != nil {
		return 0, err
	}
	change(r)
	response, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// program plays a program of a customer, which uses an API key.
func (s *site) program(key string) func(context.Context) {
	return func(ctx context.Context) {
		for s.pause(ctx, visitPause) {
			_, _ = s.send(ctx, http.DefaultClient, "/api/report", bearer(key))
		}
	}
}

func bearer(credential string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+credential) }
}

// junk is what a bot sends. No alert may come of it.
var junk = []struct {
	path   string
	change func(*http.Request)
}{
	{"/account", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "authkit-session", Value: "junk"}) }},
	{"/account", bearer("eyJhbGciOiJub25lIn0.e30.")},
	{"/api/report", bearer("sk_test_guessed")},
	{"/callback?" + url.Values{"code": {"guessed"}, "state": {"guessed"}}.Encode(), func(*http.Request) {}},
	{"/wp-login.php", func(*http.Request) {}},
}

func (s *site) beginBots(int) (end func() error, err error) {
	return background(func(ctx context.Context) {
		for s.pause(ctx, visitPause) {
			s.sendJunk(ctx)
		}
	}), nil
}

// sendJunk sends each kind of junk once, and a webhook without a signature.
func (s *site) sendJunk(ctx context.Context) {
	for _, j := range junk {
		_, _ = s.send(ctx, http.DefaultClient, j.path, j.change)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.home+"/webhooks/workos", http.NoBody)
	if err != nil {
		return
	}
	if response, err := http.DefaultClient.Do(r); err == nil {
		_ = response.Body.Close()
	}
}

// beginStorm changes all users at WorkOS again and again, while further users look at pages.
func (s *site) beginStorm(int) (end func() error, err error) {
	change := func(ctx context.Context) {
		for n := 0; s.pause(ctx, stormPause); n++ {
			for _, u := range s.fake.Users() {
				s.fake.UpdateUser(u.Email, func(u *authkittest.User) { u.Metadata = map[string]string{"change": fmt.Sprint(n)} })
			}
		}
	}
	return background(append(s.visitorsOf(crowd), change)...), nil
}
