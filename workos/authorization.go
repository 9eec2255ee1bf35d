// The authorization URL, where a browser starts a sign-in.

package workos

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ProviderAuthKit is the provider for the hosted AuthKit pages.
const ProviderAuthKit = "authkit"

// AuthorizationParams are the parameters of [Client.AuthorizationURL]. RedirectURI is required, and so is one selector:
// Provider, ConnectionID or OrganizationID. Only [ProviderAuthKit] can be combined with an OrganizationID, which it
// preselects. All other fields are optional. The URL omits those with a zero value.
type AuthorizationParams struct {
	// RedirectURI is the absolute URL that the browser returns to. It must be registered with WorkOS.
	RedirectURI string

	Provider       string // ProviderAuthKit, or an OAuth provider such as "GoogleOAuth"
	ConnectionID   string // an SSO connection, "conn_…"
	OrganizationID string // an organization, "org_…"

	// State returns unchanged with the code. It binds the response to the browser that started the sign-in.
	State string
	// CodeChallenge is the S256 challenge of a code verifier (RFC 7636 section 4.2). The URL names S256 as its method.
	CodeChallenge string

	LoginHint       string // an email address to fill in
	DomainHint      string // a domain that preselects the account at the identity provider
	InvitationToken string `json:"-"` // an invitation to accept with this sign-in
	Prompt          string // such as "login" or "consent", passed on unchanged

	// ScreenHint is the first page: "sign-in" (the default) or "sign-up". AuthKit only.
	ScreenHint string
	// MaxAge is the maximum time since the user last authenticated. It is sent in whole seconds, rounded down. 0 always
	// asks for a new authentication, and nil sets no limit. AuthKit only. The caller must check the auth_time claim
	// afterwards.
	MaxAge *time.Duration

	ProviderScopes      []string          // OAuth scopes to request from the provider, in addition to the configured ones
	ProviderQueryParams map[string]string // query parameters for the provider
}

// AuthorizationURL returns the URL that starts a sign-in in a browser. It makes no request. The same parameters give
// the same URL. The error names every fault of the parameters at once.
//
// See https://workos.com/docs/reference/authkit/authentication/get-authorization-url
func (c *Client) AuthorizationURL(p AuthorizationParams) (string, error) {
	if err := p.validate(); err != nil {
		return "", fmt.Errorf("workos: authorization URL: %w", err)
	}
	query := url.Values{"response_type": {"code"}, "client_id": {c.clientID}}
	for name, value := range map[string]string{
		"redirect_uri":     p.RedirectURI,
		"provider":         p.Provider,
		"connection_id":    p.ConnectionID,
		"organization_id":  p.OrganizationID,
		"state":            p.State,
		"code_challenge":   p.CodeChallenge,
		"login_hint":       p.LoginHint,
		"domain_hint":      p.DomainHint,
		"invitation_token": p.InvitationToken,
		"prompt":           p.Prompt,
		"screen_hint":      p.ScreenHint,
		"provider_scopes":  strings.Join(p.ProviderScopes, ","),
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if p.CodeChallenge != "" {
		query.Set("code_challenge_method", "S256")
	}
	if p.MaxAge != nil {
		query.Set("max_age", strconv.FormatInt(int64(*p.MaxAge/time.Second), 10))
	}
	for name, value := range p.ProviderQueryParams {
		query.Set("provider_query_params["+name+"]", value)
	}
	return c.url("/user_management/authorize", query), nil
}

// validate reports what WorkOS would refuse or ignore on its own page, where only the user would see it.
func (p AuthorizationParams) validate() error {
	var faults []error
	refuse := func(fault string) { faults = append(faults, errors.New(fault)) }

	// RFC 6749 section 3.1.2: an absolute URI without a fragment.
	if u, err := url.Parse(p.RedirectURI); err != nil || !u.IsAbs() || strings.Contains(p.RedirectURI, "#") {
		refuse("RedirectURI: want an absolute URL without a fragment")
	}

	authKit := p.Provider == ProviderAuthKit
	switch {
	case p.Provider == "" && p.ConnectionID == "" && p.OrganizationID == "":
		refuse("no selector: want one of Provider, ConnectionID and OrganizationID")
	case p.ConnectionID != "" && (p.Provider != "" || p.OrganizationID != ""),
		p.OrganizationID != "" && p.Provider != "" && !authKit:
		refuse("too many selectors: want one of Provider, ConnectionID and OrganizationID, " +
			"or an OrganizationID with Provider " + strconv.Quote(ProviderAuthKit))
	}

	if p.ScreenHint != "" {
		if !authKit {
			refuse("ScreenHint: only with Provider " + strconv.Quote(ProviderAuthKit))
		}
		if p.ScreenHint != "sign-in" && p.ScreenHint != "sign-up" {
			refuse(`ScreenHint: want "sign-in" or "sign-up"`)
		}
	}
	if p.MaxAge != nil {
		if !authKit {
			refuse("MaxAge: only with Provider " + strconv.Quote(ProviderAuthKit))
		}
		if *p.MaxAge < 0 {
			refuse("MaxAge: want 0 seconds or more")
		}
	}
	if slices.ContainsFunc(p.ProviderScopes, func(scope string) bool { return scope == "" || strings.Contains(scope, ",") }) {
		refuse("ProviderScopes: want scopes that are not empty and contain no comma, because commas separate them")
	}
	return errors.Join(faults...)
}

// Format implements [fmt.Formatter]. It masks the invitation token.
func (p AuthorizationParams) Format(s fmt.State, verb rune) {
	type plain AuthorizationParams
	p.InvitationToken = mask(p.InvitationToken)
	format(s, verb, plain(p))
}
