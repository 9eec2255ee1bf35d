// The suite: return paths to other origins.

package behaviour

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testrun"
)

// everyForm is which of its encodings a return path to another origin has besides the plain one: all, or every second one.
var everyForm = testrun.Length(2, 1)

func TestAReturnPathOfAnotherOriginRedirectsToTheRoot(t *testing.T, a *Instance) {
	forms := slices.Clone(encodedOrigins)
	forms = append(forms, unsafeTargets...)
	for i, hostile := range otherOrigins {
		for j, form := range encoded(hostile) {
			if j == 0 || (i+j)%everyForm == 0 {
				forms = append(forms, form)
			}
		}
	}
	for _, form := range forms {
		s := a.StartSignInAs("/login?return_to="+url.QueryEscape(form), Kim)
		resp := a.finishSignIn(s)
		require.Equal(t, http.StatusSeeOther, resp.Status, "%q", form)
		assert.Equal(t, []string{"/"}, resp.Header["Location"], "%q", form)
	}
}

func TestAReturnPathOfThisOriginIsKeptUnchanged(t *testing.T, a *Instance) {
	for _, path := range []string{
		"/", "/account", "/account?tab=1#top", "/account?next=//evil.example", "/account?next=https://evil.example/%0d%0a",
		`/account?next=/\evil.example`, "/account#//evil.example", "/a%20b", "/javascript:alert(1)", "/@evil.example", "/evil.example",
		"/account//evil.example", "/open/https://example.com/x", "/open/https%3A%2F%2Fexample.com", "/files/C:%5Cnotes", "/account%0D%0ALocation:%20x",
		"/account?" + strings.Repeat("x", 2000), "/deep/" + strings.Repeat("x", 2000),
	} {
		resp := a.finishSignIn(a.StartSignInAs("/login?return_to="+url.QueryEscape(path), Kim))
		assert.Equal(t, []string{path}, resp.Header["Location"])
	}
	resp := a.finishSignIn(a.StartSignInAs("/login?return_to=/account&return_to=//evil.example", Kim))
	assert.Equal(t, "/account", resp.Header.Get("Location"), "the first parameter is used, later ones are ignored")
}

func TestTheRetryLinkOfACancelledSignInStaysOnThisOrigin(t *testing.T, a *Instance) {
	for _, hostile := range slices.Concat(otherOrigins, encodedOrigins, unsafeTargets) {
		s := a.StartSignInAs("/login?return_to="+url.QueryEscape(hostile), Kim)
		resp := a.Send(Request{Target: s.With("code", "") + "&error=access_denied", Cookie: s.Cookie, Header: Navigation()})
		assert.Equal(t, http.StatusForbidden, resp.Status)
		assert.Contains(t, resp.Body, `href="/login"`, "%q", hostile)
		assert.NotContains(t, resp.Body, "evil")
	}
}

// A guarded page takes its own URL as the return path. Some of these requests do not reach it, which is as safe.
func TestAHostileRequestTargetRedirectsOnlyToThisOrigin(t *testing.T, a *Instance) {
	landed := map[string]string{}
	for _, line := range []string{
		"/account?next=//evil.example", "/account?next=https://evil.example/%0d%0", `/account?next=/\evil.example`, "/account?\\evil.example",
		"/account?%0d%0aLocation:%20https://evil.example", "/account?", "/account?a=1&a=2;b", "/account%3F//evil.example",
		"//evil.example", "///evil.example", "//evil.example/account", "//evil.example/..;/account", `/\evil.example`, `/\evil.example/account`,
		"/%5Cevil.example/account", "/%2Fevil.example/account", "/%252Fevil.example/account", "/deep//evil.example", "/deep/%2F%2Fevil.example",
		`/deep/\evil.example`, "/deep/%5C%5Cevil.example", "/deep/%09/evil.example", "/deep/..%2F%2Fevil.example", "/deep/%0D%0ALocation:%20https://evil.example",
		"/account/..//evil.example", "http://evil.example/account", "http://evil.example//account", "https://evil.example/account",
		"http://evil.example/deep/x", "/account?" + strings.Repeat("x", 2000), "/deep/" + strings.Repeat("x", 2000),
		"/account?" + strings.Repeat("x", 3000), "/deep/" + strings.Repeat("x", 3000),
	} {
		resp := a.raw("GET "+line+" HTTP/1.1", "Host: evil.example", "Accept: text/html")
		location := resp.Header.Get("Location")
		if !strings.HasPrefix(location, a.Fake.URL()) {
			assert.Less(t, resp.Status, 500, line)
			checkSameOrigin(t, location, line)
			continue
		}
		authorize, err := url.Parse(location)
		require.NoError(t, err)
		assert.Equal(t, a.URL+"/callback", authorize.Query().Get("redirect_uri"))
		back := a.finishSignIn(a.continueSignIn(resp, Kim))
		require.Equal(t, http.StatusSeeOther, back.Status)
		landed[line] = back.Header.Get("Location")
		checkSameOrigin(t, landed[line], line)
	}
	for line, want := range map[string]string{
		"/account?next=//evil.example":                    "/account?next=//evil.example",
		"/account?" + strings.Repeat("x", 2000):           "/account?" + strings.Repeat("x", 2000),
		"/account?" + strings.Repeat("x", 3000):           "/",
		"http://evil.example/account":                     "/",
		"/account?%0d%0aLocation:%20https://evil.example": "/account?%0d%0aLocation:%20https://evil.example",
	} {
		assert.Equal(t, want, landed[line], line)
	}
}

// otherOrigins are targets that some browser, proxy or router resolves to another origin, and targets that are no path.
var otherOrigins = []string{
	`//evil.example`, `///evil.example`, `////evil.example`, `/\evil.example`, `\/evil.example`, `\\evil.example`, `/\/evil.example`,
	`\evil.example`, `//\evil.example`, `/\\evil.example`, `//evil.example@localhost`, `/.//evil.example`, `/..//evil.example`,
	`/account/..//evil.example`, `/account\..\\evil.example`, `/%2e//evil.example`,
	`https://evil.example`, `https:/evil.example`, `https:evil.example`, `HTTPS://evil.example`, `://evil.example`, `evil.example`,
	`javascript:alert(1)`, `JavaScript:alert(1)`, `data:text/html,evil`, `vbscript:evil`, `mailto:evil@evil.example`,
	"/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "/\r\n/evil.example", "\t//evil.example", "\r\n//evil.example",
	" //evil.example", " https://evil.example", "java\tscript:alert(1)", "/\x00/evil.example", "/\x0b/evil.example", "/\x7f/evil.example",
	`?//evil.example`, `#//evil.example`, ``, `/%zz`,
}

// unsafeTargets are refused as they are. Their encoded forms are paths on this origin.
var unsafeTargets = []string{
	"/account\r\nLocation: https://evil.example", "/account\r\nSet-Cookie: authkit-session=evil", "/account\t", `/account\x`,
	`/` + strings.Repeat("a", 2<<10),
}

// encodedOrigins are such targets with percent-encoded parts.
var encodedOrigins = []string{
	`/%2Fevil.example`, `/%252Fevil.example`, `/%5Cevil.example`, `/%255Cevil.example`, `/%09/evil.example`, `%2F%2Fevil.example`,
	`/%252Fevil.example/%25zz`,
}

// encoded returns a target unchanged and percent-encoded, once and twice. For a path it adds the forms whose first slash is
// not encoded.
func encoded(target string) []string {
	everyOctet := func(s string) string {
		const hex = "0123456789ABCDEF"
		var b strings.Builder
		for _, c := range []byte(s) {
			b.WriteString("%" + hex[c>>4:c>>4+1] + hex[c&15:c&15+1])
		}
		return b.String()
	}
	forms := []string{target, everyOctet(target), everyOctet(everyOctet(target))}
	// With its first slash, the encoded form is still a path. A target with a scheme has no such form.
	if rest, ok := strings.CutPrefix(target, "/"); ok && len(target) < 100 && target != "/%zz" {
		forms = append(forms, "/"+everyOctet(rest), "/"+everyOctet(everyOctet(rest)))
	}
	return forms
}

// checkSameOrigin checks that a Location stays on this origin. It parses the Location as browsers do
// (https://url.spec.whatwg.org/#concept-basic-url-parser): it drops tabs and line breaks, and reads a backslash as a slash.
// Two slashes at the start begin a host.
func checkSameOrigin(t *testing.T, location, why string) {
	t.Helper()
	if location == "" {
		return
	}
	seen := strings.NewReplacer("\t", "", "\r", "", "\n", "", `\`, "/").Replace(strings.Trim(location, " "))
	path, _, _ := strings.Cut(seen, "?")
	if decoded, err := url.PathUnescape(path); err == nil {
		path = strings.ReplaceAll(decoded, `\`, "/")
	}
	assert.True(t, strings.HasPrefix(seen, "/") && !strings.HasPrefix(path, "//"), "%q leads to %q", why, location)
}
