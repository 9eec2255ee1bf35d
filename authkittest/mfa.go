// Multi-factor authentication: API calls for factors.

package authkittest

import (
	"encoding/base64"
	"slices"
	"time"
)

type factorObject struct {
	Object    string      `json:"object"`
	ID        string      `json:"id"`
	Type      string      `json:"type"`
	UserID    string      `json:"user_id,omitempty"`
	TOTP      *totpObject `json:"totp,omitempty"`
	SMS       *smsObject  `json:"sms,omitempty"`
	CreatedAt string      `json:"created_at"`
	UpdatedAt string      `json:"updated_at"`
}

// totpObject has its last three members only in the response to the enrollment.
type totpObject struct {
	Issuer string `json:"issuer"`
	User   string `json:"user"`
	Secret string `json:"secret,omitempty"`
	QRCode string `json:"qr_code,omitempty"`
	URI    string `json:"uri,omitempty"`
}

type smsObject struct {
	PhoneNumber string `json:"phone_number"`
}

// factorReference is a factor in the error mfa_challenge.
type factorReference struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

func (f *Factor) object(holder *account) factorObject {
	o := factorObject{
		Object: "authentication_factor", ID: f.ID, Type: f.kind, UserID: holder.ID,
		CreatedAt: timestamp(firstTime(f.createdAt, holder.createdAt)), UpdatedAt: timestamp(firstTime(f.updatedAt, holder.createdAt)),
	}
	switch f.kind {
	case "totp":
		o.TOTP = &totpObject{Issuer: f.Issuer, User: f.User}
	case "sms":
		o.SMS = &smsObject{PhoneNumber: f.phoneNumber}
	}
	return o
}

// firstTime returns a, or b if a is zero.
func firstTime(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}

// enrolled returns the object of a new factor, with the secret. Other calls do not show the secret.
func (f *Factor) enrolled(holder *account) (factorObject, *apiError) {
	o := f.object(holder)
	if o.TOTP == nil {
		return o, nil
	}
	o.TOTP.Secret, o.TOTP.URI = f.Secret, totpURI(f.Secret, f.Issuer, f.User)
	code, err := qrCode(o.TOTP.URI)
	if err != nil {
		return o, invalid(fieldProblem{Field: "totp_user", Code: "too_long", Message: err.Error()})
	}
	o.TOTP.QRCode = "data:image/png;base64," + base64.StdEncoding.EncodeToString(code)
	return o, nil
}

type enrollment struct {
	Type        optional[string] `json:"type"`
	Issuer      optional[string] `json:"totp_issuer"`
	User        optional[string] `json:"totp_user"`
	Secret      optional[string] `json:"totp_secret"`
	PhoneNumber optional[string] `json:"phone_number"`
	UserID      optional[string] `json:"user_id"`
}

// enroll adds a new factor to holder.
func (f *Server) enroll(holder *account, in enrollment) (*Factor, factorObject, *apiError) {
	now := f.clock.Now()
	factor := Factor{
		ID: newID("auth_factor"), kind: in.Type.value, Issuer: in.Issuer.value, User: in.User.value, Secret: in.Secret.value,
		phoneNumber: in.PhoneNumber.value, createdAt: now, updatedAt: now,
	}.withDefaults(holder.Email)
	key, err := totpKey(factor.Secret)
	switch {
	case in.Type.value == "totp" && (err != nil || len(key) == 0):
		return nil, factorObject{}, invalid(fieldProblem{Field: "totp_secret", Code: "invalid"})
	case in.Type.value == "sms" && factor.phoneNumber == "":
		return nil, factorObject{}, required("phone_number")
	case in.Type.value == "sms" && !isPhoneNumber(factor.phoneNumber):
		return nil, factorObject{}, invalid(fieldProblem{Field: "phone_number", Code: "invalid"})
	}
	object, apiErr := factor.enrolled(holder)
	if apiErr != nil {
		return nil, factorObject{}, apiErr
	}
	holder.Factors = append(holder.Factors, factor)
	return &holder.Factors[len(holder.Factors)-1], object, nil
}

// enrollUserFactor answers RouteEnrollUserFactor. The response contains a challenge with which the user can verify the new
// factor.
func (f *Server) enrollUserFactor(c *call) (any, *apiError) {
	user, apiErr := f.userOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in enrollment
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if in.Type.value != "totp" {
		return nil, invalid(fieldProblem{Field: "type", Code: "invalid"})
	}
	factor, object, apiErr := f.enroll(user, in)
	if apiErr != nil {
		return nil, apiErr
	}
	return struct {
		Factor    factorObject    `json:"authentication_factor"`
		Challenge challengeObject `json:"authentication_challenge"`
	}{object, f.newChallenge(factor, smsText).object()}, nil
}

// enrollFactor answers RouteEnrollFactor.
func (f *Server) enrollFactor(c *call) (any, *apiError) {
	var in enrollment
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if !slices.Contains([]string{"totp", "sms", "generic_otp"}, in.Type.value) {
		return nil, invalid(fieldProblem{Field: "type", Code: "invalid"})
	}
	holder := f.holder(in.UserID.value)
	if holder == nil {
		return nil, notFound("User", in.UserID.value)
	}
	_, object, apiErr := f.enroll(holder, in)
	return object, apiErr
}

// listUserFactors answers RouteListUserFactors.
func (f *Server) listUserFactors(c *call) (any, *apiError) {
	user, apiErr := f.userOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	return page(c, user.Factors, func(factor Factor) string { return factor.ID }, func(factor Factor) factorObject { return factor.object(user) })
}

// getFactor answers RouteGetFactor.
func (f *Server) getFactor(c *call) (any, *apiError) {
	holder, factor := f.factor(c.PathValue("id"))
	if factor == nil {
		return nil, notFound("Authentication Factor", c.PathValue("id"))
	}
	return factor.object(holder), nil
}

// deleteFactor answers RouteDeleteFactor.
func (f *Server) deleteFactor(c *call) (any, *apiError) {
	holder, factor := f.factor(c.PathValue("id"))
	if factor == nil {
		return nil, notFound("Authentication Factor", c.PathValue("id"))
	}
	id := factor.ID
	holder.Factors = slices.DeleteFunc(slices.Clone(holder.Factors), func(other Factor) bool { return other.ID == id })
	return nil, nil
}
