// The checks of the configuration alone, without a call.

package doctor

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/workos"
)

// cures say how to mend what an option lacks, by the option and the reason. Others have the text of the fault, which says what is
// accepted.
var cures = map[string]string{
	"WithAPIKey missing":           "Set WORKOS_API_KEY to the secret key of the environment: WorkOS dashboard, API Keys. For an application without a secret, use WithPublicClient and --public-client.",
	"WithAPIKey malformed":         "Copy the key again from the WorkOS dashboard (API Keys), without quotes, spaces and line breaks. docker --env-file keeps quotes.",
	"WithClientID missing":         "Set WORKOS_CLIENT_ID to the client ID of the environment: WorkOS dashboard, Overview.",
	"WithClientID malformed":       "Copy the client ID again from the WorkOS dashboard (Overview), without quotes and spaces. It is not the API key and not the name of the application.",
	"WithCookiePassword missing":   "Set WORKOS_COOKIE_PASSWORD to at least 32 random bytes: openssl rand -base64 32",
	"WithCookiePassword malformed": "Use a random text: openssl rand -base64 32",
	"WithCookiePassword out_of_range": "Use at least 32 random bytes: openssl rand -base64 32. Sessions that exist are lost, unless the application passes the old password as a " +
		"previous one to WithCookiePassword.",
	"WithRedirectURL malformed":       "Set WORKOS_REDIRECT_URI to the absolute URL of the callback, such as https://app.example.com/callback.",
	"WithRedirectURL insecure":        "Use https. Plain http is for loopback hosts: http://localhost:8080/callback.",
	"WithBaseURL insecure":            "Remove WORKOS_API_HTTPS=false: it is for a fake AuthKit on this machine.",
	"WithBaseURL malformed":           "WORKOS_API_HOSTNAME is a host alone, without a scheme, a port and a path. Leave the three variables out for api.workos.com.",
	"WithBaseURL out_of_range":        "WORKOS_API_PORT is a number from 1 to 65535. Leave it out for https.",
	"WithCookieDomain conflict":       "Set WORKOS_COOKIE_DOMAIN to a domain that the host of the redirect URI is in, such as example.com for app.example.com, or leave it out.",
	"WithCookieDomain malformed":      "Set WORKOS_COOKIE_DOMAIN to a domain such as example.com, without a scheme and a port.",
	"WithCookieName conflict":         "Leave WORKOS_COOKIE_NAME out, or choose another name. For the session of WorkOS's other libraries, use WithSharedSession and --shared-session.",
	"WithCookieName malformed":        "Leave WORKOS_COOKIE_NAME out, or use letters, digits, - and _.",
	"WithCookieMaxAge malformed":      "WORKOS_COOKIE_MAX_AGE is a number of seconds, such as 34560000.",
	"WithCookieMaxAge out_of_range":   "WORKOS_COOKIE_MAX_AGE is a number of seconds, at least 1.",
	"WithCookieSameSite conflict":     "SameSite=None needs https. Set WORKOS_COOKIE_SAMESITE=lax.",
	"WithCookieSameSite out_of_range": "Set WORKOS_COOKIE_SAMESITE to lax, strict or none, or leave it out for lax.",
}

// checkConfiguration checks everything that New checks.
func (d *doctor) checkConfiguration(context.Context) {
	const check = "configuration"
	d.env = readEnvironment()
	d.base = d.env.base
	_, err := authkit.FromEnv(d.options()...)
	faults := configErrors(err)
	for _, f := range faults {
		cure := cures[f.Option+" "+string(f.Reason)]
		if cure == "" {
			cure = "Correct " + strings.Join(f.Variables, ", ") + " as the finding says."
		}
		d.fault(check, cure, "%s", f.Error())
	}
	if len(faults) == 0 {
		d.ok(check, "the variables are complete and plausible")
	}
	d.checkRedirectScheme()
	opts := []workos.Option{workos.WithBaseURL(d.base), workos.WithHTTPClient(d.http)}
	if !d.PublicClient {
		opts = append(opts, workos.WithAPIKey(d.env.apiKey))
	}
	d.client, err = workos.NewClient(d.env.clientID, opts...)
	if err != nil {
		d.client = nil // the faults say why
	}
}

// configErrors returns the faults that FromEnv has found.
func configErrors(err error) (faults []*authkit.ConfigError) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			faults = append(faults, configErrors(e)...)
		}
		return faults
	}
	var fault *authkit.ConfigError
	if errors.As(err, &fault) {
		faults = append(faults, fault)
	} else if inner := errors.Unwrap(err); inner != nil {
		return configErrors(inner)
	}
	return faults
}

// checkRedirectScheme reports what the redirect URI says of the place where the application runs.
func (d *doctor) checkRedirectScheme() {
	const check = "redirect URI"
	u, err := url.Parse(d.env.redirectURI)
	switch {
	case d.env.redirectURI == "":
		d.warn(check, "Set WORKOS_REDIRECT_URI if the application signs users in itself. One that only reads the session of a neighbour needs none.",
			"WORKOS_REDIRECT_URI is not set")
	case err == nil && u.Scheme == "http" && strings.HasPrefix(d.env.apiKey, "sk_live_"):
		d.warn(check, "Use the key of a staging environment on your machine, and https in production.",
			"the redirect URI is plain http on %s, and the API key is one of production", u.Host)
	}
}

// guessable are texts that people put into passwords that are to be replaced.
var guessable = []string{"password", "secret", "changeme", "change-me", "change_me", "example", "cookie", "0123456789", "1234567890", "abcdefgh", "at-least-32", "at_least_32", "your-"}

// checkPassword checks how random the cookie password is.
func (d *doctor) checkPassword(context.Context) {
	const check = "cookie password"
	const cure = "Use random bytes: openssl rand -base64 32. Keep the old password as a previous one (WithCookiePassword) while sessions with it exist."
	password := d.env.cookiePassword
	if len(password) < 32 {
		d.skip(check, "there is no usable password; see the configuration")
		return
	}
	different := map[rune]bool{}
	for _, r := range password {
		different[r] = true
	}
	lower := strings.ToLower(password)
	for _, word := range guessable {
		if strings.Contains(lower, word) {
			d.fault(check, cure, "the password contains a word that can be guessed; who knows it can make sessions")
			return
		}
	}
	if len(different) < 12 {
		d.fault(check, cure, "the password has too few different characters: %d; who guesses it can make sessions", len(different))
		return
	}
	d.ok(check, "%d bytes, %d different characters", len(password), len(different))
}

// checkWebhookSecret checks WORKOS_WEBHOOK_SECRET.
func (d *doctor) checkWebhookSecret(context.Context) {
	const check = "webhook secret"
	switch secret := d.env.webhookSecret; {
	case secret == "":
		d.skip(check, "WORKOS_WEBHOOK_SECRET is not set")
	case secret != strings.TrimSpace(secret) || strings.ContainsAny(secret, "\"' \t\r\n"):
		d.fault(check, "Copy the secret again from the WorkOS dashboard (Webhooks), without quotes and white space: every signature is refused otherwise.",
			"WORKOS_WEBHOOK_SECRET contains quotes or white space")
	case len(secret) < 16:
		d.warn(check, "Copy the whole secret from the WorkOS dashboard (Webhooks).", "WORKOS_WEBHOOK_SECRET has only %d characters", len(secret))
	case secret == d.env.apiKey || strings.HasPrefix(secret, "sk_"):
		d.fault(check, "Use the secret of the webhook endpoint: WorkOS dashboard, Webhooks.", "WORKOS_WEBHOOK_SECRET is an API key")
	default:
		d.ok(check, "set, %d characters", len(secret))
	}
}
