// The example as a program without configuration: what it prints is enough to sign in as each of its users.

package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/examples/internal/demo/demotest"
)

func TestTheHeadlessExampleRunsAsAProgram(t *testing.T) {
	t.Parallel()
	demotest.Program(t, func(b *authkittest.Browser) (*authkittest.Page, error) {
		return b.Submit("Sign in", url.Values{"email": {ada}, "password": {password}})
	})
}

func TestTheHeadlessExampleNamesEveryInvalidSettingAtStartAndNoSecret(t *testing.T) {
	t.Parallel()
	demotest.InvalidSettings(t)
}

func TestEveryUserOfTheHeadlessExampleCanSignIn(t *testing.T) {
	t.Parallel()
	program := demotest.Start(t, map[string]string{"ADDR": "localhost:0"})
	s := &site{t: t, home: program.Address(), secrets: newSecrets(t)}

	// message returns the code or the link in the next message, whose line begins with prefix.
	message := func(t *testing.T, prefix string) string {
		t.Helper()
		line := program.Line()
		require.True(t, strings.HasPrefix(line, prefix+": "), line)
		parts := strings.Split(strings.TrimSpace(line), ": ")
		text := parts[len(parts)-1]
		s.secrets.add("code", text)
		if link, err := url.Parse(text); err == nil {
			s.secrets.add("token", link.Query().Get("token"))
			s.secrets.add("invitation token", link.Query().Get("invitation_token"))
		}
		return text
	}
	// mail returns the code or the link in the next email to an address.
	mail := func(t *testing.T, email string) string {
		t.Helper()
		return message(t, "Mail to "+email)
	}
	for line := ""; !strings.HasPrefix(line, "This is a fake AuthKit"); line = program.Line() {
		if p, found := strings.CutPrefix(line, "Their password is: "); found {
			assert.Equal(t, password, strings.TrimSpace(p))
		}
	}

	t.Run("with a code by email", func(t *testing.T) {
		p := s.newPerson()
		p.askForCode(ada)
		p.press("Continue", "code", wrongCode)
		p.assertPage(stepCode, http.StatusUnprocessableEntity)
		p.press("Continue", "code", mail(t, ada))
		p.assertSignedIn("/", ada)
	})
	t.Run("with a new account", func(t *testing.T) {
		p := s.newPerson()
		p.signUp(kim, "short")
		p.assertPage("/signup", http.StatusUnprocessableEntity)
		p.press("Create account", "password", password)
		p.press("Continue", "code", mail(t, kim))
		p.assertSignedIn("/", kim)
	})
	t.Run("with an address to verify", func(t *testing.T) {
		p := s.newPerson()
		p.signIn("tomas@example.com", password)
		mail(t, "tomas@example.com")
		p.press("Send a new code")
		p.press("Continue", "code", mail(t, "tomas@example.com"))
		p.assertSignedIn("/", "tomas@example.com")
	})
	t.Run("with an authenticator app", func(t *testing.T) {
		p := s.newPerson()
		p.signIn("noor@example.com", password)
		p.press("Show the QR code")
		p.press("Continue", "code", wrongCode)
		p.assertPage(stepEnroll, http.StatusUnprocessableEntity)
		p.press("Continue", "code", authkittest.TOTP(p.secret(), time.Now()))
		p.assertSignedIn("/", "noor@example.com")
	})
	t.Run("with a check by email", func(t *testing.T) {
		p := s.newPerson()
		p.signIn("yuki@example.com", password)
		p.press("Continue", "code", mail(t, "yuki@example.com"))
		p.assertSignedIn("/", "yuki@example.com")
	})
	t.Run("with a check by SMS", func(t *testing.T) {
		p := s.newPerson()
		p.signIn("ines@example.com", password)
		p.press("Send the code", "phone_number", phone)
		p.press("Continue", "code", message(t, "SMS to "+phone))
		p.assertSignedIn("/", "ines@example.com")
	})
	t.Run("with a choice of organizations", func(t *testing.T) {
		p := s.newPerson()
		p.signIn(chiara, password)
		p.press("Pine Street Studio")
		p.assertSignedIn("/", chiara)
	})
	t.Run("with single sign-on", func(t *testing.T) {
		p := s.newPerson()
		p.signIn("sol@bigcorp.test", password)
		p.press("Sol Kim")
		p.assertSignedIn("/", "SSO")
	})
	t.Run("with a new password", func(t *testing.T) {
		p := s.newPerson()
		p.requestReset(unknownUser)
		p.requestReset(dev)
		_, err := p.Get(mail(t, dev))
		require.NoError(t, err)
		p.press("Set password", "password", newPassword)
		p.follow("Sign in")
		p.press("Sign in", "email", dev, "password", newPassword)
		p.assertSignedIn("/", dev)
	})
	t.Run("with an invitation", func(t *testing.T) {
		admin := s.newPerson()
		admin.atTeam()
		admin.press("Send invitation", "email", unknownUser)
		p := s.newPerson()
		_, err := p.Get(mail(t, unknownUser))
		require.NoError(t, err)
		p.press("Create account and join", "password", password)
		p.assertSignedIn("/", unknownUser)
	})
	assert.Zero(t, program.Stop())
}
