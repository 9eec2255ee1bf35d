// What an application with sign-in forms of its own needs besides: the API, people to try each step with, and their mail.

package demo

import (
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/authkit-go/authkit/authkittest"
)

// ListenForForms is Listen for an application with sign-in forms of its own. Its fake AuthKit has people who meet each
// step of a sign-in, all with one password, and prints the mail that WorkOS would send.
func ListenForForms() (*Server, error) {
	s, err := Listen()
	if err == nil && s.fake != nil {
		s.ownForms = true
		addPeople(s.fake)
	}
	return s, err
}

// addPeople adds those whose sign-in takes more than a password.
func addPeople(fake *authkittest.Server) {
	const single = "org_single_sign_on"
	for _, p := range []authkittest.User{
		{Email: "noor@example.com", FirstName: "Noor", LastName: "Haddad", RequireMFA: true},
		{Email: "tomas@example.com", FirstName: "Tomás", LastName: "Vega", EmailUnverified: true},
		{Email: "sol@bigcorp.test", FirstName: "Sol", LastName: "Kim", Memberships: []authkittest.Membership{{OrganizationID: single, Role: "member"}}},
	} {
		p.Password = authkittest.DefaultPassword
		fake.AddUser(p)
	}
	fake.UpdateOrganization(single, func(o *authkittest.Organization) { o.Name, o.RequireSSO = "Big Corp", true })
}

// demands tells what a sign-in takes besides the password.
func demands(p authkittest.User, organizations map[string]authkittest.Organization) (all []string) {
	if p.EmailUnverified {
		all = append(all, "has to verify the address")
	}
	if p.RequireMFA {
		all = append(all, "has to set up an authenticator app")
	}
	for _, m := range p.Memberships {
		if organizations[m.OrganizationID].RequireSSO {
			all = append(all, "has to use single sign-on")
		}
	}
	return all
}

// withMail prints the mail that each request to app has caused.
func withMail(app http.Handler, fake *authkittest.Server, w io.Writer) http.Handler {
	var mu sync.Mutex // guards seen and w
	seen := map[string]int{}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		app.ServeHTTP(rw, r)
		mu.Lock()
		defer mu.Unlock()
		for _, p := range fake.Users() {
			box := fake.Mailbox(p.Email)
			for _, m := range box[seen[p.Email]:] {
				printMail(w, m)
			}
			seen[p.Email] = len(box)
		}
	})
}

func printMail(w io.Writer, m authkittest.Mail) {
	if m.Link != "" {
		fmt.Fprintf(w, "Mail to %s: %s: %s\n", m.To, m.Subject(), m.Link)
		return
	}
	fmt.Fprintf(w, "Mail to %s: %s: %s\n", m.To, m.Subject(), m.Code)
}
