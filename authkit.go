// AuthKit: putting a whole configuration together, once.

package authkit

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/authkit-go/authkit/internal/cookie"
	"github.com/authkit-go/authkit/internal/sessioncache"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/seal"
	"github.com/authkit-go/authkit/workos"
)

// AuthKit is WorkOS AuthKit sign-in for one application: its handlers, its
// middleware and its guards. It is made by [New] or [FromEnv], safe for
// concurrent use, starts no goroutine that stands and needs no closing.
type AuthKit struct {
	client          *workos.Client
	keys            *jwks.KeySet
	freshVerifier   *jwks.Verifier // of tokens that have just come from WorkOS
	sessionVerifier *jwks.Verifier // of tokens in cookies
	bearerVerifier  *jwks.Verifier // of bearer tokens, nil where none are accepted

	cookies      *cookie.Codec // where the session and the sign-ins under way are kept
	format       format        // of the session
	foreign      []format      // of sessions that are accepted from others
	signInSealer seal.Sealer   // seals a sign-in under way
	stepSealer   seal.Sealer   // seals the steps of a sign-in with the application's own forms

	cache       *sessioncache.Cache[*Session] // verified sessions, nil for none
	rotations   *rotations                    // one exchange for many requests
	signedOut   *signedOut                    // sessions that were signed out in this process
	revocations *revocations                  // of sessions at WorkOS, nil for a public client
	usedStates  *usedStates                   // states of the sign-ins that are over

	apiKeys   *apiKeys     // what WorkOS says of customers' API keys
	public    bool         // without an API key of our own
	anonymous *requestAuth // of every request that brings nothing; it is never changed

	shared                bool // the session is one with other libraries
	redirectURL           string
	postLogoutRedirectURL string
	loginPath             string
	signInPage            bool
	signInTimeout         time.Duration
	ownPaths              map[string]string // the method of each handler of this package, by its path
	loginDefaults         LoginParams
	loginFunc             func(*http.Request) LoginParams // nil for none
	absoluteTimeout       time.Duration
	idleTimeout           time.Duration
	crossOrigin           *http.CrossOriginProtection

	onError         func(http.ResponseWriter, *http.Request, Failure)
	onSignIn        func(context.Context, SignInEvent) error
	onSignInFailure func(context.Context, SignInFailureEvent)
	onRefresh       func(context.Context, RefreshEvent)
	onSignOut       func(context.Context, SignOutEvent)

	log   *slog.Logger
	clock Clock
}

// New returns an AuthKit, or every fault of its configuration at once: an error
// made by errors.Join of [*ConfigError] values. It makes no request; the
// signing keys are fetched when a first session needs them, so an application
// starts while WorkOS is down.
//
// An API key, a client ID and a cookie password are needed. [WithRedirectURL]
// is needed as soon as Login or Callback is mounted.
func New(opts ...Option) (*AuthKit, error) {
	return build(newConfig(opts))
}

// FromEnv is [New] with the variables that the AuthKit family shares, so that
// one .env serves a front end and a back end. An option beats a variable, and
// an empty variable is an absent one.
//
//	WORKOS_API_KEY          WithAPIKey
//	WORKOS_CLIENT_ID        WithClientID
//	WORKOS_COOKIE_PASSWORD  WithCookiePassword
//	WORKOS_REDIRECT_URI     WithRedirectURL
//	WORKOS_COOKIE_NAME      WithCookieName
//	WORKOS_COOKIE_DOMAIN    WithCookieDomain
//	WORKOS_COOKIE_MAX_AGE   WithCookieMaxAge, in seconds
//	WORKOS_COOKIE_SAMESITE  WithCookieSameSite: lax, strict or none
//	WORKOS_API_HOSTNAME     WithBaseURL: its host,
//	WORKOS_API_PORT         its port,
//	WORKOS_API_HTTPS        and its scheme: true (the default) or false
func FromEnv(opts ...Option) (*AuthKit, error) {
	return build(newConfig(append(environment(), opts...)))
}

func build(c *config) (*AuthKit, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	clientOptions := []workos.Option{workos.WithBaseURL(c.baseURL), workos.WithHTTPClient(c.httpClient), workos.WithClock(c.clock)}
	if !c.public {
		clientOptions = append(clientOptions, workos.WithAPIKey(c.apiKey))
	}
	client, err := workos.NewClient(c.clientID, clientOptions...)
	if err != nil {
		return nil, newConfigError("WithBaseURL", ReasonMalformed, err.Error())
	}
	cookies := cookie.New(c.cookieSettings())
	own, foreign, err := newFormats(c, cookies.SessionName())
	if err != nil {
		return nil, err
	}
	signIns, err := seal.SecureCookie("sign-in", c.passwords...)
	if err != nil {
		return nil, err
	}
	steps, err := seal.SecureCookie("step", c.passwords...)
	if err != nil {
		return nil, err
	}
	crossOrigin, err := newCrossOrigin(c)
	if err != nil {
		return nil, err
	}
	keys := jwks.NewKeySet(client.JWKSURL(),
		jwks.WithHTTPClient(c.httpClient), jwks.WithLogger(c.log),
		jwks.WithClock(c.clock), jwks.WithUserAgent(workos.UserAgent))
	var bearers *jwks.Verifier
	if c.bearer {
		clientIDs := append([]string{c.clientID}, c.bearerClientIDs...)
		bearers = jwks.NewVerifier(keys, verifierOptions(c, client, clientIDs)...)
	}
	if len(c.issuers) > 0 && c.audiences == nil {
		c.log.Warn("authkit: WithAdditionalIssuers is given without WithAudiences: a token that one of these issuers minted for another " +
			"application is accepted if it has no client_id; name this application's audiences with WithAudiences")
	}
	a := &AuthKit{
		client:          client,
		keys:            keys,
		freshVerifier:   jwks.NewVerifier(keys, append(verifierOptions(c, client, []string{c.clientID}), jwks.WithTokensFromIssuer())...),
		sessionVerifier: jwks.NewVerifier(keys, append(verifierOptions(c, client, []string{c.clientID}), jwks.WithTokensFromStorage())...),
		bearerVerifier:  bearers,
		cookies:         cookies,
		format:          own,
		foreign:         foreign,
		signInSealer:    signIns,
		stepSealer:      steps,
		cache:           sessioncache.New[*Session](c.cacheEntries, c.cacheBytes),
		rotations:       newRotations(c.clock),
		signedOut:       newSignedOut(c.clock),
		usedStates:      newUsedStates(c.clock, tokenLimit),
		apiKeys:         newAPIKeys(client, c),

		public:                c.public,
		shared:                c.shared,
		redirectURL:           c.redirectURL,
		postLogoutRedirectURL: c.postLogoutRedirectURL,
		loginPath:             c.loginPath,
		signInPage:            c.signInPage,
		signInTimeout:         c.signInTimeout,
		ownPaths:              ownPaths(c),
		loginDefaults:         c.loginParams,
		loginFunc:             c.loginFunc,
		absoluteTimeout:       c.absoluteTimeout,
		idleTimeout:           c.idleTimeout,
		crossOrigin:           crossOrigin,
		onError:               c.onError,
		onSignIn:              c.onSignIn,
		onRefresh:             c.onRefresh,

		onSignInFailure: c.onSignInFailure,
		onSignOut:       c.onSignOut,
		log:             c.log,
		clock:           c.clock,
	}
	if !c.public {
		a.revocations = newRevocations(client, c.clock, c.log)
	}
	a.anonymous = &requestAuth{authKit: a}
	if c.bearer {
		a.anonymous.challenge = &bearerChallenge{}
	}
	return a, nil
}

// Client is the client of the WorkOS API that a uses itself: for sign-in forms
// of the application's own, and for everything else that package workos does.
func (a *AuthKit) Client() *workos.Client { return a.client }

// Format shows the client ID and the redirect URL, whatever the verb, and none
// of the secrets inside.
func (a AuthKit) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, "authkit.AuthKit(%s %s)", a.client.ClientID(), a.redirectURL)
}

func ownPaths(c *config) map[string]string {
	paths := map[string]string{c.logoutPath: http.MethodPost}
	if !c.signInPage {
		paths[c.loginPath] = http.MethodGet
	}
	if u, err := url.Parse(c.redirectURL); err == nil && u.Path != "" {
		paths[u.Path] = http.MethodGet
	}
	return paths
}

// verifierOptions say which access tokens are accepted, of the clients given.
func verifierOptions(c *config, client *workos.Client, clientIDs []string) []jwks.VerifierOption {
	opts := []jwks.VerifierOption{
		jwks.WithIssuers(acceptedIssuers(c, client, clientIDs)...), jwks.WithClientIDs(clientIDs...),
	}
	if c.audiences != nil {
		opts = append(opts, jwks.WithAudiences(c.audiences...))
	}
	return opts
}

// acceptedIssuers are the forms that WorkOS is known to mint, for the base URL
// in use and for WorkOS's own, and those that the application adds.
func acceptedIssuers(c *config, client *workos.Client, clientIDs []string) []string {
	issuers := append([]string{}, c.issuers...)
	for _, base := range []string{client.BaseURL(), workos.DefaultBaseURL} {
		issuers = append(issuers, base)
		for _, id := range clientIDs {
			issuers = append(issuers, base+"/user_management/"+id)
		}
	}
	return issuers
}
