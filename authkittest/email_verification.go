// Email verification, of a user and in the course of a sign-in.

package authkittest

// userReply wraps a user where production does.
type userReply struct {
	User userObject `json:"user"`
}

// sendEmailVerification answers RouteSendEmailVerification.
func (f *Server) sendEmailVerification(c *call) (any, *refusal) {
	user, no := f.userOf(c)
	if no != nil {
		return nil, no
	}
	if !user.EmailUnverified {
		return nil, plainRefusal("email_already_verified", "The email address is already verified.")
	}
	f.sendCode(MailEmailVerification, user)
	return userReply{user.object()}, nil
}

// confirmEmailVerification answers RouteConfirmEmailVerification.
func (f *Server) confirmEmailVerification(c *call) (any, *refusal) {
	var in struct {
		Code given[string] `json:"code"`
	}
	if no := c.read(&in); no != nil {
		return nil, no
	}
	user, no := f.userOf(c)
	switch {
	case no != nil:
		return nil, no
	case in.Code.value == "":
		return nil, required("code")
	case !user.EmailUnverified:
		return nil, plainRefusal("email_previously_verified", "The email address is already verified.")
	}
	switch state := f.redeemEmailed(MailEmailVerification, user.ID, in.Code.value); state {
	case codeAccepted:
		f.verifyEmail(user)
		return userReply{user.object()}, nil
	case codeExpired:
		return nil, plainRefusal("email_verification_code_expired", "The code has expired.")
	case codeUsed:
		return nil, plainRefusal("email_verification_code_previously_used", "The code has already been used.")
	case codeBlocked: // which this call has no code of its own for
		return nil, codeRefusal(state)
	default:
		return nil, plainRefusal("email_verification_code_incorrect", "The code is incorrect.")
	}
}

// getEmailVerification answers RouteGetEmailVerification.
func (f *Server) getEmailVerification(c *call) (any, *refusal) {
	return f.getEmailed(c, MailEmailVerification, "Email Verification")
}

// emailVerificationGrant answers RouteEmailVerification, the step after email_verification_required.
func (f *Server) emailVerificationGrant(p parameters) (*authentication, *refusal) {
	if no := p.require("code", "pending_authentication_token"); no != nil {
		return nil, no
	}
	pending, no := f.pendingFor(p, stepEmailVerification)
	if no != nil {
		return nil, no
	}
	if no := codeRefusal(f.redeemEmailed(MailEmailVerification, pending.personID, p["code"])); no != nil {
		return nil, no
	}
	f.verifyEmail(f.accountByID(pending.personID))
	return f.resume(p)
}

func (f *Server) verifyEmail(user *account) {
	user.EmailUnverified = false
	user.updatedAt = f.clock.Now()
}
