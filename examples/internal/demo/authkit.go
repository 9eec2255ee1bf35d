// The choice between the built-in fake AuthKit and WorkOS.

package demo

import (
	"crypto/rand"
	"fmt"
	"io"
	"strings"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// usesWorkOS reports whether the environment configures WorkOS. One variable is enough: authkit.FromEnv then names the
// missing ones.
func usesWorkOS() bool {
	return variable("WORKOS_API_KEY") != "" || variable("WORKOS_CLIENT_ID") != ""
}

func startFake(url string) (*authkittest.Server, error) {
	return authkittest.Start(
		authkittest.WithAppName("The authkit example"),
		authkittest.WithRedirectURIs(url+"/callback"),
		authkittest.WithSignOutRedirects(url+"/"),
		authkittest.WithPasswordResetURL(url+"/reset-password"),
		authkittest.WithInvitationURL(url+"/invitation"),
	)
}

// Options returns the options that authkit.FromEnv needs in addition to the environment.
func (s *Server) Options() []authkit.Option {
	if s.fake != nil {
		return []authkit.Option{
			authkit.WithBaseURL(s.fake.URL()),
			authkit.WithAPIKey(s.fake.APIKey()),
			authkit.WithClientID(s.fake.ClientID()),
			// The sessions end with this fake, so a new password at each start is enough.
			authkit.WithCookiePassword(rand.Text() + rand.Text()),
			authkit.WithRedirectURL(s.url + "/callback"),
			authkit.WithPostLogoutRedirectURL(s.url + "/"),
		}
	}
	// No WithPostLogoutRedirectURL: WorkOS redirects only to the sign-out redirects in its dashboard. Without the option it
	// uses the default one.
	if variable("WORKOS_REDIRECT_URI") == "" {
		return []authkit.Option{authkit.WithRedirectURL(s.url + "/callback")}
	}
	return nil
}

// printInstructions prints the URL and, for a fake AuthKit, the users.
func (s *Server) printInstructions(w io.Writer) {
	fmt.Fprintf(w, "Open %s\n", s.url)
	if s.fake == nil {
		return
	}
	organizations := map[string]authkittest.Organization{}
	for _, o := range s.fake.Organizations() {
		organizations[o.ID] = o
	}
	label := "Sign in as"
	for _, p := range s.fake.Users() {
		parts := []string{p.Name() + " <" + p.Email + ">"}
		for _, m := range p.Memberships {
			parts = append(parts, m.Role+" of "+organizations[m.OrganizationID].Name)
		}
		parts = append(parts, requirements(p, organizations)...)
		fmt.Fprintf(w, "%10s %s\n", label, strings.Join(parts, ", "))
		label = "or"
	}
	if s.ownForms {
		fmt.Fprintf(w, "Their password is: %s\n", authkittest.DefaultPassword)
	}
	fmt.Fprintf(w, "This is a fake AuthKit, at %s. To use WorkOS, set WORKOS_API_KEY, WORKOS_CLIENT_ID and WORKOS_COOKIE_PASSWORD.\n", s.fake.URL())
}
