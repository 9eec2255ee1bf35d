// The second factor: the code that the user's authenticator app shows.

package main

import (
	"net/http"

	"github.com/authkit-go/authkit/workos"
)

func totpScreen(pending pendingSignIn) screen {
	return screen{page: totpPage, code: codeFromApp, Email: pending.Email}
}

func (a *application) showTOTP(w http.ResponseWriter, _ *http.Request, pending pendingSignIn) {
	show(w, http.StatusOK, totpScreen(pending))
}

// submitTOTP sends the code to WorkOS. A code answers a challenge. The challenge is created with the first attempt, since
// the app shows a code at any time. Further attempts use the same challenge, so that WorkOS can count them.
func (a *application) submitTOTP(w http.ResponseWriter, r *http.Request, pending pendingSignIn) {
	if pending.ChallengeID == "" {
		challenge, err := a.workos.ChallengeAuthFactor(r.Context(), pending.FactorID)
		if err != nil {
			a.handleResult(w, r, totpScreen(pending), nil, err)
			return
		}
		pending.ChallengeID = challenge.ID
		if !a.savePending(w, r, pending) {
			return
		}
	}
	auth, err := a.workos.AuthenticateWithTOTP(r.Context(), pending.totpParams(r))
	a.handleResult(w, r, totpScreen(pending), auth, err)
}

// totpParams returns the parameters that answer the challenge with the code in the form.
func (p pendingSignIn) totpParams(r *http.Request) workos.AuthenticateWithTOTPParams {
	return workos.AuthenticateWithTOTPParams{
		PendingAuthenticationToken: p.Token, AuthenticationChallengeID: p.ChallengeID, Code: codeField(r), UserAgent: r.UserAgent(),
	}
}
