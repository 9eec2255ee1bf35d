// A1 and A2: cookies that another host of the domain, or somebody on the way, has put beside the application's own.

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
)

// planted is a cookie of the attacker's.
type planted struct{ name, value, domain, path string }

// scope is a Domain and a Path. Deleting a cookie needs both as they were set, and no request tells them.
type scope struct{ name, domain, path string }

// (One with the application's own host for a Domain is left to the tests in a browser: net/http/cookiejar takes it for
// the very cookie.)
var scopes = []scope{
	{"the very cookie", "", "/"},
	{"of a path", "", "/account"},
	{"of the parent domain", "example.test", "/"},
	{"of the parent domain and a path", "example.test", "/account"},
}

// beside is the scope with the other path.
func (s scope) beside() scope {
	if s.path == "/" {
		s.path = "/account"
	} else {
		s.path = "/"
	}
	return s
}

// plant is one way to fill a scope.
type plant struct {
	name string
	// cookies are planted in a browser in which mine is the session, if there is one, and theirs is the attacker's own.
	cookies func(s scope, name string, mine, theirs []planted) []planted
	// anothers reports whether what is planted is a valid session. Nothing tells whose a browser is that has no other one.
	anothers bool
	// explained reports whether the person may be shown what is in the way in place of the page.
	explained func(form string) bool
}

func never(string) bool  { return false }
func always(string) bool { return true }

// single is a plant of one cookie.
func single(suffix, value string) func(scope, string, []planted, []planted) []planted {
	return func(s scope, name string, _, _ []planted) []planted {
		return []planted{{name + suffix, value, s.domain, s.path}}
	}
}

var plants = []plant{
	{"a whole one of junk", single("", "x"), false, never},
	{"an empty one", single("", ""), false, never},
	{"a first part", single(".0", "x"), false, never},
	{"a second part", single(".1", "x"), false, never},
	// Beside three parts an eighth looks like the end of a session that has lost the parts between.
	{"an eighth part", single(".7", "x"), false, func(form string) bool { return form == inParts }},
	{"one that came twice with the same value", func(s scope, name string, _, _ []planted) []planted {
		return []planted{{name, "x", s.domain, s.path}, {name, "x", s.beside().domain, s.beside().path}}
	}, false, never},
	{"one that came twice with two values", func(s scope, name string, _, _ []planted) []planted {
		return []planted{{name, "x", s.domain, s.path}, {name, "y", s.beside().domain, s.beside().path}}
	}, false, never},
	{"a copy of the session itself", func(s scope, _ string, mine, _ []planted) (all []planted) {
		for _, c := range mine {
			all = append(all, planted{c.name, c.value, s.domain, s.path})
		}
		return all
	}, false, never},
	{"another person's session", func(s scope, name string, _, theirs []planted) []planted {
		return []planted{{name, theirs[0].value, s.domain, s.path}}
	}, true, always},
	{"another person's session as a first part", func(s scope, name string, _, theirs []planted) []planted {
		return []planted{{name + ".0", theirs[0].value, s.domain, s.path}}
	}, true, always},
	{"twenty of them", func(s scope, name string, _, _ []planted) (all []planted) {
		for _, s := range []scope{s, s.beside()} {
			all = append(all, planted{name, "x", s.domain, s.path})
			for i := range 9 {
				all = append(all, planted{fmt.Sprintf("%s.%d", name, i), "x", s.domain, s.path})
			}
		}
		return all
	}, false, always},
}

const inParts = "a session in parts"

// sessionForm is a form that the victim's session may have.
type sessionForm struct {
	name, cookie, email string
	opts                []authkit.Option
}

var sessionForms = []sessionForm{
	{"a whole session", sessionCookie, Kim, nil},
	{inParts, sessionCookie, val, nil},
	{"a session that is shared", "wos-session", Kim, []authkit.Option{authkit.WithSharedSession()}},
}

func TestCookiesPlantedByAnotherHostBlockNeitherSignInNorSignOut(t *testing.T) {
	for _, form := range sessionForms {
		t.Run(form.name, func(t *testing.T) {
			h := newTwoHosts(t, form.opts...)
			for _, p := range plants {
				for _, s := range scopes {
					for _, when := range []string{"before", "after", "before and after"} {
						if p.anothers && p.takesPlace(s, form) {
							continue // nothing tells it from a session that was signed in to here
						}
						if when != "after" && p.cookies(s, form.cookie, nil, []planted{{}}) == nil {
							continue // there is no session yet to copy
						}
						t.Run(p.name+" "+s.name+", "+when+" the sign-in", func(t *testing.T) {
							h.goThrough(t, form, p, s, when)
						})
					}
				}
			}
		})
	}
}

// takesPlace reports whether a plant takes the place of the session itself.
func (p *plant) takesPlace(s scope, form sessionForm) bool {
	return form.name != inParts && slices.ContainsFunc(p.cookies(s, form.cookie, nil, []planted{{value: "x"}}), func(c planted) bool {
		return c.name == form.cookie && c.domain == "" && c.path == "/"
	})
}

// goThrough is what a person does in whose browser cookies are planted.
func (h *twoHosts) goThrough(t *testing.T, form sessionForm, p plant, s scope, when string) {
	v := h.person(t, form.cookie, form.email)
	var theirs []planted
	if p.anothers {
		attacker := h.person(t, form.cookie, lee)
		attacker.arrives(appURL+"/account", false)
		theirs = attacker.session()
	}
	explained := p.explained(form.name)
	if when == "after" {
		v.arrives(appURL+"/account", false)
	} else {
		v.plant(p.cookies(s, form.cookie, nil, theirs)...)
		start := appURL + "/account"
		if p.anothers {
			start = appURL + "/login?return_to=/account" // until they sign in, the browser is the attacker's
		}
		v.arrives(start, explained)
	}
	if when != "before" {
		v.plant(p.cookies(s, form.cookie, v.session(), theirs)...)
	}
	v.arrives(appURL+"/account", explained)
	v.arrives(appURL+"/account", explained)

	copied := v.copied()
	require.NotEmpty(t, copied)
	v.signOut()
	assert.Empty(t, v.others, "a page shows another person")
	isRefused(t, h.App, copied, "at once")
	h.passes(t, func() bool { return active(h.Fake, v.since, form.email) == 0 })
	h.Clock.Advance(6 * time.Minute)
	isRefused(t, h.App, copied, "after six minutes")
	isRefused(t, h.other, copied, "after six minutes, by the other instance")
}

// isRefused checks that a fetch with nothing but this cookie is refused.
func isRefused(t *testing.T, m *App, cookie, when string) {
	t.Helper()
	resp, err := m.Do(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
	require.NoError(t, err)
	assert.Equal(t, 401, resp.Status, when)
	assert.NotContains(t, resp.Body, "@example.com", when)
}

// active is how many sessions of somebody could still be refreshed.
func active(fake *authkittest.Server, after int, email string) (n int) {
	for _, s := range fake.Sessions()[after:] {
		if s.Email == email && s.Active() {
			n++
		}
	}
	return n
}
