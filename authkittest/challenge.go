// Challenges of authentication factors, standalone or as the last step of a sign-in.

package authkittest

import (
	"cmp"
	"net/http"
	"time"
)

// challenge asks for a code of one factor. It is done after one correct code.
type challenge struct {
	id        string
	factorID  string
	otp       *oneTimeCode // nil for TOTP
	wrong     int
	done      bool
	createdAt time.Time
	updatedAt time.Time
}

type challengeObject struct {
	Object    string  `json:"object"`
	ID        string  `json:"id"`
	FactorID  string  `json:"authentication_factor_id"`
	ExpiresAt *string `json:"expires_at,omitempty"`
	Code      string  `json:"code,omitempty"`
	CreatedAt string  `json:"created_at"`
	UpdatedAt string  `json:"updated_at"`
}

func (ch *challenge) object() challengeObject {
	o := challengeObject{
		Object: "authentication_challenge", ID: ch.id, FactorID: ch.factorID,
		CreatedAt: timestamp(ch.createdAt), UpdatedAt: timestamp(ch.updatedAt),
	}
	if ch.otp != nil {
		o.ExpiresAt = orNull(timestamp(ch.otp.expiresAt))
	}
	return o
}

// newChallenge creates a challenge of a factor. The code of an SMS factor is sent with the text of smsTemplate.
func (f *Server) newChallenge(factor *Factor, smsTemplate string) *challenge {
	now := f.clock.Now()
	ch := &challenge{id: newID("auth_challenge"), factorID: factor.ID, createdAt: now, updatedAt: now}
	if factor.kind != "totp" {
		otp := f.newOneTimeCode()
		ch.otp = &otp
	}
	if factor.kind == "sms" {
		f.sendSMS(factor.phoneNumber, smsTemplate, ch.otp.code)
	}
	f.challenges[ch.id] = ch
	return ch
}

// challengeFactor answers RouteChallengeFactor. The response contains the code of a generic_otp factor, because the
// application sends that code to the user itself.
func (f *Server) challengeFactor(c *call) (any, *apiError) {
	var in struct {
		SMSTemplate optional[string] `json:"sms_template"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	_, factor := f.factor(c.PathValue("id"))
	if factor == nil {
		return nil, notFound("Authentication Factor", c.PathValue("id"))
	}
	ch := f.newChallenge(factor, cmp.Or(in.SMSTemplate.value, smsText))
	object := ch.object()
	if factor.kind == "generic_otp" {
		object.Code = ch.otp.code
	}
	return object, nil
}

// answer checks a code against a challenge.
func (f *Server) answer(ch *challenge, code string) codeState {
	now := f.clock.Now()
	ch.updatedAt = now
	_, factor := f.factor(ch.factorID)
	var state codeState
	switch {
	case ch.otp != nil:
		state = ch.otp.redeem(code, now)
	case ch.wrong >= oneTimeCodeGuesses:
		state = codeBlocked
	default:
		state = factor.accepts(code, now)
	}
	switch state {
	case codeAccepted:
		ch.done = true
	case codeWrong:
		ch.wrong++
	}
	return state
}

// verifyChallenge answers RouteVerifyChallenge. For a wrong code the call succeeds with valid false.
func (f *Server) verifyChallenge(c *call) (any, *apiError) {
	var in struct {
		Code optional[string] `json:"code"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	ch := f.challenge(c.PathValue("id"))
	switch {
	case ch == nil:
		return nil, notFound("Authentication Challenge", c.PathValue("id"))
	case in.Code.value == "":
		return nil, required("code")
	case ch.done:
		return nil, &apiError{
			status: http.StatusUnprocessableEntity, Code: "authentication_challenge_previously_verified",
			Message: "The authentication challenge has already been verified.",
		}
	}
	state := f.answer(ch, in.Code.value)
	switch state {
	case codeBlocked:
		return nil, codeError(state)
	case codeExpired:
		return nil, &apiError{
			status: http.StatusUnprocessableEntity, Code: "authentication_challenge_expired",
			Message: "The authentication challenge has expired.",
		}
	}
	return struct {
		Challenge challengeObject `json:"challenge"`
		Valid     bool            `json:"valid"`
	}{ch.object(), state == codeAccepted}, nil
}

// challenge returns the challenge with this ID. It returns nil if the challenge or its factor does not exist.
func (f *Server) challenge(id string) *challenge {
	ch := f.challenges[id]
	if ch == nil {
		return nil
	}
	if _, factor := f.factor(ch.factorID); factor == nil {
		return nil
	}
	return ch
}

// totpGrant answers RouteTOTP, which continues a sign-in after mfa_challenge or mfa_enrollment.
func (f *Server) totpGrant(p parameters) (*authentication, *apiError) {
	if apiErr := p.require("code", "pending_authentication_token", "authentication_challenge_id"); apiErr != nil {
		return nil, apiErr
	}
	pending, apiErr := f.pendingFor(p, stepMFA)
	if apiErr != nil {
		return nil, apiErr
	}
	ch := f.challenge(p["authentication_challenge_id"])
	if ch == nil {
		return nil, notFound("Authentication Challenge", p["authentication_challenge_id"])
	}
	if holder, _ := f.factor(ch.factorID); holder.ID != pending.userID {
		return nil, notFound("Authentication Challenge", ch.id)
	}
	if ch.done {
		return nil, codeError(codeUsed)
	}
	apiErr = codeError(f.answer(ch, p["code"]))
	f.emitGrant("mfa", f.accountByID(pending.userID), p, apiErr)
	if apiErr != nil {
		return nil, apiErr
	}
	pending.secondFactor = true
	return f.resume(p)
}
