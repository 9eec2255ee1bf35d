// Magic Auth: signing in with a code that is mailed.

package authkittest

// createMagicAuth answers RouteCreateMagicAuth. For an unknown email address it creates a user.
func (f *Server) createMagicAuth(c *call) (any, *apiError) {
	var in struct {
		Email           optional[string] `json:"email"`
		InvitationToken optional[string] `json:"invitation_token"`
		IPAddress       optional[string] `json:"ip_address"`
		UserAgent       optional[string] `json:"user_agent"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if !isAddress(in.Email.value) {
		return nil, invalid(fieldProblem{Field: "email", Code: "email_required"})
	}
	if _, apiErr := f.invited(in.InvitationToken.value, in.Email.value); apiErr != nil {
		return nil, apiErr
	}
	user := f.accountByEmail(in.Email.value)
	if user == nil {
		user = f.addUser(User{Email: in.Email.value, EmailUnverified: true})
	}
	return f.sendCode(MailMagicAuth, user).object(), nil
}

// getMagicAuth answers RouteGetMagicAuth.
func (f *Server) getMagicAuth(c *call) (any, *apiError) {
	return f.getEmailed(c, MailMagicAuth, "Magic Auth")
}

// magicAuthGrant answers RouteMagicAuth. The code proves access to the mailbox, so it also verifies the email address.
func (f *Server) magicAuthGrant(p parameters) (*authentication, *apiError) {
	if apiErr := p.require("email", "code"); apiErr != nil {
		return nil, apiErr
	}
	invitation, apiErr := f.invited(p["invitation_token"], p["email"])
	if apiErr != nil {
		return nil, apiErr
	}
	user := f.accountByEmail(p["email"])
	state := codeWrong
	if user != nil {
		state = f.redeemEmailed(MailMagicAuth, user.ID, p["code"])
	}
	apiErr = codeError(state)
	f.emitGrant("magic_auth", user, p, apiErr)
	if apiErr != nil {
		return nil, apiErr
	}
	f.verifyEmail(user)
	return f.completeSignIn(f.withInvitation(invitation, user, p.signInResult(user, "MagicAuth", f.clock.Now())), true)
}
