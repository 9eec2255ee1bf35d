// authkit itself, in the ways in which it is measured.

package contender

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/workos"
)

const module = "github.com/authkit-go/authkit"

// ours are authkit's middleware as it comes, behind a guard, without its cache, with one that is too small, and with
// bearer tokens.
func ours() []Contender {
	return []Contender{
		authkitWith(nil),
		guarded(),
		named(authkitWith(cacheOff), AuthKitUncached, "authkit, cache off", "`Middleware` without a cache of sessions."),
		named(authkitWith(cacheSmall), AuthKitSmall, "authkit, small cache", fmt.Sprintf("`Middleware` with a cache of %d sessions.", smallCache)),
		withBearerTokens(),
	}
}

// authkitWith is the middleware with some options.
func authkitWith(opts []authkit.Option) Contender {
	return Contender{
		Name:    AuthKit,
		Title:   "authkit",
		Modules: []string{module},
		What: "`Middleware` opens the cookie, verifies the token in it, hands on the profile and the rights, and has the " +
			"last word on the response's headers.",
		Refuses: Forgeries,
		setUp: func(_ context.Context, a *authority) (*setup, error) {
			ak, err := newAuthKit(a, opts...)
			if err != nil {
				return nil, err
			}
			return &setup{wrap: ak.Middleware, header: "Cookie", issue: (&sealer{authority: a}).seal, user: authkitUser}, nil
		},
	}
}

// named is a contender under another name.
func named(c Contender, name, title, what string) Contender {
	c.Name, c.Title, c.What = name, title, what
	return c
}

func guarded() Contender {
	c := named(authkitWith(nil), AuthKitGuarded, "authkit, behind a guard", "`Middleware` and `RequireAuth`, which also keeps the response out of shared caches.")
	c.setUp = func(_ context.Context, a *authority) (*setup, error) {
		ak, err := newAuthKit(a)
		if err != nil {
			return nil, err
		}
		wrap := func(next http.Handler) http.Handler { return ak.Middleware(ak.RequireAuth(next)) }
		return &setup{wrap: wrap, header: "Cookie", issue: (&sealer{authority: a}).seal, user: authkitUser}, nil
	}
	return c
}

func withBearerTokens() Contender {
	c := named(authkitWith(nil), AuthKitBearer, "authkit, bearer tokens", "`Middleware` with `WithBearerTokens` verifies the bearer token. There is no profile in it.")
	c.setUp = func(_ context.Context, a *authority) (*setup, error) {
		ak, err := newAuthKit(a, authkit.WithBearerTokens())
		if err != nil {
			return nil, err
		}
		return &setup{wrap: ak.Middleware, header: "Authorization", issue: bearer, user: authkitUser}, nil
	}
	return c
}

func authkitUser(r *http.Request) string {
	s, ok := authkit.FromContext(r.Context())
	if !ok {
		return ""
	}
	return s.User().ID
}

// newAuthKit is authkit as an application sets it up, in front of an authority and without a log.
func newAuthKit(a *authority, opts ...authkit.Option) (*authkit.AuthKit, error) {
	return authkit.New(append([]authkit.Option{
		authkit.WithAPIKey("sk_test_benchmark"),
		authkit.WithClientID(a.clientID),
		authkit.WithBaseURL(a.url()),
		authkit.WithCookiePassword(strings.Repeat("correct-horse-", 3)),
		authkit.WithRedirectURL("https://app.example.com/callback"),
		authkit.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)...)
}

// sealer makes session cookies as a sign-in makes them, and takes every token for a good one: it believes in what the
// token says of itself.
type sealer struct {
	authority *authority

	mu    sync.Mutex // guards seals
	seals map[trust]*authkit.AuthKit
}

func (s *sealer) seal(of session) (string, error) {
	ak, err := s.trusting(of.token.trust)
	if err != nil {
		return "", err
	}
	return signIn(ak, &workos.Authentication{
		AccessToken:          of.token.text,
		RefreshToken:         of.refreshToken,
		User:                 of.user,
		AuthenticationMethod: "Password",
	})
}

func (s *sealer) trusting(t trust) (*authkit.AuthKit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ak := s.seals[t]; ak != nil {
		return ak, nil
	}
	ak, err := newAuthKit(s.authority,
		authkit.WithClientID(t.clientID),
		authkit.WithAdditionalIssuers(t.issuer),
		authkit.WithClock(stopped(t.issuedAt)),
		authkit.WithHTTPClient(&http.Client{Transport: keyOf{t.key}}))
	if err != nil {
		return nil, err
	}
	if s.seals == nil {
		s.seals = map[trust]*authkit.AuthKit{}
	}
	s.seals[t] = ak
	return ak, nil
}

// signIn makes an authentication a session and returns its Cookie header.
func signIn(ak *authkit.AuthKit, authentication *workos.Authentication) (string, error) {
	w := httptest.NewRecorder()
	if _, err := ak.SignIn(w, httptest.NewRequest(http.MethodPost, "/sign-in", nil), authentication); err != nil {
		return "", fmt.Errorf("sign in: %w", err)
	}
	return cookieHeader(w.Result().Cookies()), nil
}

// cookieHeader is what a browser sends that was given cookies.
func cookieHeader(cookies []*http.Cookie) string {
	var pairs []string
	for _, c := range cookies {
		if c.MaxAge >= 0 {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return strings.Join(pairs, "; ")
}

// stopped is a clock that shows one time.
type stopped time.Time

func (s stopped) Now() time.Time { return time.Time(s) }

func (stopped) AfterFunc(time.Duration, func()) (stop func() bool) {
	return func() bool { return true }
}

// keyOf answers every request with one signing key.
type keyOf struct{ *key }

func (k keyOf) RoundTrip(r *http.Request) (*http.Response, error) {
	jwks, err := k.jwks()
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader(jwks)),
		ContentLength: int64(len(jwks)),
		Request:       r,
	}, nil
}
