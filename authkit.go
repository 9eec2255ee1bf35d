// AuthKit, New and FromEnv: one value, built from the whole configuration.

package authkit

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/authkit-go/authkit/internal/cookie"
	"github.com/authkit-go/authkit/internal/intern"
	"github.com/authkit-go/authkit/internal/misconfig"
	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/internal/sessioncache"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/seal"
	"github.com/authkit-go/authkit/workos"
)

// AuthKit adds sign-in with WorkOS AuthKit to one application. Its methods return
// the handlers, the middleware and the guards. [New] and [FromEnv] make it. It is
// safe for concurrent use. It starts no permanent goroutine and does not need to be
// closed.
type AuthKit struct {
	client          *workos.Client
	keys            *jwks.KeySet
	freshVerifier   *jwks.Verifier // for tokens that WorkOS has just returned
	sessionVerifier *jwks.Verifier // for tokens in cookies
	bearerVerifier  *jwks.Verifier // for bearer tokens, nil if they are not accepted

	resourceIssuers *resourceIssuers // of the tokens of Connect that guards accept

	unsealedVerifier *jwks.Verifier // for tokens in cookies without a seal, nil if they are not accepted
	unsealedLimit    *unsealedLimit

	cookies      *cookie.Codec // reads and writes all cookies of this package
	format       format        // of the session cookie
	foreign      []format      // of sessions of other libraries that are accepted
	signInSealer seal.Sealer   // for pending sign-ins
	stepSealer   seal.Sealer   // for the steps of a sign-in with the application's own forms

	cache *sessioncache.Cache[*Session] // verified sessions, nil if the cache is off
	lists *intern.Lists                 // the lists in the claims of sessions
	// exchangeToken exchanges a refresh token: this instance alone, or one for all
	// instances that share a store.
	exchangeToken exchangeFunc
	rotations     *rotations   // refresh tokens that were exchanged, and their successors
	signedOut     *signedOut   // sessions that were signed out in this process
	due           *dueMarks    // changes at WorkOS after which sessions are refreshed at once
	lifetimes     *lifetimes   // of access tokens
	revocations   *revocations // of sessions at WorkOS, nil for a public client
	usedStates    *usedStates  // states of sign-ins that are finished

	events        *eventState   // what is known of the events of WorkOS
	eventInterval time.Duration // between two reads of their list

	replicas           *replica.Protocol // what is shared with other instances, nil without a store
	revocationDeadline time.Duration     // 0 for none

	apiKeys   *apiKeys           // validates the API keys of customers
	resources *resourceQuestions // asks for permissions on resources
	public    bool               // a public client, without an API key
	anonymous *requestAuth       // shared by all anonymous requests without credentials; it never changes

	shared                bool // the session is shared with other libraries
	redirectURLs          hostURLs
	postLogoutURLs        hostURLs
	clearSiteData         string // the value of the header at logout, or ""
	basePath              string // of [WithBasePath], or ""
	loginPath, logoutPath string
	returnOrigins         []string // origins that a sign-in may return to, besides this one
	pageOrigins           []string // origins that a page of this package may lead to, besides this one
	signInPage            bool
	signInTimeout         time.Duration
	ownPaths              map[string]string // the methods of Login and Logout, by their paths
	loginDefaults         LoginParams
	loginFunc             func(*http.Request) LoginParams // nil if the option is not given
	absoluteTimeout       time.Duration
	idleTimeout           time.Duration
	crossOrigin           crossOrigin

	onError         func(http.ResponseWriter, *http.Request, Failure)
	onSignIn        func(context.Context, SignInEvent) error
	onSignInFailure func(context.Context, SignInFailureEvent)
	onRefresh       func(context.Context, RefreshEvent)
	onSignOut       func(context.Context, SignOutEvent)

	counters  *counters
	calls     *workosCalls // what the calls of WorkOS tell
	observers *observers   // nil for none

	log      *slog.Logger
	clock    Clock
	mistakes *misconfig.Detector // of the set-up, which are logged once
}

// New returns an AuthKit. An error reports all faults of the configuration at
// once: it joins one [*ConfigError] for each fault, as errors.Join does. New makes
// no request. The signing keys are fetched when the first session needs them, so
// that an application can start while WorkOS is unreachable.
//
// [WithAPIKey], [WithClientID] and [WithCookiePassword] are required.
// [WithRedirectURL] is required for [AuthKit.Login] and [AuthKit.Callback].
// [WithPublicClient] replaces the API key.
func New(opts ...Option) (*AuthKit, error) {
	return build(newConfig(opts))
}

// FromEnv returns an AuthKit as [New] does, and also reads the environment
// variables of WorkOS's AuthKit libraries. One .env file can then serve a front
// end and a back end. An option overrides a variable. An empty variable counts as
// not set.
//
//	WORKOS_API_KEY          WithAPIKey
//	WORKOS_CLIENT_ID        WithClientID
//	WORKOS_COOKIE_PASSWORD  WithCookiePassword
//	WORKOS_REDIRECT_URI     WithRedirectURL
//	WORKOS_COOKIE_NAME      WithCookieName
//	WORKOS_COOKIE_DOMAIN    WithCookieDomain
//	WORKOS_COOKIE_MAX_AGE   WithCookieMaxAge, in seconds
//	WORKOS_COOKIE_SAMESITE  WithCookieSameSite: lax, strict or none
//	WORKOS_API_HOSTNAME     the host of WithBaseURL
//	WORKOS_API_PORT         the port of WithBaseURL
//	WORKOS_API_HTTPS        the scheme of WithBaseURL: true (the default) or false
func FromEnv(opts ...Option) (*AuthKit, error) {
	return build(newConfig(append(environment(), opts...)))
}

// build checks the configuration and makes an AuthKit from it.
func build(c *config) (*AuthKit, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	a := newFromSettings(c)
	var err error
	if a.client, err = newClient(c, a.calls.client(c.httpClient)); err != nil {
		return nil, err
	}
	if a.crossOrigin, err = newCrossOrigin(c); err != nil {
		return nil, err
	}
	if err := a.addCookies(c); err != nil {
		return nil, err
	}
	a.addVerifiers(c)
	a.addDetector(c)
	a.addMemory(c)
	a.addStore(c)
	a.anonymous = &requestAuth{authKit: a}
	if c.bearer {
		a.anonymous.challenge = &bearerChallenge{}
	}
	return a, nil
}

// newFromSettings returns an AuthKit with the values that need no further work.
func newFromSettings(c *config) *AuthKit {
	return &AuthKit{
		public:          c.public,
		shared:          c.shared,
		redirectURLs:    newHostURLs(c.redirectURLs(), c.basePath),
		postLogoutURLs:  newHostURLs(c.postLogoutURLs(), ""),
		clearSiteData:   c.clearSiteDataHeader(),
		basePath:        c.basePath,
		loginPath:       c.loginPath,
		logoutPath:      c.logoutPath,
		returnOrigins:   originsOf(c.returnOrigins),
		pageOrigins:     c.pageOrigins(),
		signInPage:      c.signInPage,
		signInTimeout:   c.signInTimeout,
		eventInterval:   c.eventInterval,
		ownPaths:        ownPaths(c),
		loginDefaults:   c.loginParams,
		loginFunc:       c.loginFunc,
		absoluteTimeout: c.absoluteTimeout,
		idleTimeout:     c.idleTimeout,
		onError:         c.onError,
		onSignIn:        c.onSignIn,
		onSignInFailure: c.onSignInFailure,
		onRefresh:       c.onRefresh,
		onSignOut:       c.onSignOut,
		counters:        &counters{},
		calls:           &workosCalls{clock: c.clock},
		observers:       newObservers(c.log, c.observers),
		log:             c.log,
		clock:           c.clock,
	}
}

// newClient returns the client of the WorkOS API.
func newClient(c *config, httpClient *http.Client) (*workos.Client, error) {
	opts := []workos.Option{workos.WithBaseURL(c.baseURL), workos.WithHTTPClient(httpClient), workos.WithClock(c.clock)}
	if !c.public {
		opts = append(opts, workos.WithAPIKey(c.apiKey))
	}
	client, err := workos.NewClient(c.clientID, opts...)
	if err != nil {
		return nil, newConfigError("WithBaseURL", ReasonMalformed, err.Error())
	}
	return client, nil
}

// addCookies adds the codec of the cookies and the seals of their content.
func (a *AuthKit) addCookies(c *config) (err error) {
	a.cookies = cookie.New(c.cookieSettings())
	if a.format, a.foreign, err = newFormats(c, a.cookies.SessionName()); err != nil {
		return err
	}
	if a.signInSealer, err = newSealer(c, "sign-in"); err != nil {
		return err
	}
	a.stepSealer, err = newSealer(c, "step")
	return err
}

// addVerifiers adds the signing keys and the verifiers that use them.
func (a *AuthKit) addVerifiers(c *config) {
	a.keys = jwks.NewKeySet(a.client.JWKSURL(),
		jwks.WithHTTPClient(a.calls.client(c.httpClient)), jwks.WithLogger(c.log),
		jwks.WithClock(c.clock), jwks.WithUserAgent(workos.UserAgent()), jwks.WithOnFetch(a.observeFetch))
	own := verifierOptions(c, a.client, []string{c.clientID})
	a.freshVerifier = jwks.NewVerifier(a.keys, append(slices.Clip(own), jwks.WithTokensFromIssuer())...)
	a.sessionVerifier = jwks.NewVerifier(a.keys, append(slices.Clip(own), jwks.WithTokensFromStorage())...)
	if c.shared {
		a.unsealedVerifier = jwks.NewVerifier(a.keys, own...)
	}
	a.resourceIssuers = newResourceIssuers()
	if c.bearer {
		clientIDs := append([]string{c.clientID}, c.bearerClientIDs...)
		a.bearerVerifier = jwks.NewVerifier(a.keys, verifierOptions(c, a.client, clientIDs)...)
	}
	if len(c.issuers) > 0 && c.audiences == nil {
		c.log.Warn("authkit: WithAdditionalIssuers is given without WithAudiences: a token that one of these issuers minted for another " +
			"application is accepted if it has no client_id; name this application's audiences with WithAudiences")
	}
}

// addDetector adds what finds mistakes in the set-up.
func (a *AuthKit) addDetector(c *config) {
	settings := misconfig.Settings{
		Log: c.log, Now: c.clock.Now, CookieDomain: c.cookieDomain, CookieName: a.cookies.SessionName(), Secure: c.secure(),
		SameSite: c.sameSite, SignInTimeout: c.signInTimeout, Origins: slices.Concat(c.trustedOrigins, c.returnOrigins),
		RedirectURLs: c.redirectURLs(),
	}
	a.mistakes = misconfig.New(settings)
}

// addMemory adds what this process remembers between requests.
func (a *AuthKit) addMemory(c *config) {
	a.cache = sessioncache.New[*Session](c.cacheEntries, c.cacheBytes).CountLists((*Session).lists)
	a.lists = &intern.Lists{}
	a.rotations = newRotations(c.clock)
	a.rotations.observers = a.observers
	a.exchangeToken = a.limitUnsealed(a.exchangeRefreshToken)
	a.signedOut = newSignedOut(c.clock)
	a.due = newDueMarks(c.clock, dueLimit, a.signedOut)
	a.lifetimes = &lifetimes{}
	a.events = &eventState{}
	a.usedStates = newUsedStates(c.clock, tokenLimit)
	a.unsealedLimit = newUnsealedLimit(c.clock)
	a.apiKeys = newAPIKeys(a.client, c)
	a.apiKeys.observers, a.apiKeys.calls = a.observers, a.calls
	a.resources = newResourceQuestions(a.client, c)
	a.resources.observers, a.resources.calls = a.observers, a.calls
	if !c.public {
		a.revocations = newRevocations(a.client, c.clock, c.log)
	}
}

// Client returns the WorkOS API client that the AuthKit uses itself. It has the
// calls for the application's own sign-in forms, and all other calls of package
// workos.
func (a *AuthKit) Client() *workos.Client { return a.client }

// Format writes the client ID and the redirect URLs for every verb, and no secret.
// Package fmt calls it.
func (a AuthKit) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, "authkit.AuthKit(%s %s)", a.client.ClientID(), &a.redirectURLs)
}

// ownPaths returns the methods of Login and Logout, by their paths.
func ownPaths(c *config) map[string]string {
	paths := map[string]string{c.logoutPath: http.MethodPost}
	if !c.signInPage {
		paths[c.loginPath] = http.MethodGet
	}
	return paths
}

// verifierOptions returns which access tokens are accepted: those of the clients.
func verifierOptions(c *config, client *workos.Client, clientIDs []string) []jwks.VerifierOption {
	opts := []jwks.VerifierOption{
		jwks.WithIssuers(acceptedIssuers(c, client, clientIDs)...), jwks.WithClientIDs(clientIDs...),
	}
	if c.audiences != nil {
		opts = append(opts, jwks.WithAudiences(c.audiences...))
	}
	return opts
}

// acceptedIssuers returns the issuers of [WithAdditionalIssuers] and those that
// WorkOS uses, for the configured base URL and for WorkOS's own.
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
