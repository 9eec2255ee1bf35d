// Sign-in for tests: SignedInClient and Browser.SignIn.

package authkittest

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"testing"
)

// maxSignInPages is how many pages of one sign-in SignIn submits. A sign-in at a provider that continues on the hosted pages has
// at most three.
const maxSignInPages = 4

// SignedInClient returns an http.Client that is signed in to the application under test. loginURL is the application's login
// page, or a page that redirects to it. SignedInClient signs in as the user with this email address over HTTP, as
// [Browser.SignIn] does. It fails the test if SignIn returns an error.
//
// The client's GETs are navigations and follow redirects. An anonymous GET of a guarded page ends at the fake's sign-in page
// with 200. Compare response.Request.URL, or set Sec-Fetch-Mode.
func (f *Server) SignedInClient(tb testing.TB, loginURL, email string) *http.Client {
	tb.Helper()
	b := newTestBrowser(tb)
	if _, err := b.SignIn(loginURL, email); err != nil {
		tb.Fatal(err)
	}
	return b.Client
}

// SignIn signs in as the user with this email address. loginURL is an address of the application that redirects to the
// sign-in page. If there is a choice of organizations, SignIn chooses the first. If the application redirects to another
// sign-in page, because the sign-in needs a further step, SignIn chooses the same user there. It returns the page of the
// application to which the sign-in redirects. It returns an error in these cases:
//
//   - loginURL does not redirect to the sign-in page, for example because the browser is already signed in;
//   - the sign-in page does not offer the user;
//   - the sign-in does not redirect back to the application, for example because an Action denies it. The error has the text of
//     the sign-in page, which [Browser.Page] returns;
//   - the callback of the application answers with a status of 400 or more, or the page to which it redirects does. That page
//     may answer 403, 404 or 405: the user has no right to see it, or the application has no page at "/".
func (b *Browser) SignIn(loginURL, email string) (*Page, error) {
	page, err := b.Get(loginURL)
	if err != nil {
		return nil, err
	}
	form, button, offered := page.button("email", email)
	if !offered && page.hasButton("Create account") {
		return nil, fmt.Errorf("authkittest: SignIn: the login URL redirected to a sign-up page, %v: open it with Get, then call Submit(\"Create account\", …)", page)
	}
	if !offered {
		return nil, fmt.Errorf("authkittest: SignIn: the login URL did not redirect to a sign-in page that offers %q; it redirected to %v", email, page)
	}
	signInPage := page.URL
	for range maxSignInPages {
		if page, err = b.submit(form, button, nil); err != nil {
			return nil, err
		}
		if page.StatusCode >= http.StatusBadRequest { // the same form again would have the same answer
			break
		}
		var asked bool
		if form, button, asked = page.button("organization_id", ""); !asked {
			form, button, asked = page.button("email", email)
		}
		if !asked || origin(page.URL) != origin(signInPage) {
			break
		}
	}
	switch {
	case origin(page.URL) == origin(signInPage):
		return nil, fmt.Errorf("authkittest: SignIn as %q: the sign-in did not redirect back to the application; it redirected to %v%s", email, page, page.problem())
	case page.StatusCode >= http.StatusBadRequest && !page.isLanding():
		return nil, fmt.Errorf("authkittest: SignIn as %q: the application answered %v", email, page)
	}
	return page, nil
}

// problemText matches the problem on a page of the fake.
var problemText = regexp.MustCompile(`<p class="problem" role="alert">([^<]*)</p>`)

// problem returns the problem on a page of the fake, after a colon, or "".
func (p *Page) problem() string {
	match := problemText.FindStringSubmatch(p.Body)
	if match == nil {
		return ""
	}
	return ": " + html.UnescapeString(match[1])
}

// isLanding reports whether the application has completed a sign-in and has then answered that there is no page, or not for
// this user. The callback completes a sign-in and then redirects.
func (p *Page) isLanding() bool {
	switch p.StatusCode {
	case http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		return p.redirectedBy != nil && origin(p.redirectedBy) == origin(p.URL)
	}
	return false
}

// hasButton reports whether the page has a button with this text.
func (p *Page) hasButton(text string) bool {
	return slices.ContainsFunc(p.Forms, func(f Form) bool {
		return slices.ContainsFunc(f.Buttons, func(b Button) bool { return b.Text == text })
	})
}

// button returns the first button with this name and value, and its form. An empty value matches every value.
func (p *Page) button(name, value string) (Form, Button, bool) {
	for _, form := range p.Forms {
		i := slices.IndexFunc(form.Buttons, func(b Button) bool { return b.Name == name && (value == "" || b.Value == value) })
		if i >= 0 {
			return form, form.Buttons[i], true
		}
	}
	return Form{}, Button{}, false
}
