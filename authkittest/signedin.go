// Signing in, for tests of what comes after it.

package authkittest

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// SignedInClient returns an http.Client that is signed in to the application under test. It goes to loginURL, the
// application's own sign-in address, signs in as the person with the address email as Browser.SignIn does, and follows
// the callback: all of it over HTTP. The test fails when that leads anywhere but to a page of the application.
func (f *Server) SignedInClient(tb testing.TB, loginURL, email string) *http.Client {
	tb.Helper()
	b := newTestBrowser(tb)
	if _, err := b.SignIn(loginURL, email); err != nil {
		tb.Fatal(err)
	}
	return b.Client
}

// SignIn goes to an address of the application that leads to the sign-in page, signs in as the person with the address
// email, takes the first organization if there is a choice, and returns the page of the application that it ends on. It
// fails when no sign-in page comes, also because the browser is signed in already; when the person is not one of those
// offered; and when the application answers with a status of 400 or more.
func (b *Browser) SignIn(loginURL, email string) (*Page, error) {
	page, err := b.Get(loginURL)
	if err != nil {
		return nil, err
	}
	form, button, offered := page.button("email", email)
	if !offered {
		return nil, fmt.Errorf("authkittest: the login address led to no sign-in page that offers %q but to %v", email, page)
	}
	signInPage := page.URL
	if page, err = b.submit(form, button, nil); err != nil {
		return nil, err
	}
	if form, button, asked := page.button("organization_id", ""); asked && origin(page.URL) == origin(signInPage) {
		if page, err = b.submit(form, button, nil); err != nil {
			return nil, err
		}
	}
	switch {
	case origin(page.URL) == origin(signInPage):
		return nil, fmt.Errorf("authkittest: signing in as %q did not lead back to the application but to %v", email, page)
	case page.StatusCode >= http.StatusBadRequest:
		return nil, fmt.Errorf("authkittest: after signing in as %q the application answered %v", email, page)
	}
	return page, nil
}

// button finds a button by its name and, unless that is empty, its value.
func (p *Page) button(name, value string) (Form, Button, bool) {
	for _, form := range p.Forms {
		i := slices.IndexFunc(form.Buttons, func(b Button) bool { return b.Name == name && (value == "" || b.Value == value) })
		if i >= 0 {
			return form, form.Buttons[i], true
		}
	}
	return Form{}, Button{}, false
}
