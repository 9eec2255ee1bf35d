// WorkOS Radar: sign-ins that are challenged with a code, by mail or by SMS.

package authkittest

import "regexp"

// RadarChallenge is how WorkOS Radar challenges the sign-ins of a user. The sign-in of an application's own form, and one at a
// provider, answers a 403 with a pending authentication token:
//
//   - RadarEmail mails a code. The error is radar_challenge, with a radar_challenge_id.
//   - RadarSMS with a [User.PhoneNumber] sends a code to that number. The error is radar_sms_sign_in_challenge.
//   - RadarSMS without one is radar_sign_up_challenge. The application asks the user for a number and sends the code with a call
//     (RouteSendRadarSMSChallenge).
//
// The hosted pages ask for the code themselves, and for the number if it is not known. [Server.LastMail] returns the code, for an
// email address or a phone number. [Browser.SignIn] enters no code, so it returns an error.
type RadarChallenge string

// Values of RadarChallenge.
const (
	RadarEmail RadarChallenge = "email" // a code by mail
	RadarSMS   RadarChallenge = "sms"   // a code by SMS
)

// radarCheck is the challenge of one sign-in.
type radarCheck struct {
	mailed      *emailedCode // of RadarEmail
	texted      *textedCode  // of RadarSMS: the latest; nil before the number is known
	phoneNumber string       // of RadarSMS: the number that WorkOS has; may be empty
}

// textedCode is a code that was sent by SMS.
type textedCode struct {
	oneTimeCode
	id          string
	phoneNumber string
}

// radarRisk is the data of the event of a sign-in that was suspicious.
type radarRisk struct {
	Method        string  `json:"auth_method"`
	Action        string  `json:"action"`
	Control       *string `json:"control"`
	BlocklistType *string `json:"blocklist_type"`
	IPAddress     *string `json:"ip_address"`
	UserAgent     *string `json:"user_agent"`
	UserID        string  `json:"user_id"`
	Email         string  `json:"email"`
}

// challengeUser starts a challenge and sends its code, if it is known where to.
func (f *Server) challengeUser(user *account) *radarCheck {
	check := &radarCheck{}
	switch {
	case user.RadarChallenge == RadarEmail:
		check.mailed = f.mailChallenge(user)
	case user.PhoneNumber != "":
		check.phoneNumber = user.PhoneNumber
		f.textCode(check, user.PhoneNumber)
	}
	return check
}

// mailChallenge mails the code of a challenge.
func (f *Server) mailChallenge(user *account) *emailedCode {
	sent := f.mailCode(MailRadarChallenge, user)
	f.emit("radar.challenge_created", "", struct {
		Type        RadarChallenge `json:"type"`
		ChallengeID string         `json:"radar_challenge_id"`
		UserID      string         `json:"user_id"`
		Email       string         `json:"email"`
	}{RadarEmail, sent.id, user.ID, user.Email})
	return sent
}

// textCode sends a new code of a challenge by SMS. Earlier codes of the challenge work no more.
func (f *Server) textCode(check *radarCheck, phoneNumber string) {
	check.texted = &textedCode{oneTimeCode: f.newOneTimeCode(), id: newID("vrf"), phoneNumber: phoneNumber}
	f.sendSMS(phoneNumber, smsText, check.texted.code)
}

// radarError challenges a sign-in and returns the error that requires the user to enter the code.
func (f *Server) radarError(result signInResult, user *account) *apiError {
	check := f.challengeUser(user)
	next, code := stepRadarSMS, "radar_sign_up_challenge"
	switch {
	case check.mailed != nil:
		next, code = stepRadarEmail, "radar_challenge"
	case check.phoneNumber != "":
		code = "radar_sms_sign_in_challenge"
	}
	apiErr := f.requireStep(result, next, code, "The user must enter a code to finish their authentication.")
	f.pending[apiErr.PendingToken].radar = check
	shown := f.authenticatedObject(user)
	apiErr.User = &shown
	if check.mailed != nil {
		apiErr.RadarChallengeID = check.mailed.id
	}
	return apiErr
}

// getRadarChallenge answers RouteGetRadarChallenge.
func (f *Server) getRadarChallenge(c *call) (any, *apiError) {
	return f.getEmailed(c, MailRadarChallenge, "Radar Challenge")
}

// isPhoneNumber matches a phone number in the format E.164.
var isPhoneNumber = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`).MatchString

// accepts reports whether the code of a challenge can be sent to a number. If WorkOS has one, it can be sent to no other.
func (check *radarCheck) accepts(phoneNumber string) bool {
	return isPhoneNumber(phoneNumber) && (check.phoneNumber == "" || check.phoneNumber == phoneNumber)
}

// sendRadarSMSChallenge answers RouteSendRadarSMSChallenge.
func (f *Server) sendRadarSMSChallenge(c *call) (any, *apiError) {
	var in struct {
		UserID       optional[string] `json:"user_id"`
		PendingToken optional[string] `json:"pending_authentication_token"`
		PhoneNumber  optional[string] `json:"phone_number"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	switch {
	case in.UserID.value == "":
		return nil, required("user_id")
	case in.PendingToken.value == "":
		return nil, required("pending_authentication_token")
	case in.PhoneNumber.value == "":
		return nil, required("phone_number")
	}
	pending, apiErr := f.pendingFor(parameters{"pending_authentication_token": in.PendingToken.value}, stepRadarSMS)
	switch {
	case apiErr != nil:
		return nil, apiErr
	case pending.userID != in.UserID.value:
		return nil, plainError("user_mismatch", "The pending authentication token belongs to another user.")
	case !pending.radar.accepts(in.PhoneNumber.value):
		return nil, invalid(fieldProblem{Field: "phone_number", Code: "invalid"})
	}
	f.textCode(pending.radar, in.PhoneNumber.value)
	return struct {
		VerificationID string `json:"verification_id"`
		PhoneNumber    string `json:"phone_number"`
	}{pending.radar.texted.id, pending.radar.texted.phoneNumber}, nil
}

// radarEmailGrant answers RouteRadarEmailChallenge, which continues a sign-in after radar_challenge.
func (f *Server) radarEmailGrant(p parameters) (*authentication, *apiError) {
	if apiErr := p.require("code", "radar_challenge_id", "pending_authentication_token"); apiErr != nil {
		return nil, apiErr
	}
	pending, apiErr := f.pendingFor(p, stepRadarEmail)
	if apiErr != nil {
		return nil, apiErr
	}
	sent := f.emailed(MailRadarChallenge, p["radar_challenge_id"])
	if sent == nil || sent.userID != pending.userID {
		return nil, notFound("Radar Challenge", p["radar_challenge_id"])
	}
	return f.resumeAfterRadar(p, pending, f.redeem(sent, p["code"]))
}

// radarSMSGrant answers RouteRadarSMSChallenge, which continues a sign-in after radar_sign_up_challenge or
// radar_sms_sign_in_challenge. The latter needs neither the number nor the ID of the verification.
func (f *Server) radarSMSGrant(p parameters) (*authentication, *apiError) {
	if apiErr := p.require("code", "pending_authentication_token"); apiErr != nil {
		return nil, apiErr
	}
	pending, apiErr := f.pendingFor(p, stepRadarSMS)
	if apiErr != nil {
		return nil, apiErr
	}
	number, id, sent := p["phone_number"], p["verification_id"], pending.radar.texted
	switch known := pending.radar.phoneNumber != ""; {
	case number == "" && !known:
		return nil, plainError("phone_number_required", "The phone_number parameter is required.")
	case id == "" && !known:
		return nil, plainError("verification_id_required", "The verification_id parameter is required.")
	case sent == nil, number != "" && number != sent.phoneNumber, id != "" && id != sent.id:
		return nil, codeError(codeWrong)
	}
	return f.resumeAfterRadar(p, pending, sent.redeem(p["code"], f.clock.Now()))
}

// resumeAfterRadar continues a sign-in if the code of its challenge was right.
func (f *Server) resumeAfterRadar(p parameters, pending *pendingAuthentication, state codeState) (*authentication, *apiError) {
	if apiErr := codeError(state); apiErr != nil {
		return nil, apiErr
	}
	f.passRadar(&pending.signInResult, &asker{pending.ipAddress, pending.userAgent})
	return f.resume(p)
}

// passRadar notes that a sign-in has passed its challenge. WorkOS reports the risk when the user has passed.
func (f *Server) passRadar(result *signInResult, browser *asker) {
	result.radarPassed = true
	user := f.accountByID(result.userID)
	control := "bot_detection"
	f.emit("authentication.radar_risk_detected", "", radarRisk{
		Method: result.method, Action: "login", Control: &control,
		IPAddress: orNull(browser.ipAddress), UserAgent: orNull(browser.userAgent), UserID: user.ID, Email: user.Email,
	})
}
