// Magic Auth: signing in with a code from the mailbox.

package authkittest

// createMagicAuth answers RouteCreateMagicAuth. An unknown address signs up by it.
func (f *Server) createMagicAuth(c *call) (any, *refusal) {
	var in struct {
		Email           given[string] `json:"email"`
		InvitationToken given[string] `json:"invitation_token"`
	}
	if no := c.read(&in); no != nil {
		return nil, no
	}
	if !isAddress(in.Email.value) {
		return nil, invalid(fieldProblem{Field: "email", Code: "email_required"})
	}
	if _, no := f.invited(in.InvitationToken.value, in.Email.value); no != nil {
		return nil, no
	}
	user := f.accountByEmail(in.Email.value)
	if user == nil {
		user = f.addPerson(User{Email: in.Email.value, EmailUnverified: true})
	}
	return f.sendCode(MailMagicAuth, user).object(), nil
}

// getMagicAuth answers RouteGetMagicAuth.
func (f *Server) getMagicAuth(c *call) (any, *refusal) {
	return f.getEmailed(c, MailMagicAuth, "Magic Auth")
}

// magicAuthGrant answers RouteMagicAuth. Whoever has the code has the mailbox too.
func (f *Server) magicAuthGrant(p parameters) (*authentication, *refusal) {
	if no := p.require("email", "code"); no != nil {
		return nil, no
	}
	invitation, no := f.invited(p["invitation_token"], p["email"])
	if no != nil {
		return nil, no
	}
	user := f.accountByEmail(p["email"])
	if user == nil {
		return nil, codeRefusal(codeWrong)
	}
	if no := codeRefusal(f.redeemEmailed(MailMagicAuth, user.ID, p["code"])); no != nil {
		return nil, no
	}
	user.EmailUnverified = false
	return f.conclude(f.accept(invitation, user, p.identity(user, "MagicAuth", f.clock.Now())))
}
