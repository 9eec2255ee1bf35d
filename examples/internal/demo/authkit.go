// Which AuthKit: the fake one inside, or WorkOS.

package demo

import (
	"crypto/rand"
	"fmt"
	"io"
	"strings"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// usesWorkOS tells whether somebody has begun to configure WorkOS. One variable is enough: whoever set it means WorkOS,
// and is better told what else is missing than shown a fake.
func usesWorkOS() bool {
	return variable("WORKOS_API_KEY") != "" || variable("WORKOS_CLIENT_ID") != ""
}

func startFake(url string) (*authkittest.Server, error) {
	return authkittest.Start(
		authkittest.WithAppName("The authkit example"),
		authkittest.WithRedirectURIs(url+"/callback"),
		authkittest.WithSignOutRedirects(url+"/"),
		authkittest.WithPasswordResetURL(url+"/reset-password"),
	)
}

// Options are what authkit.FromEnv needs besides the environment.
func (s *Server) Options() []authkit.Option {
	if s.fake != nil {
		return []authkit.Option{
			authkit.WithBaseURL(s.fake.URL()),
			authkit.WithAPIKey(s.fake.APIKey()),
			authkit.WithClientID(s.fake.ClientID()),
			// Sessions end with the fake that knows them, so the password need not outlive it.
			authkit.WithCookiePassword(rand.Text() + rand.Text()),
			authkit.WithRedirectURL(s.url + "/callback"),
			authkit.WithPostLogoutRedirectURL(s.url + "/"),
		}
	}
	// No WithPostLogoutRedirectURL: WorkOS returns only to addresses that are registered in its dashboard, and to the default
	// among them when none is asked for.
	if variable("WORKOS_REDIRECT_URI") == "" {
		return []authkit.Option{authkit.WithRedirectURL(s.url + "/callback")}
	}
	return nil
}

// greet says where to go and, at a fake AuthKit, as whom.
func (s *Server) greet(w io.Writer) {
	fmt.Fprintf(w, "Open %s\n", s.url)
	if s.fake == nil {
		return
	}
	organizations := map[string]authkittest.Organization{}
	for _, o := range s.fake.Organizations() {
		organizations[o.ID] = o
	}
	lead := "Sign in as"
	for _, p := range s.fake.Users() {
		who := []string{p.Name() + " <" + p.Email + ">"}
		for _, m := range p.Memberships {
			who = append(who, m.Role+" of "+organizations[m.OrganizationID].Name)
		}
		who = append(who, demands(p, organizations)...)
		fmt.Fprintf(w, "%10s %s\n", lead, strings.Join(who, ", "))
		lead = "or"
	}
	if s.ownForms {
		fmt.Fprintf(w, "Their password is: %s\n", authkittest.DefaultPassword)
	}
	fmt.Fprintf(w, "They are at a fake AuthKit, %s. To use WorkOS, set WORKOS_API_KEY, WORKOS_CLIENT_ID and WORKOS_COOKIE_PASSWORD.\n", s.fake.URL())
}
