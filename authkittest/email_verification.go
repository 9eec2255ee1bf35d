// Email verification, by the API and as a step of a sign-in.

package authkittest

// userResponse is a response with a user member, as in production.
type userResponse struct {
	User userObject `json:"user"`
}

// sendEmailVerification answers RouteSendEmailVerification.
func (f *Server) sendEmailVerification(c *call) (any, *apiError) {
	user, apiErr := f.userOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	if !user.EmailUnverified {
		return nil, plainError("email_already_verified", "The email address is already verified.")
	}
	f.sendCode(MailEmailVerification, user)
	return userResponse{user.object()}, nil
}

// confirmEmailVerification answers RouteConfirmEmailVerification.
func (f *Server) confirmEmailVerification(c *call) (any, *apiError) {
	var in struct {
		Code optional[string] `json:"code"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	user, apiErr := f.userOf(c)
	switch {
	case apiErr != nil:
		return nil, apiErr
	case in.Code.value == "":
		return nil, required("code")
	case !user.EmailUnverified:
		return nil, plainError("email_previously_verified", "The email address is already verified.")
	}
	switch f.redeemEmailed(MailEmailVerification, user.ID, in.Code.value) {
	case codeAccepted:
		f.verifyEmail(user)
		return userResponse{user.object()}, nil
	case codeExpired:
		return nil, plainError("email_verification_code_expired", "The code has expired.")
	case codeUsed:
		return nil, plainError("email_verification_code_previously_used", "The code has already been used.")
	default: // also for codeBlocked, for which this call has no error code
		return nil, plainError("email_verification_code_incorrect", "The code is incorrect.")
	}
}

// getEmailVerification answers RouteGetEmailVerification.
func (f *Server) getEmailVerification(c *call) (any, *apiError) {
	return f.getEmailed(c, MailEmailVerification, "Email Verification")
}

// emailVerificationGrant answers RouteEmailVerification, which continues a sign-in after email_verification_required.
func (f *Server) emailVerificationGrant(p parameters) (*authentication, *apiError) {
	if apiErr := p.require("code", "pending_authentication_token"); apiErr != nil {
		return nil, apiErr
	}
	pending, apiErr := f.pendingFor(p, stepEmailVerification)
	if apiErr != nil {
		return nil, apiErr
	}
	user := f.accountByID(pending.userID)
	apiErr = codeError(f.redeemEmailed(MailEmailVerification, user.ID, p["code"]))
	f.emitGrant("email_verification", user, p, apiErr)
	if apiErr != nil {
		return nil, apiErr
	}
	f.verifyEmail(user)
	return f.resume(p)
}

// verifyEmail notes that a user has access to its mailbox.
func (f *Server) verifyEmail(user *account) {
	if user.EmailUnverified {
		user.EmailUnverified = false
		f.userChanged(user)
	}
}
