// The rotation of the cookie password, step by step as docs/production.md describes it.

package behaviour

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit"
)

func TestACookiePasswordRotatesWithoutASignIn(t *testing.T) {
	for name, opts := range bothSeals {
		t.Run(name, func(t *testing.T) { testACookiePasswordRotates(t, opts) })
	}
}

func testACookiePasswordRotates(t *testing.T, opts []authkit.Option) {
	next := strings.Repeat("another-password-", 2)
	before := NewApp(t, AppOptions{AuthKit: opts})
	with := func(current string, previous ...string) *App {
		return NewInstance(t, before.Fake, before.Clock, AppOptions{AuthKit: append([]authkit.Option{authkit.WithCookiePassword(current, previous...)}, opts...)})
	}
	first, second, after := with(Password, next), with(next, Password), with(next)
	serves := func(instance *App, cookie, why string) {
		t.Helper()
		assert.Contains(t, instance.Send(Request{Target: "/", Cookie: cookie}).Body, Kim, why)
	}
	cookie := before.SignedIn(Kim).CookieHeader()

	serves(first, cookie, "an instance with (old, new) opens what the old password sealed")
	before.ExpireToken(0)
	cookie = first.Send(Request{Target: "/", Cookie: cookie}).NewCookie(t)
	serves(before, cookie, "(old, new) still seals with the old password, so an instance that has only that one opens it")

	serves(second, cookie, "an instance with (new, old) opens what the old password sealed")
	before.ExpireToken(0)
	cookie = second.Send(Request{Target: "/", Cookie: cookie}).NewCookie(t)
	serves(first, cookie, "an instance with (old, new) opens what the new password sealed")
	serves(after, cookie, "the refreshed cookie needs the new password only")
}
