// The configuration: its sections, with the names of the JSON configuration and of the Caddyfile.

package caddyauthkit

import (
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/authkit-go/authkit/internal/gate"
)

// Rule says who may pass at a path. The most specific rule counts, and no other: a path without a wildcard comes before all others,
// then the one with more segments, then the one with the method of the request. Without a rule, a path needs a session.
type Rule struct {
	// A path such as /health, or one with a wildcard at its end such as /admin/*, which is for /admin and all paths below it.
	Path string `json:"path" caddyfile:"-"` // on the line of the rule
	// The methods that the rule is for, in capital letters. Without one, it is for all.
	Methods []string `json:"methods,omitempty"`
	// public alone, or sessions, api_keys or both. The default is sessions.
	Allow []string `json:"allow,omitempty"`
	// Passes sessions that have one of the roles.
	Roles []string `json:"roles,omitempty"`
	// Passes sessions and API keys that have all of the permissions.
	Permissions []string `json:"permissions,omitempty"`
	// Passes sessions that are signed in to one of the organizations, org_….
	Organizations []string `json:"organizations,omitempty"`
	// Passes sessions whose organization has all of the entitlements.
	Entitlements []string `json:"entitlements,omitempty"`
	// Passes users for whom all of the feature flags are on.
	FeatureFlags []string `json:"feature_flags,omitempty"`
}

// WorkOS has the settings of the application at WorkOS. What is empty comes from the environment variables of authkit.FromEnv.
type WorkOS struct {
	// The client ID. The default is WORKOS_CLIENT_ID.
	ClientID string `json:"client_id,omitempty"`
	// A placeholder of the API key, such as {env.WORKOS_API_KEY}, which is the default.
	APIKey string `json:"api_key,omitempty" secret:"true"`
	// A file with the API key.
	APIKeyFile string `json:"api_key_file,omitempty"`
	// Placeholders of cookie passwords of 32 bytes or more. The first seals, all unseal. The default is WORKOS_COOKIE_PASSWORD.
	CookiePasswords []string `json:"cookie_passwords,omitempty" secret:"true"`
	// Files with cookie passwords, after those of cookie_passwords.
	CookiePasswordFiles []string `json:"cookie_password_files,omitempty"`
	// The URLs of the callback, as they are registered at WorkOS, one for each host. The default is WORKOS_REDIRECT_URI.
	RedirectURLs []string `json:"redirect_urls,omitempty"`
	// Where a sign-out ends. The default is the setting of the WorkOS dashboard.
	PostLogoutRedirectURL string `json:"post_logout_redirect_url,omitempty"`
	// Another address of the API, such as that of a fake.
	BaseURL string `json:"base_url,omitempty"`
}

// Session has the settings of sessions.
type Session struct {
	// The name of the session cookie. The default is authkit-session, with __Host- before it for https without a domain.
	CookieName string `json:"cookie_name,omitempty"`
	// A domain that shares the cookie. The default is the host alone.
	CookieDomain string `json:"cookie_domain,omitempty"`
	// The end of a session that is not used. By default it has no such end.
	IdleTimeout caddy.Duration `json:"idle_timeout,omitempty"`
	// The end of a session after its sign-in. By default it has no such end.
	AbsoluteTimeout caddy.Duration `json:"absolute_timeout,omitempty"`
	// Whether cookies are smaller.
	Compact bool `json:"compact,omitempty"`
	// Whether access tokens in the Authorization header are accepted as sessions.
	BearerTokens bool `json:"bearer_tokens,omitempty"`
	// Origins whose pages may change something with a session, besides those of the redirect URLs.
	TrustedOrigins []string `json:"trusted_origins,omitempty"`
	// Refuses sessions if the store was not read for so long. By default the age of the last reading does not matter.
	RevocationDeadline caddy.Duration `json:"revocation_deadline,omitempty"`
	// How long a response without Content-Length may go on before it ends with its session, as event streams do from their beginning. The
	// default is 1h, and 0s is for ever.
	StreamAfter *caddy.Duration `json:"stream_after,omitempty"`
}

// streamAfter returns the value of StreamAfter, or its default.
func (s *Session) streamAfter() time.Duration {
	if s.StreamAfter == nil {
		return gate.DefaultStreamAfter
	}
	return time.Duration(*s.StreamAfter)
}

// SignIn has the parameters of every sign-in.
type SignIn struct {
	// The organization of every sign-in.
	Organization string `json:"organization,omitempty"`
	// The connection of every sign-in.
	Connection string `json:"connection,omitempty"`
	// The provider of every sign-in. The default is authkit.
	Provider string `json:"provider,omitempty"`
}

// Paths are the paths that the handler answers itself. That of the callback is in the redirect URL.
type Paths struct {
	// Starts a sign-in. The default is /login.
	Login string `json:"login,omitempty"`
	// A POST signs out. The default is /logout.
	Logout string `json:"logout,omitempty"`
	// Who is signed in, as JSON. The default is /authkit/me, and "" turns it off.
	Me *string `json:"me,omitempty"`
	// What is degraded, as JSON. It is always answered 200. The default is /healthz, and "" turns it off.
	Health *string `json:"health,omitempty"`
	// The public keys of identity.jwt. The default is /authkit/jwks.json.
	Keys string `json:"keys,omitempty"`
	// The webhooks of WorkOS, with events.webhook_secret_files. The default is /webhooks/workos.
	Webhook string `json:"webhook,omitempty"`
}

// Identity says what the handlers after this one learn about the user, besides the headers that begin with X-Authkit-.
type Identity struct {
	// More headers: from the name of a header to the name of a field, such as user or email.
	Headers map[string]string `json:"headers,omitempty"`
	// Whether an Authorization header that a rule has accepted is sent on.
	PassAuthorization bool `json:"pass_authorization,omitempty"`
	// Sets X-Authkit-Jwt, if it has a key.
	JWT JWT `json:"jwt,omitzero"`
}

// JWT has the settings of the signed identity.
type JWT struct {
	// Files of private keys in PEM: of RSA, P-256 or Ed25519. The first signs, and all are published.
	KeyFiles []string `json:"key_files,omitempty"`
	// The claim iss, such as the address of the site.
	Issuer string `json:"issuer,omitempty"`
	// The claim aud, such as the name of the application.
	Audience string `json:"audience,omitempty"`
}

// Store is what several instances of Caddy share.
type Store struct {
	// redis://, rediss:// or postgres://. An address with a password is given as a placeholder, or in url_file.
	URL string `json:"url,omitempty"`
	// A file with the address.
	URLFile string `json:"url_file,omitempty"`
	// Whether the tables in PostgreSQL are created at the start.
	Migrate bool `json:"migrate,omitempty"`
}

// Events says how changes at WorkOS become known.
type Events struct {
	// Whether the events of WorkOS are read, so that changes there hold within seconds. The default is true.
	Follow *bool `json:"follow,omitempty"`
	// Files with the secrets of the webhook endpoint.
	WebhookSecretFiles []string `json:"webhook_secret_files,omitempty"`
}

func (e *Events) follows() bool { return e.Follow == nil || *e.Follow }

// setDefaults sets what has a default and is empty.
func (p *Paths) setDefaults() {
	set := func(path *string, value string) {
		if *path == "" {
			*path = value
		}
	}
	set(&p.Login, "/login")
	set(&p.Logout, "/logout")
	set(&p.Keys, "/authkit/jwks.json")
	set(&p.Webhook, "/webhooks/workos")
	me, health := "/authkit/me", "/healthz"
	if p.Me == nil {
		p.Me = &me
	}
	if p.Health == nil {
		p.Health = &health
	}
}
