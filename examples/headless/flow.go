// What is remembered of a sign-in between two of its steps, in a sealed cookie. Nothing of it is in a form or a URL.

package main

import (
	"net/http"
	"slices"

	"github.com/authkit-go/authkit"
)

// Where a sign-in may have come to. Each is the path of the page that goes on from there.
const (
	stepCode         = "/login/code/enter"
	stepVerify       = "/login/verify"
	stepEnroll       = "/login/authenticator"
	stepTOTP         = "/login/totp"
	stepOrganization = "/login/organization"
	stepMethods      = "/login/methods"
	stepSSO          = "/login/sso"
	stepElsewhere    = "/login/elsewhere"
	stepReset        = "/reset-password"
)

// flow is a sign-in on its way. Which fields are set depends on the step.
type flow struct {
	Step     string `json:",omitempty"`
	ReturnTo string `json:",omitempty"` // the page to go to in the end

	Email        string   `json:",omitempty"`
	UserID       string   `json:",omitempty"`
	Pending      string   `json:",omitempty"` // WorkOS's token for the sign-in so far
	Verification string   `json:",omitempty"` // the ID of the mail with the code
	Resent       bool     `json:",omitempty"` // it was sent once more
	Factor       string   `json:",omitempty"` // the ID of an authenticator app, or of one that is being set up
	Secret       string   `json:",omitempty"` // of one that is being set up
	Challenge    string   `json:",omitempty"` // the ID of what its code answers
	Connection   string   `json:",omitempty"` // of single sign-on
	Methods      []string `json:",omitempty"` // that an organization permits
	ResetToken   string   `json:",omitempty"` // out of the mailed link
}

// flow is what this browser remembers, if anything.
func (a *application) flow(r *http.Request) flow {
	var f flow
	if a.authkit.LoadStep(r, &f) != nil {
		return flow{}
	}
	return f
}

// remember replaces what this browser remembers. Where that is too much for a cookie, it has answered.
func (a *application) remember(w http.ResponseWriter, r *http.Request, f flow) bool {
	err := a.authkit.SaveStep(w, f)
	if err != nil {
		a.authkit.Fail(w, r, err)
	}
	return err == nil
}

// goTo takes a sign-in to its next step.
func (a *application) goTo(w http.ResponseWriter, r *http.Request, f flow) {
	if a.remember(w, r, f) {
		http.Redirect(w, r, f.Step, http.StatusSeeOther)
	}
}

// at is for the handlers of steps: they get the sign-in that is at one of theirs. Whoever has none, because it took more
// than ten minutes or another tab began a new one, starts over.
func (a *application) at(handler func(http.ResponseWriter, *http.Request, flow), steps ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f := a.flow(r)
		if !slices.Contains(steps, f.Step) {
			a.startOver(w, r, "This sign-in took too long, or went on in another tab. Please start again.")
			return
		}
		handler(w, r, f)
	}
}

// startOver shows the first page, and says why. All that is still remembered is where the person was going.
func (a *application) startOver(w http.ResponseWriter, r *http.Request, why string) {
	if a.remember(w, r, flow{ReturnTo: a.flow(r).ReturnTo}) {
		at := signInScreen("")
		at.Problem.Text = why
		show(w, http.StatusBadRequest, at)
	}
}

// cancel gives a sign-in up, and leads to another one.
func (a *application) cancel(w http.ResponseWriter, r *http.Request) {
	f := a.flow(r)
	if f.Step == stepEnroll {
		a.dropFactor(r, f)
	}
	if a.remember(w, r, flow{ReturnTo: f.ReturnTo}) {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	}
}

// hints are what sign-in pages elsewhere are told of a sign-in that began here.
func (a *application) hints(r *http.Request) authkit.LoginParams {
	f := a.flow(r)
	return authkit.LoginParams{LoginHint: f.Email, ReturnTo: f.ReturnTo}
}
