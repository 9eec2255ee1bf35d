// The pages on which a user signs in, signs up, chooses an organization or cancels.

package authkittest

import (
	"cmp"
	"net/http"
	"net/mail"
	"slices"
	"strings"
)

func (f *Server) registerPages() {
	f.own.HandleFunc("GET /style.css", serveStylesheet)
	f.own.HandleFunc("GET /signed-out", f.browse(f.signedOutPage))
	f.own.HandleFunc("GET /invite", f.browse(f.invitationPage))
	f.own.HandleFunc("GET /oauth2/complete", f.browse(f.externalAuthPage))
	f.own.HandleFunc("GET /portal", f.browse(f.portalPage))
	f.own.HandleFunc("GET /connect-account/{connection}", f.connecting(f.connectPage))
	f.own.HandleFunc("POST /connect-account/{connection}", f.connecting(f.finishConnection))
	f.own.HandleFunc("POST /connect-account/{connection}/cancel", f.connecting(f.cancelConnection))
	f.own.HandleFunc("GET /mailbox", f.browse(f.mailboxPage))
	f.own.HandleFunc("GET /device", f.browse(f.devicePage))
	f.own.HandleFunc("POST /device", f.browse(f.chooseDevice))
	for pattern, page := range map[string]func(*http.Request, *authorization) pageResponse{
		"GET /sign-in/{authorization}":               f.signInPage,
		"POST /sign-in/{authorization}":              f.chooseAccount,
		"GET /sign-in/{authorization}/sign-up":       f.signUpPage,
		"POST /sign-in/{authorization}/sign-up":      f.signUp,
		"GET /sign-in/{authorization}/organization":  f.organizationPage,
		"POST /sign-in/{authorization}/organization": f.chooseOrganization,
		"GET /sign-in/{authorization}/radar":         f.radarPage,
		"POST /sign-in/{authorization}/radar":        f.submitRadar,
		"GET /sign-in/{authorization}/device":        f.confirmPage,
		"POST /sign-in/{authorization}/device":       f.approveDevice,
		"GET /sign-in/{authorization}/consent":       f.consentPage,
		"POST /sign-in/{authorization}/consent":      f.allowClient,
		"POST /sign-in/{authorization}/cancel":       f.cancel,
	} {
		f.own.HandleFunc(pattern, f.browse(func(r *http.Request) pageResponse {
			a := f.authorizations[r.PathValue("authorization")]
			if a == nil {
				return notice(http.StatusNotFound, "This sign-in is over",
					"It was finished, cancelled, or left open for more than an hour. Go back to the application to start again.")
			}
			return page(r, a)
		}))
	}
}

// invitationPage is where the link of an invitation leads without WithInvitationURL.
func (f *Server) invitationPage(*http.Request) pageResponse {
	return notice(http.StatusOK, "You are invited",
		"Sign in or sign up at the application with the invitation_token of this address. WithInvitationURL makes the link lead there.")
}

func (f *Server) signInPage(_ *http.Request, a *authorization) pageResponse {
	v := f.view(a)
	v.Email = a.hint
	v.Users = f.choices(a)
	return showPage(http.StatusOK, "sign-in", v)
}

// chooseAccount signs in the user with the email address from a button or the form. For an unknown address it redirects to
// the sign-up page.
func (f *Server) chooseAccount(r *http.Request, a *authorization) pageResponse {
	email := strings.TrimSpace(r.PostForm.Get("email"))
	user := f.accountByEmail(email)
	if user == nil {
		if !isAddress(email) {
			return f.signInProblem(a, email, "Enter an email address such as kim@example.com.")
		}
		a.hint = email
		return redirect(http.StatusSeeOther, a.path()+"/sign-up")
	}
	if i := a.invitation; i != nil && !strings.EqualFold(i.email, email) {
		return f.signInProblem(a, email, invitedAnother)
	}
	if !a.admits(user) {
		return f.signInProblem(a, email, user.Name()+" is not a member of "+f.view(a).Organization+".")
	}
	return f.signIn(r, a, user)
}

// invitedAnother is the text for a user with another email address than that of the invitation.
const invitedAnother = "The invitation was sent to another address."

// admits reports whether a user can sign in to the organization of the request, if it has one.
func (a *authorization) admits(user *account) bool {
	_, member := user.membership(a.organizationID)
	return a.organizationID == "" || member || a.invitation != nil && a.invitation.organizationID == a.organizationID
}

func (f *Server) signInProblem(a *authorization, email, problem string) pageResponse {
	v := f.view(a)
	v.Email, v.Problem = email, problem
	v.Users = f.choices(a)
	return showPage(http.StatusUnprocessableEntity, "sign-in", v)
}

// signIn signs a user in. The fake asks for no proof.
func (f *Server) signIn(r *http.Request, a *authorization, user *account) pageResponse {
	result := signInResult{userID: user.ID, method: cmp.Or(a.method, user.AuthenticationMethod), authTime: f.clock.Now()}
	if f.actions.Authentication != "" {
		result.unasked = askerOf(r)
	}
	browser := askerOf(r)
	f.emitSignIn(signInResult{
		userID: user.ID, organizationID: a.organizationID, method: result.method, ipAddress: browser.ipAddress, userAgent: browser.userAgent,
	})
	a.result, a.radar = f.startBrowserSession(r, result), nil
	next := f.continueSignIn(a)
	next.cookie = f.cookie(a.result.browserID)
	return next
}

func (f *Server) signUpPage(_ *http.Request, a *authorization) pageResponse {
	v := f.view(a)
	v.Email = a.hint
	return showPage(http.StatusOK, "sign-up", v)
}

func (f *Server) signUp(r *http.Request, a *authorization) pageResponse {
	p := User{
		Email:     strings.TrimSpace(r.PostForm.Get("email")),
		FirstName: strings.TrimSpace(r.PostForm.Get("first_name")),
		LastName:  strings.TrimSpace(r.PostForm.Get("last_name")),
	}
	v := f.view(a)
	v.Email, v.FirstName, v.LastName = p.Email, p.FirstName, p.LastName
	switch {
	case !isAddress(p.Email):
		v.Problem = "Enter an email address such as kim@example.com."
	case a.invitation != nil && !strings.EqualFold(a.invitation.email, p.Email):
		v.Problem = invitedAnother
	case f.accountByEmail(p.Email) != nil:
		v.Problem = "There is an account with this address already. Sign in instead."
	default:
		if a.organizationID != "" && a.invitation == nil { // like an organization that admits users of its domain
			p.Memberships = []Membership{{OrganizationID: a.organizationID}}
		}
		return f.register(r, a, p)
	}
	return showPage(http.StatusUnprocessableEntity, "sign-up", v)
}

func (f *Server) organizationPage(_ *http.Request, a *authorization) pageResponse {
	if a.result.userID == "" {
		return redirect(http.StatusSeeOther, a.path())
	}
	user := f.accountByID(a.result.userID)
	v := f.view(a)
	v.Email = user.Email
	for _, m := range user.activeMemberships() {
		o, _ := f.organization(m.OrganizationID)
		v.Organizations = append(v.Organizations, organizationChoice{ID: o.ID, Name: o.Name, Role: m.role(), Initials: initials(o.Name)})
	}
	return showPage(http.StatusOK, "organization", v)
}

func (f *Server) chooseOrganization(r *http.Request, a *authorization) pageResponse {
	chosen := r.PostForm.Get("organization_id")
	user := f.accountByID(a.result.userID)
	if user == nil || !slices.ContainsFunc(user.activeMemberships(), func(m Membership) bool { return m.OrganizationID == chosen }) {
		return redirect(http.StatusSeeOther, a.path()+"/organization")
	}
	a.result.organizationID = chosen
	return f.finishAuthorization(a)
}

func (f *Server) cancel(_ *http.Request, a *authorization) pageResponse {
	delete(f.authorizations, a.id)
	if a.device != nil {
		return f.denyDevice(a)
	}
	return a.refuse("access_denied", "The user cancelled the sign-in.")
}

func isAddress(s string) bool {
	parsed, err := mail.ParseAddress(s)
	return err == nil && parsed.Address == s
}
