// Sign-in in a browser, with the examples as programs.

package browser_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/chromium"
)

// variants are the variants of the browser.
var variants = []struct {
	name string
	open func(*testing.T) *tab
}{
	{"with JavaScript", open},
	{"without JavaScript", openWithoutScripts},
}

func TestOnlyTheBrowserWithJavaScriptRunsScripts(t *testing.T) {
	t.Parallel()
	address := newSite(t, "localhost", "<title>off</title><script>document.title = 'on'</script>")
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			b := v.open(t)
			b.Visit(address)
			b.Sees("Other site")
			want := map[string]string{"with JavaScript": "on", "without JavaScript": "off"}[v.name]
			assert.Equal(t, want, b.Title())
		})
	}
}

func TestTheExamplesWorkByLinksAndButtonsAlone(t *testing.T) {
	t.Parallel()
	for _, example := range []string{"stdlib", "chi"} {
		for _, v := range variants {
			t.Run(example+", "+v.name, func(t *testing.T) {
				home := startExample(t, example)
				b := v.open(t)
				b.Visit(home)
				b.Sees("Welcome")
				b.Click("Account page")
				b.Sees("Sign in")
				require.NotEqual(t, home, b.Origin())
				b.Click("Ada Okafor")
				b.Sees("Your account")
				assert.Equal(t, home+"/account", b.URL())
				assert.Contains(t, b.Text(), "ada@harborpress.test")
				require.Equal(t, []string{"authkit-session"}, chromium.Names(b.Cookies()), "the state cookie is deleted")
				b.Click("Home")
				b.Sees("Hello, Ada")
				b.Click("Sign out")
				b.Sees("Welcome")
				assert.Equal(t, home+"/", b.URL())
				assert.Empty(t, b.Cookies())
				b.Click("Account page")
				b.Sees("Sign in")
				assert.NotEqual(t, home, b.Origin(), "the session ended at AuthKit, too")
				b.NothingBlocked()
			})
		}
	}
}

func TestAUserSignsInWithTheFormsOfTheHeadlessExample(t *testing.T) {
	t.Parallel()
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			home := startExample(t, "headless")
			b := v.open(t)
			b.Visit(home)
			b.Click("Account page")
			b.Sees("Sign in")
			assert.Equal(t, home, b.Origin())
			b.Fill("email", "chiara@example.com")
			b.Fill("password", "wrong"+chromium.Enter)
			b.Sees("Sign in")
			assert.Contains(t, b.Text(), "The email address or the password is wrong")
			b.Fill("password", authkittest.DefaultPassword+chromium.Enter)
			b.Sees("Choose an organization")
			b.Click("Pine Street Studio")
			b.Sees("Your account")
			assert.Equal(t, home+"/account", b.URL())
			assert.Contains(t, b.Text(), "chiara@example.com")
			require.Equal(t, []string{"authkit-session"}, chromium.Names(b.Cookies()), "the step cookie is deleted")
			b.Click("Sign out")
			b.Sees("Welcome")
			assert.Empty(t, b.Cookies())
			b.NothingBlocked()
		})
	}
}

func TestASignInReturnsToExactlyTheRequestedURL(t *testing.T) {
	t.Parallel()
	home := startExample(t, "stdlib")
	for _, target := range []string{"/account?tab=sessions&q=a%20b&q=%C3%A9%2F%3F", "/account?next=https://other.test/", "/account?"} {
		t.Run(target, func(t *testing.T) {
			b := open(t)
			b.Visit(home + target)
			b.Sees("Sign in")
			b.Click("Ada Okafor")
			b.Sees("Your account")
			assert.Equal(t, home+target, b.URL())
		})
	}
}

// The script does what htmx does with an element of the page: it sends the headers of htmx and obeys HX-Redirect.
func TestAPartOfAPageLeadsToSignInAndBackToItsPage(t *testing.T) {
	t.Parallel()
	a := newApp(t, appOptions{})
	b := open(t)
	page := a.url + "/open?page=2#row-7"
	b.Visit(page)
	b.Sees("Public page")
	const part = `return fetch("/api/me", {headers: {"HX-Request": "true", "HX-Current-URL": location.href}}).then(response => {
		const target = response.headers.get("HX-Redirect");
		if (target) setTimeout(() => location.href = target);
		return response.status;
	})`
	var status int
	b.Run(part, &status)
	require.Equal(t, http.StatusUnauthorized, status)
	b.Sees("Sign in")
	b.Click("Kim Oduya")
	b.Sees("Public page")
	assert.Equal(t, page, b.URL())
	b.Run(part, &status)
	assert.Equal(t, http.StatusOK, status)
}

func TestANewUserCreatesAnAccountInABrowser(t *testing.T) {
	t.Parallel()
	home := startExample(t, "stdlib")
	b := open(t)
	b.Visit(home)
	b.Click("Create an account")
	b.Sees("Create your account")
	b.Fill("email", "zoe@example.com")
	b.Fill("first_name", "Zoë")
	b.Fill("last_name", "Ødegård"+chromium.Enter)
	b.Sees("Hello, Zoë")
	assert.Equal(t, home+"/", b.URL())
	b.NothingBlocked()
}

func TestSignInAndSignOutWorkWithTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	home := startExample(t, "stdlib")
	b := open(t)
	b.Visit(home)
	b.tabTo("Account page")
	b.Press(chromium.Enter)
	b.Sees("Sign in")
	b.tabTo("Cancel and go back")
	b.Press(chromium.Enter)
	b.Sees("Sign-in was cancelled")
	b.tabTo("Try again")
	b.Press(chromium.Enter)
	b.Sees("Sign in")
	b.tabTo("Ada Okafor")
	b.Press(chromium.Enter)
	b.Sees("Your account")
	assert.Equal(t, home+"/account", b.URL())
	b.tabTo("Sign out")
	b.Press(chromium.Enter)
	b.Sees("Welcome")
	assert.Empty(t, b.Cookies())
}

// tabTo moves the focus to the link or button with this text, and asserts that the focus is visible.
func (b *tab) tabTo(text string) {
	b.T.Helper()
	for range 30 {
		b.Press(chromium.TabKey)
		var focus struct {
			Text    string
			Visible bool
		}
		b.Run(`const e = document.activeElement, s = getComputedStyle(e);
			return {text: e.matches("a, button") ? e.textContent : "", visible: s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 1}`, &focus)
		if strings.Contains(focus.Text, text) {
			assert.True(b.T, focus.Visible, "the focus on %q is not visible", text)
			return
		}
	}
	require.Fail(b.T, "the keyboard does not reach the element", text)
}

func TestTwoTabsOfABrowserSignInConcurrently(t *testing.T) {
	t.Parallel()
	home := startExample(t, "stdlib")
	for _, order := range []string{"the first finishes first", "the last finishes first"} {
		t.Run(order, func(t *testing.T) {
			b := open(t)
			tabs := map[string]string{b.Handle(): home + "/account?tab=one", b.NewTab(): home + "/account?tab=two"}
			handles := b.Handles()
			for _, handle := range handles {
				b.SwitchTo(handle)
				b.Visit(tabs[handle])
				b.Sees("Sign in")
			}
			if order == "the last finishes first" {
				slices.Reverse(handles)
			}
			for _, handle := range handles {
				b.SwitchTo(handle)
				b.Click("Ada Okafor")
				b.Sees("Your account")
				assert.Equal(t, tabs[handle], b.URL())
			}
			b.SwitchTo(handles[0])
			b.Reload()
			b.Sees("Your account")
			assert.Equal(t, []string{"authkit-session"}, chromium.Names(b.Cookies()), "both state cookies are deleted")
		})
	}
}

func TestACancelledSignInShowsAPageAndCanBeRetried(t *testing.T) {
	t.Parallel()
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			home := startExample(t, "stdlib")
			b := v.open(t)
			b.Visit(home + "/account?tab=1")
			b.Click("Cancel and go back")
			b.Sees("Sign-in was cancelled")
			assert.Equal(t, home, b.Origin())
			assert.Empty(t, b.Cookies(), "the state cookie is deleted")
			b.Click("Try again")
			b.Sees("Sign in")
			b.Click("Ada Okafor")
			b.Sees("Your account")
			assert.Equal(t, home+"/account?tab=1", b.URL(), "the return path is kept")
			b.NothingBlocked()
		})
	}
}

func TestTheInvalidStatePageLinksToANewSignIn(t *testing.T) {
	t.Parallel()
	home := startExample(t, "stdlib")
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			b := v.open(t)
			b.Visit(home + "/callback?state=of-another-browser&code=theirs")
			b.Sees("This sign-in can't be finished")
			b.Click("Sign in")
			b.Sees("Sign in")
			b.Click("Ada Okafor")
			b.Sees("Hello, Ada")
			assert.Equal(t, home+"/", b.URL())
		})
	}
}
