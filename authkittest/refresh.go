// Refresh tokens: the grant refresh_token, rotation and the replay window.

package authkittest

import (
	"crypto/rand"
	"maps"
	"slices"
	"time"
)

// replayWindow is how long a token that was just exchanged still answers with what it became.
const replayWindow = 30 * time.Second

// retiredFor is how long what has been used or has expired is told from what never was.
const retention = 24 * time.Hour

type refreshToken struct {
	session   *session
	retiredAt time.Time       // zero until it is exchanged
	successor *authentication // what it was exchanged for
}

// refresh exchanges a refresh token for a new pair.
func (f *Server) refresh(p parameters) (*authentication, *apiError) {
	if apiErr := p.require("refresh_token"); apiErr != nil {
		return nil, apiErr
	}
	token := f.refreshTokens[p["refresh_token"]]
	if token == nil {
		return nil, oauthError("invalid_grant", "Invalid refresh token.")
	}
	s, now := token.session, f.clock.Now()
	_, authenticated := p["client_secret"] // grant has compared it
	switch {
	case s.confidential && !authenticated:
		return nil, oauthError("invalid_client", "The client_secret parameter is required for this session.")
	case !s.active(now):
		return nil, oauthError("invalid_grant", "Session has already ended.")
	case token.successor != nil && now.Sub(token.retiredAt) <= replayWindow:
		return token.successor, nil // whatever organization is asked for: production does not say
	case token.successor != nil:
		return nil, oauthError("invalid_grant", "Refresh token already exchanged.")
	}
	if organizationID := p["organization_id"]; organizationID != "" {
		if apiErr := f.switchOrganization(s, organizationID); apiErr != nil {
			return nil, apiErr
		}
	}
	s.refreshedAt = now
	token.retiredAt = now
	token.successor = f.mint(s)
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

// mint makes a new pair of tokens for a session, and the reply that carries it.
func (f *Server) mint(s *session) *authentication {
	user := f.accountByID(s.userID)
	reply := &authentication{
		User:                 user.object(),
		AccessToken:          f.keys[len(f.keys)-1].sign(f.claims(s, user.User)),
		RefreshToken:         rand.Text(),
		AuthenticationMethod: s.method,
	}
	if _, member := user.membership(s.organizationID); member {
		reply.OrganizationID = s.organizationID
	}
	if s.impersonator != nil {
		reply.Impersonator = &impersonatorObject{Email: s.impersonator.Email, Reason: orNull(s.impersonator.Reason)}
	}
	f.refreshTokens[reply.RefreshToken] = &refreshToken{session: s}
	return reply
}

// prune forgets what has expired, so that a fake which runs for days does not grow.
func (f *Server) prune() {
	now := f.clock.Now()
	maps.DeleteFunc(f.codes, func(_ string, c *issuedCode) bool { return now.After(c.expiresAt) })
	maps.DeleteFunc(f.pending, func(_ string, p *pendingAuthentication) bool { return now.After(p.expiresAt) })
	maps.DeleteFunc(f.challenges, func(_ string, ch *challenge) bool { return now.Sub(ch.createdAt) > retention })
	f.emailedCodes = slices.DeleteFunc(f.emailedCodes, func(c *emailedCode) bool { return now.Sub(c.createdAt) > retention })
	f.passwordResets = slices.DeleteFunc(f.passwordResets, func(r *passwordReset) bool { return now.Sub(r.createdAt) > retention })
	f.devices = slices.DeleteFunc(f.devices, func(d *device) bool { return now.Sub(d.ExpiresAt) > retention })
	maps.DeleteFunc(f.authorizations, func(_ string, a *authorization) bool { return now.After(a.expiresAt) })
	maps.DeleteFunc(f.refreshTokens, func(_ string, t *refreshToken) bool {
		return t.successor != nil && now.Sub(t.retiredAt) > retention
	})
}
