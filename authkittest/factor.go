// Factors: what a person proves besides the password.

package authkittest

import (
	"cmp"
	"slices"
	"time"
)

// Factor is an authenticator app, or a telephone, that proves a person's identity by its codes. Printing one shows no
// secret.
type Factor struct {
	ID     string // "auth_factor_…"; derived from the address and Secret when empty
	Secret string `json:"-"` // base32, for TOTP; made up when empty
	Issuer string // which the app shows; "AuthKit" when empty
	User   string // which the app shows; the person's address when empty

	kind                 string // "totp", "sms" or "generic_otp"
	phoneNumber          string
	usedStep             int64     // the latest time step whose code was accepted: none is accepted twice
	createdAt, updatedAt time.Time // zero for a factor that the person came with
}

// String tells the ID and not the secret.
func (t Factor) String() string { return "authkittest.Factor(" + t.ID + ")" }

// GoString is String, for %#v.
func (t Factor) GoString() string { return t.String() }

// withDefaults fills in what the caller left open.
func (t Factor) withDefaults(email string) Factor {
	t.kind = cmp.Or(t.kind, "totp")
	if t.kind == "totp" {
		t.Secret = cmp.Or(t.Secret, newTOTPSecret())
		t.Issuer = cmp.Or(t.Issuer, "AuthKit")
		t.User = cmp.Or(t.User, email)
	}
	t.ID = cmp.Or(t.ID, stableID("auth_factor", email+t.Secret))
	return t
}

// accepts tells whether a code of the app is right now, and spends its time step if so.
func (t *Factor) accepts(code string, now time.Time) codeState {
	key, err := totpKey(t.Secret)
	if err != nil {
		return codeWrong // a seeded secret that no app could have either
	}
	for step := totpStep(now) - totpSkew; step <= totpStep(now)+totpSkew; step++ {
		switch {
		case hotp(key, step) != code:
		case step <= t.usedStep:
			return codeUsed
		default:
			t.usedStep = step
			return codeAccepted
		}
	}
	return codeWrong
}

// holder is whose factors are meant: a user, or nobody for one that was enrolled by itself.
func (f *Server) holder(userID string) *account {
	if userID == "" {
		return &f.unassigned
	}
	return f.accountByID(userID)
}

// factor finds a factor and whose it is.
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
