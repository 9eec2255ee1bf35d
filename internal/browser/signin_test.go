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
			b.visit(address)
			b.sees("Other site")
			want := map[string]string{"with JavaScript": "on", "without JavaScript": "off"}[v.name]
			assert.Equal(t, want, b.title())
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
				b.visit(home)
				b.sees("Welcome")
				b.click("Account page")
				b.sees("Sign in")
				require.NotEqual(t, home, b.origin())
				b.click("Ada Okafor")
				b.sees("Your account")
				assert.Equal(t, home+"/account", b.url())
				assert.Contains(t, b.text(), "ada@harborpress.test")
				require.Equal(t, []string{"authkit-session"}, names(b.cookies()), "the state cookie is deleted")
				b.click("Home")
				b.sees("Hello, Ada")
				b.click("Sign out")
				b.sees("Welcome")
				assert.Equal(t, home+"/", b.url())
				assert.Empty(t, b.cookies())
				b.click("Account page")
				b.sees("Sign in")
				assert.NotEqual(t, home, b.origin(), "the session ended at AuthKit, too")
				b.nothingBlocked()
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
			b.visit(home)
			b.click("Account page")
			b.sees("Sign in")
			assert.Equal(t, home, b.origin())
			b.fill("email", "chiara@example.com")
			b.fill("password", "wrong"+enter)
			b.sees("Sign in")
			assert.Contains(t, b.text(), "The email address or the password is wrong")
			b.fill("password", authkittest.DefaultPassword+enter)
			b.sees("Choose an organization")
			b.click("Pine Street Studio")
			b.sees("Your account")
			assert.Equal(t, home+"/account", b.url())
			assert.Contains(t, b.text(), "chiara@example.com")
			require.Equal(t, []string{"authkit-session"}, names(b.cookies()), "the step cookie is deleted")
			b.click("Sign out")
			b.sees("Welcome")
			assert.Empty(t, b.cookies())
			b.nothingBlocked()
		})
	}
}

func TestASignInReturnsToExactlyTheRequestedURL(t *testing.T) {
	t.Parallel()
	home := startExample(t, "stdlib")
	for _, target := range []string{"/account?tab=sessions&q=a%20b&q=%C3%A9%2F%3F", "/account?next=https://other.test/", "/account?"} {
		t.Run(target, func(t *testing.T) {
			b := open(t)
			b.visit(home + target)
			b.sees("Sign in")
			b.click("Ada Okafor")
			b.sees("Your account")
			assert.Equal(t, home+target, b.url())
		})
	}
}

// The script does what htmx does with an element of the page: it sends the headers of htmx and obeys HX-Redirect.
func TestAPartOfAPageLeadsToSignInAndBackToItsPage(t *testing.T) {
	t.Parallel()
	a := newApp(t, appOptions{})
	b := open(t)
	page := a.url + "/open?page=2#row-7"
	b.visit(page)
	b.sees("Public page")
	const part = `return fetch("/api/me", {headers: {"HX-Request": "true", "HX-Current-URL": location.href}}).then(response => {
		const target = response.headers.get("HX-Redirect");
		if (target) setTimeout(() => location.href = target);
		return response.status;
	})`
	var status int
	b.run(part, &status)
	require.Equal(t, http.StatusUnauthorized, status)
	b.sees("Sign in")
	b.click("Kim Oduya")
	b.sees("Public page")
	assert.Equal(t, page, b.url())
	b.run(part, &status)
	assert.Equal(t, http.StatusOK, status)
}

func TestANewUserCreatesAnAccountInABrowser(t *testing.T) {
	t.Parallel()
	home := startExample(t, "stdlib")
	b := open(t)
	b.visit(home)
	b.click("Create an account")
	b.sees("Create your account")
	b.fill("email", "zoe@example.com")
	b.fill("first_name", "Zoë")
	b.fill("last_name", "Ødegård"+enter)
	b.sees("Hello, Zoë")
	assert.Equal(t, home+"/", b.url())
	b.nothingBlocked()
}

func TestSignInAndSignOutWorkWithTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	home := startExample(t, "stdlib")
	b := open(t)
	b.visit(home)
	b.tabTo("Account page")
	b.press(enter)
	b.sees("Sign in")
	b.tabTo("Cancel and go back")
	b.press(enter)
	b.sees("Sign-in was cancelled")
	b.tabTo("Try again")
	b.press(enter)
	b.sees("Sign in")
	b.tabTo("Ada Okafor")
	b.press(enter)
	b.sees("Your account")
	assert.Equal(t, home+"/account", b.url())
	b.tabTo("Sign out")
	b.press(enter)
	b.sees("Welcome")
	assert.Empty(t, b.cookies())
}

// tabTo moves the focus to the link or button with this text, and asserts that the focus is visible.
func (b *tab) tabTo(text string) {
	b.t.Helper()
	for range 30 {
		b.press(tabKey)
		var focus struct {
			Text    string
			Visible bool
		}
		b.run(`const e = document.activeElement, s = getComputedStyle(e);
			return {text: e.matches("a, button") ? e.textContent : "", visible: s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 1}`, &focus)
		if strings.Contains(focus.Text, text) {
			assert.True(b.t, focus.Visible, "the focus on %q is not visible", text)
			return
		}
	}
	require.Fail(b.t, "the keyboard does not reach the element", text)
}

func TestTwoTabsOfABrowserSignInConcurrently(t *testing.T) {
	t.Parallel()
	home := startExample(t, "stdlib")
	for _, order := range []string{"the first finishes first", "the last finishes first"} {
		t.Run(order, func(t *testing.T) {
			b := open(t)
			tabs := map[string]string{b.handle(): home + "/account?tab=one", b.newTab(): home + "/account?tab=two"}
			handles := b.handles()
			for _, handle := range handles {
				b.switchTo(handle)
				b.visit(tabs[handle])
				b.sees("Sign in")
			}
			if order == "the last finishes first" {
				slices.Reverse(handles)
			}
			for _, handle := range handles {
				b.switchTo(handle)
				b.click("Ada Okafor")
				b.sees("Your account")
				assert.Equal(t, tabs[handle], b.url())
			}
			b.switchTo(handles[0])
			b.reload()
			b.sees("Your account")
			assert.Equal(t, []string{"authkit-session"}, names(b.cookies()), "both state cookies are deleted")
		})
	}
}

func TestACancelledSignInShowsAPageAndCanBeRetried(t *testing.T) {
	t.Parallel()
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			home := startExample(t, "stdlib")
			b := v.open(t)
			b.visit(home + "/account?tab=1")
			b.click("Cancel and go back")
			b.sees("Sign-in was cancelled")
			assert.Equal(t, home, b.origin())
			assert.Empty(t, b.cookies(), "the state cookie is deleted")
			b.click("Try again")
			b.sees("Sign in")
			b.click("Ada Okafor")
			b.sees("Your account")
			assert.Equal(t, home+"/account?tab=1", b.url(), "the return path is kept")
			b.nothingBlocked()
		})
	}
}

func TestTheInvalidStatePageLinksToANewSignIn(t *testing.T) {
	t.Parallel()
	home := startExample(t, "stdlib")
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			b := v.open(t)
			b.visit(home + "/callback?state=of-another-browser&code=theirs")
			b.sees("This sign-in can't be finished")
			b.click("Sign in")
			b.sees("Sign in")
			b.click("Ada Okafor")
			b.sees("Hello, Ada")
			assert.Equal(t, home+"/", b.url())
		})
	}
}
