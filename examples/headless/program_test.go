// The example as a program, with nothing in its environment: what it prints is all that anybody needs.

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
	demotest.Program(t, func(b *authkittest.Browser) (*authkittest.Page, error) {
		return b.Submit("Sign in", url.Values{"email": {ada}, "password": {password}})
	})
}

func TestTheProgramTakesEverybodyInByTheirOwnSteps(t *testing.T) {
	program := demotest.Start(t, map[string]string{"ADDR": "localhost:0"})
	s := &site{t: t, home: program.Address(), secrets: newSecrets(t)}

	// mail is what the next message to an address says.
	mail := func(t *testing.T, email string) string {
		t.Helper()
		line := program.Line()
		require.True(t, strings.HasPrefix(line, "Mail to "+email+": "), line)
		parts := strings.Split(strings.TrimSpace(line), ": ")
		text := parts[len(parts)-1]
		s.secrets.add("code", text)
		if link, err := url.Parse(text); err == nil {
			s.secrets.add("token", link.Query().Get("token"))
		}
		return text
	}
	for line := ""; !strings.HasPrefix(line, "They are at a fake AuthKit"); line = program.Line() {
		if p, found := strings.CutPrefix(line, "Their password is: "); found {
			assert.Equal(t, password, strings.TrimSpace(p))
		}
	}

	t.Run("by a code", func(t *testing.T) {
		p := s.visitor()
		p.askForCode(ada)
		p.press("Continue", "code", wrongCode)
		p.sees(stepCode, http.StatusUnprocessableEntity)
		p.press("Continue", "code", mail(t, ada))
		p.isIn("/", ada)
	})
	t.Run("by a new account", func(t *testing.T) {
		p := s.visitor()
		p.signUp(kim, "short")
		p.sees("/signup", http.StatusUnprocessableEntity)
		p.press("Create account", "password", password)
		p.press("Continue", "code", mail(t, kim))
		p.isIn("/", kim)
	})
	t.Run("by a verified address", func(t *testing.T) {
		p := s.visitor()
		p.signIn("tomas@example.com", password)
		mail(t, "tomas@example.com")
		p.press("Send a new code")
		p.press("Continue", "code", mail(t, "tomas@example.com"))
		p.isIn("/", "tomas@example.com")
	})
	t.Run("by an authenticator app", func(t *testing.T) {
		p := s.visitor()
		p.signIn("noor@example.com", password)
		p.press("Show the QR code")
		p.press("Continue", "code", wrongCode)
		p.sees(stepEnroll, http.StatusUnprocessableEntity)
		p.press("Continue", "code", authkittest.TOTP(p.secret(), time.Now()))
		p.isIn("/", "noor@example.com")
	})
	t.Run("by a choice", func(t *testing.T) {
		p := s.visitor()
		p.signIn(chiara, password)
		p.press("Pine Street Studio")
		p.isIn("/", chiara)
	})
	t.Run("by single sign-on", func(t *testing.T) {
		p := s.visitor()
		p.signIn("sol@bigcorp.test", password)
		p.press("Sol Kim")
		p.isIn("/", "SSO")
	})
	t.Run("by a new password", func(t *testing.T) {
		p := s.visitor()
		p.forget(nobody)
		p.forget(dev)
		_, err := p.Get(mail(t, dev))
		require.NoError(t, err)
		p.press("Set password", "password", newPassword)
		p.follow("Sign in")
		p.press("Sign in", "email", dev, "password", newPassword)
		p.isIn("/", dev)
	})
	assert.Zero(t, program.Stop())
}
