// The pages, and what they show.

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
	signInPage        = parse("sign-in")
	signUpPage        = parse("sign-up")
	codeRequestPage   = parse("code-request")
	codePage          = parse("code")
	totpPage          = parse("totp")
	enrollmentPage    = parse("enrollment")
	organizationPage  = parse("organization")
	methodsPage       = parse("methods")
	elsewherePage     = parse("elsewhere")
	forgottenPage     = parse("forgotten")
	forgottenSentPage = parse("forgotten-sent")
	newPasswordPage   = parse("new-password")
	resetDonePage     = parse("reset-done")
	failurePage       = parse("failure")
)

func parse(page string) *template.Template {
	return demo.Parse(files, "pages/parts.html", "pages/"+page+".html")
}

// screen is a page with what is on it. There is never a token, a code or the ID of a challenge among that.
type screen struct {
	page *template.Template
	code codeKind // of the code that the page asks for

	Problem problem
	Info    string // good news

	Email, FirstName, LastName string

	Action    string // where a mailed code goes
	Resent    bool   // it was mailed again
	Renewable bool   // it can be

	QRCode  template.URL // empty once it was shown
	AppLink template.URL // the same for the phone that the page is on
	Secret  string       // the same for typing in; empty before there is one

	Organizations []workos.OrganizationChoice
	Ways          []way

	Title, Text, Link, Label string // of a failure
}

func show(w http.ResponseWriter, status int, s screen) { demo.Show(w, status, s.page, s) }
