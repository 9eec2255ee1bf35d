// The fake AuthKit for an application with its own sign-in forms: users for each step of a sign-in, and printed messages.

package demo

import (
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/authkit-go/authkit/authkittest"
)

// ListenForForms is Listen for an application with its own sign-in forms. Its fake AuthKit has a user for each step of a
// sign-in, all with the same password, and prints the emails and SMS that WorkOS would send.
func ListenForForms() (*Server, error) {
	s, err := Listen()
	if err == nil && s.fake != nil {
		s.ownForms = true
		addUsers(s.fake)
	}
	return s, err
}

// addUsers adds users whose sign-in needs more than a password.
func addUsers(fake *authkittest.Server) {
	const ssoOrganization = "org_single_sign_on"
	for _, p := range []authkittest.User{
		{Email: "noor@example.com", FirstName: "Noor", LastName: "Haddad", RequireMFA: true},
		{Email: "tomas@example.com", FirstName: "Tomás", LastName: "Vega", EmailUnverified: true},
		{Email: "sol@bigcorp.test", FirstName: "Sol", LastName: "Kim", Memberships: []authkittest.Membership{{OrganizationID: ssoOrganization, Role: "member"}}},
		{Email: "yuki@example.com", FirstName: "Yuki", LastName: "Mori", RadarChallenge: authkittest.RadarEmail},
		{Email: "ines@example.com", FirstName: "Inês", LastName: "Duarte", RadarChallenge: authkittest.RadarSMS},
	} {
		p.Password = authkittest.DefaultPassword
		fake.AddUser(p)
	}
	fake.UpdateOrganization(ssoOrganization, func(o *authkittest.Organization) { o.Name, o.RequireSSO = "Big Corp", true })
}

// requirements lists what a user's sign-in needs in addition to the password.
func requirements(p authkittest.User, organizations map[string]authkittest.Organization) (all []string) {
	switch p.RadarChallenge {
	case authkittest.RadarEmail:
		all = append(all, "is challenged by Radar: a code by email")
	case authkittest.RadarSMS:
		all = append(all, "is challenged by Radar: a code by SMS to any number")
	}
	if p.EmailUnverified {
		all = append(all, "must verify the address")
	}
	if p.RequireMFA {
		all = append(all, "must set up an authenticator app")
	}
	for _, m := range p.Memberships {
		if organizations[m.OrganizationID].RequireSSO {
			all = append(all, "must use single sign-on")
		}
	}
	return all
}

// withMail prints the emails and SMS that each request to app causes.
func withMail(app http.Handler, fake *authkittest.Server, w io.Writer) http.Handler {
	var mu sync.Mutex // guards printed and w
	printed := 0
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		app.ServeHTTP(rw, r)
		mu.Lock()
		defer mu.Unlock()
		sent := fake.Outbox()
		for _, m := range sent[printed:] {
			printMail(w, m)
		}
		printed = len(sent)
	})
}

func printMail(w io.Writer, m authkittest.Mail) {
	medium, content := "Mail", m.Code
	if m.Kind == authkittest.MailSMS {
		medium = "SMS"
	}
	if m.Link != "" {
		content = m.Link
	}
	fmt.Fprintf(w, "%s to %s: %s: %s\n", medium, m.To, m.Subject(), content)
}
