// authkit itself, in the configurations that are measured.

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

// ours returns authkit's middleware with its defaults, with a handler that reads the profile, behind a guard, without its
// session cache, with a small cache, with compact cookies, and with bearer tokens, and the guard of package resource without
// and with a scope.
func ours() []Contender {
	return []Contender{
		authkitWith(nil),
		readingProfile(AuthKitProfile, "authkit, warm, the profile is read", "`Middleware`, and a handler that calls `Session.User`. The user has no metadata.", false),
		readingProfile(AuthKitMetadata, "authkit, warm, the profile with metadata is read", "The same for a user with two metadata, which are copied.", true),
		guarded(),
		named(authkitWith(cacheOff), AuthKitUncached, "authkit, cache off", "`Middleware` without its session cache."),
		named(authkitWith(cacheSmall), AuthKitSmall, "authkit, small cache", fmt.Sprintf("`Middleware` with a cache for %d sessions.", smallCache)),
		compactSeal(),
		withBearerTokens(),
		resourceServer(Resource, "authkit, resource", "`resource.Server.Require` verifies the access token of an API."),
		resourceServer(ResourceScope, "authkit, resource with a scope", "`resource.Server.Require` with two scopes.", "articles:read", "articles:write"),
	}
}

// authkitWith is the middleware with the options.
func authkitWith(opts []authkit.Option) Contender {
	return Contender{
		Name:    AuthKit,
		Title:   "authkit",
		Modules: []string{module},
		What: "`Middleware` opens the cookie, verifies the token in it, passes the profile and the permissions on, and " +
			"sets the cache headers of the response.",
		Refuses: Forgeries,
		setUp: func(_ context.Context, a *authority) (*setup, error) {
			ak, err := newAuthKit(a, opts...)
			if err != nil {
				return nil, err
			}
			return &setup{wrap: ak.Middleware, header: "Cookie", issue: (&sealer{authority: a, options: opts}).seal, user: authkitUser}, nil
		},
	}
}

// compactSeal is the middleware with compact cookies. Its kind of credential is its own.
func compactSeal() Contender {
	return named(authkitWith([]authkit.Option{authkit.WithCompactCookie()}), AuthKitCompact, "authkit, compact seal", "`Middleware` with `WithCompactCookie`.")
}

// named returns the contender with another name, title and description.
func named(c Contender, name, title, what string) Contender {
	c.Name, c.Title, c.What = name, title, what
	return c
}

// readingProfile is the middleware with a handler that reads the profile of the user, with or without metadata.
func readingProfile(name, title, what string, metadata bool) Contender {
	c := named(authkitWith(nil), name, title, what)
	c.setUp = func(_ context.Context, a *authority) (*setup, error) {
		ak, err := newAuthKit(a)
		if err != nil {
			return nil, err
		}
		wrap := func(next http.Handler) http.Handler {
			return ak.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if s, ok := authkit.FromContext(r.Context()); ok && s.User().Metadata != nil != metadata {
					panic("contender: the profile has the wrong metadata")
				}
				next.ServeHTTP(w, r)
			}))
		}
		seal := (&sealer{authority: a}).seal
		issue := func(of session) (string, error) {
			if !metadata {
				of.user.Metadata = nil
			}
			return seal(of)
		}
		return &setup{wrap: wrap, header: "Cookie", issue: issue, user: authkitUser}, nil
	}
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
	c := named(authkitWith(nil), AuthKitBearer, "authkit, bearer tokens", "`Middleware` with `WithBearerTokens` verifies the bearer token, once for each token. The token contains no profile.")
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

// newAuthKit returns an AuthKit for an authority, as an application creates it, but without a log.
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

// sealer creates session cookies like a sign-in does. It also accepts forged tokens: for each set of token parameters it
// has an AuthKit that trusts them.
type sealer struct {
	authority *authority
	options   []authkit.Option

	mu       sync.Mutex // guards authKits
	authKits map[tokenParams]*authkit.AuthKit
}

func (s *sealer) seal(of session) (string, error) {
	ak, err := s.authKit(of.token.tokenParams)
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

// authKit returns an AuthKit that accepts tokens with these parameters.
func (s *sealer) authKit(t tokenParams) (*authkit.AuthKit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ak := s.authKits[t]; ak != nil {
		return ak, nil
	}
	ak, err := newAuthKit(s.authority, append([]authkit.Option{
		authkit.WithClientID(t.clientID),
		authkit.WithAdditionalIssuers(t.issuer),
		authkit.WithClock(fixedClock(t.issuedAt)),
		authkit.WithHTTPClient(&http.Client{Transport: jwksTransport{t.key}}),
	}, s.options...)...)
	if err != nil {
		return nil, err
	}
	if s.authKits == nil {
		s.authKits = map[tokenParams]*authkit.AuthKit{}
	}
	s.authKits[t] = ak
	return ak, nil
}

// signIn creates a session and returns its Cookie header.
func signIn(ak *authkit.AuthKit, authentication *workos.Authentication) (string, error) {
	w := httptest.NewRecorder()
	if _, err := ak.SignIn(w, httptest.NewRequest(http.MethodPost, "/sign-in", nil), authentication); err != nil {
		return "", fmt.Errorf("sign in: %w", err)
	}
	return cookieHeader(w.Result().Cookies()), nil
}

// cookieHeader returns the Cookie header of a browser that received the cookies.
func cookieHeader(cookies []*http.Cookie) string {
	var pairs []string
	for _, c := range cookies {
		if c.MaxAge >= 0 {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return strings.Join(pairs, "; ")
}

// fixedClock is a clock that does not advance.
type fixedClock time.Time

func (c fixedClock) Now() time.Time { return time.Time(c) }

func (fixedClock) AfterFunc(time.Duration, func()) (stop func() bool) {
	return func() bool { return true }
}

// jwksTransport answers every request with the JWK Set of one key.
type jwksTransport struct{ *key }

// RoundTrip implements [http.RoundTripper].
func (t jwksTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	jwks, err := t.jwks()
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
