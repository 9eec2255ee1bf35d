// Second factors of a user.

package authkittest

import (
	"cmp"
	"slices"
	"time"
)

// Factor is a second factor of a user, such as an authenticator app (TOTP). Its printed form does not show the secret.
type Factor struct {
	ID     string // "auth_factor_…"; derived from the address and Secret when empty
	Secret string `json:"-"` // of TOTP, in base32; generated when empty
	Issuer string // shown in the app; "AuthKit" when empty
	User   string // account name shown in the app; the user's email address when empty

	kind                 string // "totp", "sms" or "generic_otp"
	phoneNumber          string
	usedStep             int64     // latest time step whose code was accepted; no step is accepted twice
	createdAt, updatedAt time.Time // zero for a factor from User.Factors
}

// String returns the ID. It does not show the secret.
func (f Factor) String() string { return "authkittest.Factor(" + f.ID + ")" }

// GoString returns String, for %#v.
func (f Factor) GoString() string { return f.String() }

// withDefaults returns f with defaults for its empty fields.
func (f Factor) withDefaults(email string) Factor {
	f.kind = cmp.Or(f.kind, "totp")
	if f.kind == "totp" {
		f.Secret = cmp.Or(f.Secret, newTOTPSecret())
		f.Issuer = cmp.Or(f.Issuer, "AuthKit")
		f.User = cmp.Or(f.User, email)
	}
	f.ID = cmp.Or(f.ID, stableID("auth_factor", email+f.Secret))
	return f
}

// accepts checks a TOTP code at a time. A correct code uses up its time step.
func (f *Factor) accepts(code string, now time.Time) codeState {
	key, err := totpKey(f.Secret)
	if err != nil {
		return codeWrong // Secret is not base32, so no code is correct
	}
	for step := totpStep(now) - totpSkew; step <= totpStep(now)+totpSkew; step++ {
		switch {
		case hotp(key, step) != code:
		case step <= f.usedStep:
			return codeUsed
		default:
			f.usedStep = step
			return codeAccepted
		}
	}
	return codeWrong
}

// holder returns the account that holds the factors of a user ID. For an empty ID it returns f.unassigned.
func (f *Server) holder(userID string) *account {
	if userID == "" {
		return &f.unassigned
	}
	return f.accountByID(userID)
}

// factor returns a factor and the account that holds it.
func (f *Server) factor(id string) (*account, *Factor) {
	for _, holder := range append(slices.Clone(f.accounts), &f.unassigned) {
		for i := range holder.Factors {
			if holder.Factors[i].ID == id {
				return holder, &holder.Factors[i]
			}
		}
	}
	return nil, nil
}
