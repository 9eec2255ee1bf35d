// The pages: their templates, and the data that they show.

package main

import (
	"embed"
	"html/template"
	"net/http"

	"github.com/authkit-go/authkit/examples/internal/demo"
	"github.com/authkit-go/authkit/workos"
)

//go:embed pages
var files embed.FS

var (
	signInPage       = parse("sign-in")
	signUpPage       = parse("sign-up")
	invitationPage   = parse("invitation")
	teamPage         = parse("team")
	codeRequestPage  = parse("code-request")
	codePage         = parse("code")
	totpPage         = parse("totp")
	enrollmentPage   = parse("enrollment")
	phonePage        = parse("phone")
	smsPage          = parse("sms")
	organizationPage = parse("organization")
	methodsPage      = parse("methods")
	hostedStepPage   = parse("hosted-step")
	resetRequestPage = parse("reset-request")
	resetSentPage    = parse("reset-sent")
	newPasswordPage  = parse("new-password")
	resetDonePage    = parse("reset-done")
	failurePage      = parse("failure")
)

func parse(page string) *template.Template {
	return demo.Parse(files, "pages/parts.html", "pages/"+page+".html")
}

// screen is a page with its data. The data never contains a token, a code or the ID of a challenge.
type screen struct {
	page *template.Template
	code codeSource // of the code that the page asks for
	// invitationToken is the invitation that the forms of the page accept. Templates cannot read it.
	invitationToken string

	Problem problem
	Info    string // a notice that is not a problem

	Email, FirstName, LastName string
	PhoneNumber                string

	Action    string // the form action of the page for a code by email
	Resent    bool   // the code was sent again
	CanResend bool   // the page offers to send the code again

	QRCode  template.URL // only in the response that creates the authenticator app
	AppLink template.URL // an otpauth URL, with the content of the QR code
	Secret  string       // the secret in it, to type in; empty before the app is created

	InvitationForm invitationForm
	Organization   string // of the invitation, or of the team
	Inviter        string // the name of the user who invites
	SignedInAs     string // the email address of the session's user

	Invitations []teamInvitation

	Organizations []workos.OrganizationChoice
	Methods       []method

	Title, Text, Link, Label string // of the failure page
}

func show(w http.ResponseWriter, status int, s screen) { demo.Show(w, status, s.page, s) }
