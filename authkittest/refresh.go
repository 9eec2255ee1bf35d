// Refresh tokens: the refresh_token grant, rotation and the replay window.

package authkittest

import (
	"cmp"
	"crypto/rand"
	"maps"
	"slices"
	"time"
)

// replayWindow is how long a refresh token that was exchanged still returns its new tokens.
const replayWindow = 30 * time.Second

// retention is how long used and expired tokens and codes are kept. Until then, the error for them differs from the error
// for unknown ones.
const retention = 24 * time.Hour

type refreshToken struct {
	session   *session
	retiredAt time.Time       // time of the exchange; zero before it
	successor *authentication // response of the exchange
	presented int             // number of calls
}

// refresh answers RouteRefresh. It exchanges a refresh token for new tokens.
func (f *Server) refresh(p parameters) (*authentication, *apiError) {
	if apiErr := p.require("refresh_token"); apiErr != nil {
		return nil, apiErr
	}
	token := f.refreshTokens[p["refresh_token"]]
	if token == nil {
		return nil, oauthError("invalid_grant", "Invalid refresh token.")
	}
	s, now := token.session, f.clock.Now()
	_, authenticated := p["client_secret"] // grant has checked its value
	switch {
	case s.confidential && !authenticated:
		return nil, oauthError("invalid_client", "The client_secret parameter is required for this session.")
	case !s.active(now):
		return nil, oauthError("invalid_grant", "Session has already ended.")
	case token.successor != nil && !f.settings.strictRotation && now.Sub(token.retiredAt) <= replayWindow:
		f.refreshes.Replayed++
		return token.successor, nil // for any organization_id; production is not documented here
	case token.successor != nil:
		return nil, oauthError("invalid_grant", "Refresh token already exchanged.")
	}
	// A session stays in its organization. WorkOS does not document what a refresh without organization_id answers when the
	// membership has ended. It is taken for a refresh with the organization of the session.
	organizationID := cmp.Or(p["organization_id"], s.organizationID)
	if apiErr := f.tokenError(s.userID, organizationID); apiErr != nil {
		return nil, apiErr
	}
	if organizationID != "" {
		if apiErr := f.switchOrganization(s, organizationID); apiErr != nil {
			return nil, apiErr
		}
	}
	s.refreshedAt = now
	token.retiredAt = now
	token.successor = f.mint(s)
	f.refreshes.Exchanged++
	return token.successor, nil
}

func (f *Server) switchOrganization(s *session, organizationID string) *apiError {
	if _, exists := f.organization(organizationID); !exists {
		return oauthError("organization_not_found", "The organization does not exist.")
	}
	user := f.accountByID(s.userID)
	if _, member := user.membership(organizationID); !member {
		return oauthError("organization_membership_not_found", "The user is not a member of the organization.")
	}
	if organizationID != s.organizationID && s.impersonator == nil {
		there := s.signInResult
		there.organizationID = organizationID
		if apiErr := f.methodError(user, organizationID, s.method); apiErr != nil {
			return apiErr
		}
		if code := f.missingFactor(user, there); code != "" {
			return f.secondFactorError(user, there, code)
		}
	}
	s.organizationID = organizationID
	return nil
}

// mint issues new tokens for a session and returns the response with them.
func (f *Server) mint(s *session) *authentication {
	user := f.accountByID(s.userID)
	response := &authentication{
		User:                 f.authenticatedObject(user),
		AccessToken:          f.keys[len(f.keys)-1].sign(f.claims(s, user.User)),
		RefreshToken:         rand.Text(),
		AuthenticationMethod: s.method,
	}
	if _, member := user.membership(s.organizationID); member {
		response.OrganizationID = s.organizationID
	}
	if s.impersonator != nil {
		response.Impersonator = &impersonatorObject{Email: s.impersonator.Email, Reason: orNull(s.impersonator.Reason)}
	}
	f.refreshTokens[response.RefreshToken] = &refreshToken{session: s}
	return response
}

// prune removes expired data, so that the memory of a fake that runs for days does not grow.
func (f *Server) prune() {
	now := f.clock.Now()
	maps.DeleteFunc(f.codes, func(_ string, c *issuedCode) bool { return now.After(c.expiresAt) })
	maps.DeleteFunc(f.pending, func(_ string, p *pendingAuthentication) bool { return now.After(p.expiresAt) })
	maps.DeleteFunc(f.externalAuths, func(_ string, a *externalAuth) bool { return now.After(a.expiresAt) })
	maps.DeleteFunc(f.challenges, func(_ string, ch *challenge) bool { return now.Sub(ch.createdAt) > retention })
	f.emailedCodes = slices.DeleteFunc(f.emailedCodes, func(c *emailedCode) bool { return now.Sub(c.createdAt) > retention })
	f.passwordResets = slices.DeleteFunc(f.passwordResets, func(r *passwordReset) bool { return now.Sub(r.createdAt) > retention })
	f.devices = slices.DeleteFunc(f.devices, func(d *device) bool { return now.Sub(d.ExpiresAt) > retention })
	maps.DeleteFunc(f.authorizations, func(_ string, a *authorization) bool { return now.After(a.expiresAt) })
	maps.DeleteFunc(f.idempotent, func(_ string, r idempotentResponse) bool { return !now.Before(r.expiresAt) })
	maps.DeleteFunc(f.connections, func(_ string, n *connection) bool { return now.After(n.expiresAt) })
	maps.DeleteFunc(f.refreshTokens, func(_ string, t *refreshToken) bool {
		return t.successor != nil && now.Sub(t.retiredAt) > retention
	})
	f.oauth.prune(now)
}
