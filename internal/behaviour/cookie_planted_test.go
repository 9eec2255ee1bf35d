// Cookies of the session's name that an attacker has planted: another host of the domain, or a network attacker over plain
// HTTP. They must prevent neither sign-in nor sign-out.

package behaviour

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
)

// plantedCookie is a cookie that the attacker has set.
type plantedCookie struct{ name, value, domain, path string }

// scope is the Domain and Path of a planted cookie. A cookie can only be deleted with the same Domain and Path, and the
// Cookie header contains neither.
type scope struct{ name, domain, path string }

// scopes omits a Domain equal to the application's host: net/http/cookiejar takes such a cookie for the host-only one. The
// tests in a browser cover it.
var scopes = []scope{
	{"host-only at the root", "", "/"},
	{"host-only at a path", "", "/account"},
	{"parent domain at the root", "example.test", "/"},
	{"parent domain at a path", "example.test", "/account"},
}

// otherPath returns the scope with the other path.
func (s scope) otherPath() scope {
	if s.path == "/" {
		s.path = "/account"
	} else {
		s.path = "/"
	}
	return s
}

// plantCase is one set of cookies to plant in a scope.
type plantCase struct {
	name string
	// cookies returns the cookies to plant. victim is the session in the browser, nil before the sign-in. attacker is the
	// session of the attacker.
	cookies func(s scope, name string, victim, attacker []plantedCookie) []plantedCookie
	// otherUser reports whether a valid session of the attacker is planted. In a browser without another session, the
	// application cannot distinguish it from a session of its own.
	otherUser bool
	// explained reports whether the response may be a page that explains the cookie conflict.
	explained func(form string) bool
}

func never(string) bool  { return false }
func always(string) bool { return true }

// plantOneCookie plants one cookie.
func plantOneCookie(suffix, value string) func(scope, string, []plantedCookie, []plantedCookie) []plantedCookie {
	return func(s scope, name string, _, _ []plantedCookie) []plantedCookie {
		return []plantedCookie{{name + suffix, value, s.domain, s.path}}
	}
}

var plantCases = []plantCase{
	{"an invalid whole cookie", plantOneCookie("", "x"), false, never},
	{"an empty cookie", plantOneCookie("", ""), false, never},
	{"a first chunk", plantOneCookie(".0", "x"), false, never},
	{"a second chunk", plantOneCookie(".1", "x"), false, never},
	// Beside three chunks, an eighth one looks like the end of a session with missing chunks.
	{"an eighth chunk", plantOneCookie(".7", "x"), false, func(form string) bool { return form == inChunks }},
	{"a duplicate with the same value", func(s scope, name string, _, _ []plantedCookie) []plantedCookie {
		return []plantedCookie{{name, "x", s.domain, s.path}, {name, "x", s.otherPath().domain, s.otherPath().path}}
	}, false, never},
	{"a duplicate with another value", func(s scope, name string, _, _ []plantedCookie) []plantedCookie {
		return []plantedCookie{{name, "x", s.domain, s.path}, {name, "y", s.otherPath().domain, s.otherPath().path}}
	}, false, never},
	{"a copy of the session", func(s scope, _ string, victim, _ []plantedCookie) (all []plantedCookie) {
		for _, c := range victim {
			all = append(all, plantedCookie{c.name, c.value, s.domain, s.path})
		}
		return all
	}, false, never},
	{"a session of another user", func(s scope, name string, _, attacker []plantedCookie) []plantedCookie {
		return []plantedCookie{{name, attacker[0].value, s.domain, s.path}}
	}, true, always},
	{"a session of another user as a first chunk", func(s scope, name string, _, attacker []plantedCookie) []plantedCookie {
		return []plantedCookie{{name + ".0", attacker[0].value, s.domain, s.path}}
	}, true, always},
	{"twenty cookies", func(s scope, name string, _, _ []plantedCookie) (all []plantedCookie) {
		for _, s := range []scope{s, s.otherPath()} {
			all = append(all, plantedCookie{name, "x", s.domain, s.path})
			for i := range 9 {
				all = append(all, plantedCookie{fmt.Sprintf("%s.%d", name, i), "x", s.domain, s.path})
			}
		}
		return all
	}, false, always},
}

const inChunks = "a session in chunks"

// sessionForm is one form of the victim's session.
type sessionForm struct {
	name, cookie, email string
	opts                []authkit.Option
}

var sessionForms = []sessionForm{
	{"a session in one cookie", sessionCookie, Kim, nil},
	{inChunks, sessionCookie, val, nil},
	{"a shared session", "wos-session", Kim, []authkit.Option{authkit.WithSharedSession()}},
}

// whenPlanted is when cookies are planted, relative to the sign-in. Those before and after it pass the same steps as those before it.
var whenPlanted = testrun.Length([]string{"after", "before and after"}, []string{"before", "after", "before and after"})

// onePlanted is whether each set of cookies in each scope comes once, and not beside each form of the session and at each time. Then
// each set also comes beside each form, and at both times.
var onePlanted = testrun.Length(true, false)

func TestCookiesPlantedByAnotherHostBlockNeitherSignInNorSignOut(t *testing.T) {
	t.Parallel()
	for f, form := range sessionForms {
		t.Run(form.name, func(t *testing.T) {
			h := newTwoHosts(t, form.opts...)
			for i, p := range plantCases {
				for j, s := range scopes {
					for k, when := range whenPlanted {
						onlyAfter := p.cookies(s, form.cookie, nil, []plantedCookie{{}}) == nil // before, no session exists that could be copied
						if onePlanted && (f != (i+j)%len(sessionForms) || k != (i+j)/2%2 && !onlyAfter) {
							continue
						}
						if p.otherUser && p.replacesSession(s, form) {
							continue // it cannot be distinguished from a session that signed in here
						}
						if when != "after" && onlyAfter {
							continue
						}
						t.Run(p.name+" "+s.name+", "+when+" the sign-in", func(t *testing.T) {
							h.checkPlanted(t, form, p, s, when)
						})
					}
				}
			}
		})
	}
}

// replacesSession reports whether the planted cookies overwrite the session cookie.
func (p *plantCase) replacesSession(s scope, form sessionForm) bool {
	return form.name != inChunks && slices.ContainsFunc(p.cookies(s, form.cookie, nil, []plantedCookie{{value: "x"}}), func(c plantedCookie) bool {
		return c.name == form.cookie && c.domain == "" && c.path == "/"
	})
}

// checkPlanted plants cookies in a browser, signs in and out there, and checks that the user reaches the page and that a
// copied session cookie is refused after the sign-out.
func (h *twoHosts) checkPlanted(t *testing.T, form sessionForm, p plantCase, s scope, when string) {
	v := h.newUser(t, form.cookie, form.email)
	var attackerSession []plantedCookie
	if p.otherUser {
		attacker := h.newUser(t, form.cookie, lee)
		attacker.checkAccount(appURL+"/account", false)
		attackerSession = attacker.session()
	}
	explained := p.explained(form.name)
	if when == "after" {
		v.checkAccount(appURL+"/account", false)
	} else {
		v.plant(p.cookies(s, form.cookie, nil, attackerSession)...)
		start := appURL + "/account"
		if p.otherUser {
			start = appURL + "/login?return_to=/account" // until the sign-in, the only session is the attacker's
		}
		v.checkAccount(start, explained)
	}
	if when != "before" {
		v.plant(p.cookies(s, form.cookie, v.session(), attackerSession)...)
	}
	v.checkAccount(appURL+"/account", explained)
	v.checkAccount(appURL+"/account", explained)

	copied := v.copiedCookies()
	require.NotEmpty(t, copied)
	v.signOut()
	assert.Empty(t, v.others, "a page shows another user")
	checkRefused(t, h.App, copied, "at once")
	h.waitUntil(t, func() bool { return activeSessions(h.Fake, v.since, form.email) == 0 })
	h.Clock.Advance(6 * time.Minute)
	checkRefused(t, h.App, copied, "after six minutes")
	checkRefused(t, h.other, copied, "after six minutes, at the other instance")
}

// checkRefused checks that a fetch with only this cookie is answered 401.
func checkRefused(t *testing.T, a *App, cookie, when string) {
	t.Helper()
	resp, err := a.Do(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
	require.NoError(t, err)
	assert.Equal(t, 401, resp.Status, when)
	assert.NotContains(t, resp.Body, "@example.com", when)
}

// activeSessions returns how many sessions of a user can still be refreshed. It skips the first after sessions of the fake.
func activeSessions(fake *authkittest.Server, after int, email string) (n int) {
	for _, s := range fake.Sessions()[after:] {
		if s.Email == email && s.Active() {
			n++
		}
	}
	return n
}
