// Server: starts and stops the fake, and returns its address and configuration.

package authkittest

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server is a fake WorkOS AuthKit that listens on 127.0.0.1: the Fake of an [App], or the result of [New] and [Start]. It is safe for concurrent use.
type Server struct {
	settings settings // not changed after Start
	base     string
	clientID string
	apiKey   string
	clock    Clock
	calls    fakeCalls // of clock

	cookiePassword string // of the applications of Setenv

	server      *http.Server
	traffic     traffic
	limiter     limiter
	done        chan struct{}    // closed by Close; handlers that wait return
	serving     sync.RWMutex     // read-locked by every request; Close write-locks it and never unlocks it
	own         ownHandlers      // of the pages and of some of the API
	routes      []*http.ServeMux // of the API and the pages
	otherRoutes http.ServeMux    // those that InjectFault has added
	close       func()

	mu               sync.Mutex // guards everything below
	accounts         []*account
	startMemberships []Membership // those of the users at the start
	organizations    []Organization
	keys             []signingKey // published in the JWKS; the last one signs
	keysMade         int
	authorizations   map[string]*authorization
	browserSessions  map[string]signInResult // by browserID
	codes            map[string]*issuedCode
	sessions         []*session
	refreshTokens    map[string]*refreshToken
	refreshes        RefreshCounts // without Limited, which traffic counts
	pending          map[string]*pendingAuthentication
	emailedCodes     []*emailedCode
	emailChanges     map[string]*emailChange // by user ID
	externalAuths    map[string]*externalAuth
	passwordResets   []*passwordReset
	redirectURIs     []registeredURI         // the default first
	corsOrigins      []registeredURI         // oldest first
	jwtTemplate      *jwtTemplate            // nil for none
	roleDefinitions  []*role                 // the one with the highest priority first
	roleAssignments  []*roleAssignment       // on resources, oldest first
	permissions      []*permission           // oldest first
	authorizedApps   []AuthorizedApplication // oldest first
	flags            []*FeatureFlag          // oldest first
	groups           []*Group                // oldest first
	groupRoles       []*groupRole            // oldest first
	resources        []*Resource             // without those of organizations, oldest first
	dataProviders    []*DataProvider         // oldest first
	connections      map[string]*connection  // by their ID
	pipesAccounts    []*connectedAccount     // oldest first
	waitlists        []waitlist              // the default first
	waitlistEntries  []*waitlistEntry        // oldest first
	invitations      []*invitation           // oldest first
	unassigned       account                 // holds factors that were enrolled without a user
	challenges       map[string]*challenge
	devices          []*device
	slowDowns        int // number of device polls that still answer slow_down
	apiKeys          []*apiKey
	mail             []Mail
	actions          Actions
	auditLog         []AuditLogEvent                  // oldest first
	auditSettings    map[string]AuditLogConfiguration // by organization ID
	idempotent       map[string]idempotentResponse    // by Idempotency-Key
	oauth            oauthState
	events           eventLog
	webhooks         webhooks
}

// New starts a fake AuthKit for a test and stops it when the test ends. Without options it has two organizations and four
// users, which Organizations and Users return.
func New(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	f, err := Start(opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(f.Close)
	return f
}

// Start starts a fake AuthKit for a program. The caller should call Close. Start returns an error if it cannot listen on
// its address, or if two users have the same email address.
func Start(opts ...Option) (*Server, error) {
	f := &Server{
		settings:        settings{addr: "127.0.0.1:0", clock: realTime{}, tokenLifetime: 5 * time.Minute},
		clientID:        newID("client"),
		apiKey:          "sk_test_" + rand.Text(),
		cookiePassword:  rand.Text() + rand.Text(),
		done:            make(chan struct{}),
		authorizations:  map[string]*authorization{},
		browserSessions: map[string]signInResult{},
		codes:           map[string]*issuedCode{},
		refreshTokens:   map[string]*refreshToken{},
		pending:         map[string]*pendingAuthentication{},
		emailChanges:    map[string]*emailChange{},
		externalAuths:   map[string]*externalAuth{},
		challenges:      map[string]*challenge{},
		auditSettings:   map[string]AuditLogConfiguration{},
		connections:     map[string]*connection{},
		idempotent:      map[string]idempotentResponse{},
		oauth:           newOAuthState(),
		events:          eventLog{custom: map[string]bool{}},
		webhooks:        newWebhooks(),
	}
	for _, opt := range opts {
		opt(&f.settings)
	}
	f.clientID = cmp.Or(f.settings.clientID, f.clientID)
	f.apiKey = cmp.Or(f.settings.apiKey, f.apiKey)
	f.oauth.scopes = f.settings.scopes
	f.clock, f.calls = f.settings.clock, fakeCallsOf(f.settings.clock)
	if err := f.seed(); err != nil {
		return nil, err
	}
	f.events.recording = true
	f.addKey()
	if err := f.listen(); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *Server) seed() error {
	organizations, users := f.settings.organizations, f.settings.users
	if len(users) == 0 {
		defaultOrganizations, defaultUsers := defaultDirectory()
		organizations, users = append(defaultOrganizations, organizations...), defaultUsers
	}
	f.seedRoles()
	f.seedRedirectURIs()
	f.addWaitlist(stableID("waitlist", "default"))
	for _, o := range organizations {
		f.addOrganization(o)
	}
	f.unassigned.createdAt = f.clock.Now()
	for _, u := range users {
		if f.accountByEmail(u.Email) != nil {
			return fmt.Errorf("authkittest: WithUsers: two users have the email address %q", u.Email)
		}
		f.startMemberships = append(f.startMemberships, f.addUser(u).User.clone().Memberships...)
	}
	return f.seedResourceIndicators()
}

func (f *Server) listen() error {
	// To a browser, 127.0.0.1 is a different site from an application on localhost. AuthKit is another site in production, too.
	if host, _, err := net.SplitHostPort(f.settings.addr); err != nil || host != "127.0.0.1" {
		return fmt.Errorf("authkittest: WithAddr(%q): the address must be 127.0.0.1:port", f.settings.addr)
	}
	listener, err := net.Listen("tcp", f.settings.addr)
	if err != nil {
		return fmt.Errorf("authkittest: %w", err)
	}
	f.base = "http://" + listener.Addr().String()
	f.server = &http.Server{Handler: f.handler(), ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = f.server.Serve(listener) // returns once Close has closed the listener
	}()
	f.close = sync.OnceFunc(func() {
		close(f.done)
		_ = f.server.Close()
		<-stopped
		f.closeWebhooks()
		f.serving.Lock()
	})
	return nil
}

// Close stops the fake. It cuts off requests that hang, and webhooks that are being sent. When Close returns, no handler of
// the fake is running and it sends no webhook.
func (f *Server) Close() { f.close() }

// URL returns the base URL of the fake: "http://127.0.0.1:port".
func (f *Server) URL() string { return f.base }

// ClientID returns the client ID of the application. The fake has exactly one application.
func (f *Server) ClientID() string { return f.clientID }

// APIKey returns the secret API key of the application. Every fake has a different one.
func (f *Server) APIKey() string { return f.apiKey }

// Issuer returns the iss claim of the access tokens.
func (f *Server) Issuer() string {
	if f.settings.issuer != "" {
		return f.settings.issuer
	}
	return f.base + "/user_management/" + f.clientID
}

// Env returns the environment variables that point an application at the fake. The names are those that the AuthKit
// libraries of WorkOS read: WORKOS_API_KEY, WORKOS_CLIENT_ID, WORKOS_API_HOSTNAME, WORKOS_API_PORT and WORKOS_API_HTTPS.
func (f *Server) Env() map[string]string {
	host, port, _ := net.SplitHostPort(strings.TrimPrefix(f.base, "http://"))
	return map[string]string{
		"WORKOS_API_KEY":      f.apiKey,
		"WORKOS_CLIENT_ID":    f.clientID,
		"WORKOS_API_HOSTNAME": host,
		"WORKOS_API_PORT":     port,
		"WORKOS_API_HTTPS":    strconv.FormatBool(false),
	}
}

// Setenv sets the variables of [Server.Env] until the test ends, and WORKOS_COOKIE_PASSWORD to a random password,
// the same at each call, so that several instances of an application open each other's cookies. authkit.FromEnv needs one more, the redirect URL, which [Server.ServeApp] sets. Like
// testing.TB.Setenv, Setenv cannot be used in parallel tests.
func (f *Server) Setenv(tb testing.TB) {
	tb.Helper()
	tb.Setenv("WORKOS_COOKIE_PASSWORD", f.cookiePassword)
	for name, value := range f.Env() {
		tb.Setenv(name, value)
	}
}

// String returns the address of the fake. It shows no key.
func (f *Server) String() string { return "authkittest.Server(" + f.base + ")" }

// GoString returns String, for %#v.
func (f *Server) GoString() string { return f.String() }
