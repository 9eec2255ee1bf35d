// The configuration of the proxy: what its file may contain, and the defaults.

// Package proxy is the command "authkit proxy": a reverse proxy with AuthKit in front of an application that knows nothing of it.
//
// A [Config] comes from a file ([Load]) or from flags. [Run] listens, and answers with the gate of package internal/gate in front of
// the upstreams. The file is read again when it changes.
package proxy

import (
	"crypto/sha256"
	"time"

	"github.com/authkit-go/authkit/internal/gate"
)

// Config is the configuration. docs/proxy.md describes each key.
type Config struct {
	Listen         string     `yaml:"listen"`
	TLS            TLS        `yaml:"tls"`
	TrustedProxies []string   `yaml:"trusted_proxies"`
	Hosts          []string   `yaml:"hosts"`
	Upstreams      []Upstream `yaml:"upstreams"`
	Rules          []Rule     `yaml:"rules"`
	WorkOS         WorkOS     `yaml:"workos"`
	Session        Session    `yaml:"session"`
	SignIn         SignIn     `yaml:"sign_in"`
	Paths          Paths      `yaml:"paths"`
	Identity       Identity   `yaml:"identity"`
	Store          Store      `yaml:"store"`
	Events         Events     `yaml:"events"`
	Admin          Admin      `yaml:"admin"`
	Log            Log        `yaml:"log"`
	Limits         Limits     `yaml:"limits"`

	lines  map[string]int    // the line of each place of the file
	source [sha256.Size]byte // the digest of the file
}

// TLS has the files of a certificate. They are read again when they change.
type TLS struct {
	CertificateFile string `yaml:"certificate_file"`
	KeyFile         string `yaml:"key_file"`
}

// Upstream is a server behind the proxy.
type Upstream struct {
	Path            string        `yaml:"path"`
	URL             string        `yaml:"url"`
	RewriteHost     bool          `yaml:"rewrite_host"`
	CAFile          string        `yaml:"ca_file"`
	ResponseTimeout time.Duration `yaml:"response_timeout"`
}

// Rule is a rule of the gate.
type Rule struct {
	Path          string   `yaml:"path"`
	Methods       []string `yaml:"methods"`
	Allow         []string `yaml:"allow"`
	Roles         []string `yaml:"roles"`
	Permissions   []string `yaml:"permissions"`
	Organizations []string `yaml:"organizations"`
	Entitlements  []string `yaml:"entitlements"`
	FeatureFlags  []string `yaml:"feature_flags"`
}

// WorkOS has the settings of the application at WorkOS. What is empty comes from the WORKOS_ variables.
type WorkOS struct {
	ClientID              string   `yaml:"client_id"`
	APIKeyFile            string   `yaml:"api_key_file"`
	CookiePasswordFiles   []string `yaml:"cookie_password_files"`
	RedirectURLs          []string `yaml:"redirect_urls"`
	PostLogoutRedirectURL string   `yaml:"post_logout_redirect_url"`
	BaseURL               string   `yaml:"base_url"`
}

// Session has the settings of sessions.
type Session struct {
	CookieName         string        `yaml:"cookie_name"`
	CookieDomain       string        `yaml:"cookie_domain"`
	IdleTimeout        time.Duration `yaml:"idle_timeout"`
	AbsoluteTimeout    time.Duration `yaml:"absolute_timeout"`
	Compact            bool          `yaml:"compact"`
	BearerTokens       bool          `yaml:"bearer_tokens"`
	RevocationDeadline time.Duration `yaml:"revocation_deadline"`
	StreamAfter        time.Duration `yaml:"stream_after"`
	TrustedOrigins     []string      `yaml:"trusted_origins"`
}

// SignIn has the parameters of every sign-in.
type SignIn struct {
	Organization string `yaml:"organization"`
	Connection   string `yaml:"connection"`
	Provider     string `yaml:"provider"`
}

// Paths are the paths of the proxy itself. That of the callback is in the redirect URL.
type Paths struct {
	Login   string `yaml:"login"`
	Logout  string `yaml:"logout"`
	Me      string `yaml:"me"`
	Health  string `yaml:"health"`
	Keys    string `yaml:"keys"`
	Webhook string `yaml:"webhook"`
}

// Identity says what upstreams learn about the user.
type Identity struct {
	Headers           map[string]string `yaml:"headers"`
	PassAuthorization bool              `yaml:"pass_authorization"`
	JWT               JWT               `yaml:"jwt"`
}

// JWT has the settings of the signed identity.
type JWT struct {
	KeyFiles []string `yaml:"key_files"`
	Issuer   string   `yaml:"issuer"`
	Audience string   `yaml:"audience"`
}

// Store is what several instances share.
type Store struct {
	URL     string `yaml:"url"`
	URLFile string `yaml:"url_file"`
	Migrate bool   `yaml:"migrate"`
}

// Events says how changes at WorkOS become known.
type Events struct {
	Follow             bool     `yaml:"follow"`
	WebhookSecretFiles []string `yaml:"webhook_secret_files"`
}

// Admin is the listener for operators.
type Admin struct {
	Listen string `yaml:"listen"`
}

// Log says what is logged.
type Log struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
	Access bool   `yaml:"access"`
}

// Limits bound what a client and a shutdown may take.
type Limits struct {
	HeaderBytes     int           `yaml:"header_bytes"`
	HeaderTimeout   time.Duration `yaml:"header_timeout"`
	BodyTimeout     time.Duration `yaml:"body_timeout"`
	WriteTimeout    time.Duration `yaml:"write_timeout"`
	IdleTimeout     time.Duration `yaml:"idle_timeout"`
	ShutdownDelay   time.Duration `yaml:"shutdown_delay"`
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout"`
}

// Default returns the configuration before a file or flags change it.
func Default() *Config {
	return &Config{
		Listen:  "localhost:8080",
		Paths:   Paths{Login: "/login", Logout: "/logout", Me: "/authkit/me", Health: "/healthz", Keys: "/authkit/jwks.json", Webhook: "/webhooks/workos"},
		Session: Session{StreamAfter: gate.DefaultStreamAfter},
		Events:  Events{Follow: true},
		Log:     Log{Level: "info", Format: "text", Access: true},
		Limits: Limits{
			HeaderBytes: 64 << 10, HeaderTimeout: 10 * time.Second, BodyTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
			ShutdownDelay: 5 * time.Second, ShutdownTimeout: 30 * time.Second,
		},
	}
}

// defaultResponseTimeout is the time that an upstream has for the header of its response.
const defaultResponseTimeout = time.Minute
