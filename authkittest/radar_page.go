// The page on which a user whom Radar challenges enters the code.

package authkittest

import (
	"net/http"
	"strings"
)

// radarPage asks for the code, or for the phone number to which it is sent.
func (f *Server) radarPage(_ *http.Request, a *authorization) pageResponse {
	if a.radar == nil {
		return redirect(http.StatusSeeOther, a.path())
	}
	return f.showRadar(http.StatusOK, a, "")
}

func (f *Server) showRadar(status int, a *authorization, problem string) pageResponse {
	v := f.view(a)
	v.Problem = problem
	switch {
	case a.radar.mailed != nil:
		v.SentTo = a.radar.mailed.email
	case a.radar.texted != nil:
		v.SentTo = a.radar.texted.phoneNumber
	}
	return showPage(status, "radar", v)
}

// submitRadar sends a code to the number in the form, sends another code, or checks the code in the form.
func (f *Server) submitRadar(r *http.Request, a *authorization) pageResponse {
	if a.radar == nil {
		return redirect(http.StatusSeeOther, a.path())
	}
	number := strings.TrimSpace(r.PostForm.Get("phone_number"))
	switch {
	case r.PostForm.Has("again"):
		return f.sendRadarAgain(a)
	case a.radar.mailed == nil && a.radar.texted == nil && !a.radar.accepts(number):
		return f.showRadar(http.StatusUnprocessableEntity, a, "Enter a phone number with its country code, such as +15005550006.")
	case a.radar.mailed == nil && a.radar.texted == nil:
		f.textCode(a.radar, number)
		return redirect(http.StatusSeeOther, a.path()+"/radar")
	}
	code := strings.TrimSpace(r.PostForm.Get("code"))
	var state codeState
	if a.radar.mailed != nil {
		state = f.redeem(a.radar.mailed, code)
	} else {
		state = a.radar.texted.redeem(code, f.clock.Now())
	}
	if apiErr := codeError(state); apiErr != nil {
		return f.showRadar(http.StatusUnprocessableEntity, a, apiErr.Message)
	}
	a.radar = nil
	f.passRadar(&a.result, askerOf(r))
	f.updateBrowserSession(a.result)
	return f.finishAuthorization(a)
}

// sendRadarAgain sends another code to the same address or number. Without one, the page asks for the number.
func (f *Server) sendRadarAgain(a *authorization) pageResponse {
	switch {
	case a.radar.mailed != nil:
		a.radar.mailed = f.mailChallenge(f.accountByID(a.result.userID))
	case a.radar.texted != nil:
		f.textCode(a.radar, a.radar.texted.phoneNumber)
	}
	return redirect(http.StatusSeeOther, a.path()+"/radar")
}
