// The second factor of somebody who has one: the code that an authenticator app shows.

package main

import (
	"net/http"

	"github.com/authkit-go/authkit/workos"
)

func totpScreen(f flow) screen { return screen{page: totpPage, code: byApp, Email: f.Email} }

func (a *application) showTOTP(w http.ResponseWriter, _ *http.Request, f flow) {
	show(w, http.StatusOK, totpScreen(f))
}

// answerTOTP has WorkOS ask for the code only now that it is there: the app shows one all the time. Further attempts
// answer the same challenge, by which WorkOS counts them.
func (a *application) answerTOTP(w http.ResponseWriter, r *http.Request, f flow) {
	if f.Challenge == "" {
		challenge, err := a.workos.ChallengeAuthFactor(r.Context(), f.Factor)
		if err != nil {
			a.next(w, r, totpScreen(f), nil, err)
			return
		}
		f.Challenge = challenge.ID
		if !a.remember(w, r, f) {
			return
		}
	}
	auth, err := a.workos.AuthenticateWithTOTP(r.Context(), f.totp(r))
	a.next(w, r, totpScreen(f), auth, err)
}

// totp is the answer to the challenge that a sign-in waits for.
func (f flow) totp(r *http.Request) workos.AuthenticateWithTOTPParams {
	return workos.AuthenticateWithTOTPParams{
		PendingAuthenticationToken: f.Pending, AuthenticationChallengeID: f.Challenge, Code: typedCode(r), UserAgent: r.UserAgent(),
	}
}
