// What the command prints: the variables on standard output, and what a person needs on standard error.

package dev

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
)

// apiKey is an API key of a customer, with its value.
type apiKey struct {
	Name         string   `json:"name"`
	Organization string   `json:"organization"`
	Permissions  []string `json:"permissions"`
	Value        string   `json:"value"`
}

// machine is a machine-to-machine application of Connect.
type machine struct {
	Organization string `json:"organization"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

// summary is the output of --json.
type summary struct {
	URL           string                `json:"url"`
	Page          string                `json:"page"`
	Mailbox       string                `json:"mailbox"`
	Variables     map[string]string     `json:"variables"`
	Users         []summaryUser         `json:"users"`
	Organizations []summaryOrganization `json:"organizations"`
	APIKeys       []apiKey              `json:"api_keys"`
	Machine       *machine              `json:"machine,omitempty"`
}

type summaryOrganization struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type summaryUser struct {
	ID          string              `json:"id"`
	Email       string              `json:"email"`
	Memberships []summaryMembership `json:"memberships"`
}

type summaryMembership struct {
	Organization string   `json:"organization"`
	Role         string   `json:"role"`
	Permissions  []string `json:"permissions"`
}

// printer writes to the streams. It is safe for concurrent use.
type printer struct {
	Streams
	json   bool
	prefix string

	mu sync.Mutex // held while a line is written
}

func newPrinter(streams Streams, json bool) *printer {
	p := &printer{Streams: streams, json: json, prefix: "authkit: "}
	if streams.Colour {
		p.prefix = "\x1b[2m" + p.prefix + "\x1b[0m"
	}
	return p
}

// line writes a line for a person. With --json there are none.
func (p *printer) line(format string, args ...any) {
	if p.json {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.Err, p.prefix+format+"\n", args...)
}

// finding writes a finding of the strict mode.
func (p *printer) finding(r request, text string) {
	if p.json {
		line, _ := json.Marshal(map[string]any{"time": r.Time.UTC(), "method": r.Method, "path": r.Path, "status": r.Status, "finding": text}) // texts alone
		p.mu.Lock()
		defer p.mu.Unlock()
		fmt.Fprintf(p.Err, "%s\n", line)
		return
	}
	mark := "strict:"
	if p.Colour {
		mark = "\x1b[1;31m" + mark + "\x1b[0m"
	}
	p.line("%s %s %s: %s", mark, r.Method, r.Path, text)
}

// announce prints everything that the user needs, and last the variables: the reader may interrupt the program after them.
func (s *server) announce() error {
	if s.JSON {
		encoder := json.NewEncoder(s.out.Out)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(s.summary())
	}
	s.printDirectory()
	s.printCommands()
	s.printConnect()
	switch {
	case s.EnvFile != "":
		if err := writeEnvFile(s.EnvFile, s.variables); err != nil {
			return err
		}
		s.out.line("The variables are in %s.", s.EnvFile)
	case s.Export:
		fmt.Fprint(s.out.Out, envLines(s.variables, "export "))
	case len(s.Command) == 0:
		fmt.Fprint(s.out.Out, envLines(s.variables, ""))
	}
	return nil
}

func (s *server) summary() summary {
	sum := summary{
		URL: s.fake.URL(), Page: s.pageURL, Mailbox: s.fake.URL() + "/mailbox", Variables: s.variables,
		Users: []summaryUser{}, Organizations: []summaryOrganization{}, APIKeys: append([]apiKey{}, s.keys...), Machine: s.machine,
	}
	for _, o := range s.fake.Organizations() {
		sum.Organizations = append(sum.Organizations, summaryOrganization{o.ID, o.Name})
	}
	for _, u := range s.fake.Users() {
		user := summaryUser{ID: u.ID, Email: u.Email, Memberships: []summaryMembership{}}
		for _, m := range u.Memberships {
			user.Memberships = append(user.Memberships, summaryMembership{s.organizationName(m.OrganizationID), m.Role, append([]string{}, m.Permissions...)})
		}
		sum.Users = append(sum.Users, user)
	}
	return sum
}

// printDirectory prints who can sign in and where things are.
func (s *server) printDirectory() {
	next := "Open the pages of your application"
	if len(s.Resources) > 0 {
		next += ", or connect a client to " + strings.Join(s.Resources, " or ")
	}
	s.out.line("AuthKit is at %s. It redirects to %s. %s.", s.fake.URL(), strings.Join(s.Redirects, ", "), next)
	s.out.line("Its page is at %s: people, events, faults and the clock. Mail and SMS are at %s/mailbox.", s.pageURL, s.fake.URL())
	s.out.line("Sign in as")
	sum := s.summary()
	for _, u := range sum.Users {
		roles := []string{"no organization"}
		if len(u.Memberships) > 0 {
			roles = nil
		}
		for _, m := range u.Memberships {
			role := m.Role + " of " + m.Organization
			if len(m.Permissions) > 0 {
				role += " with " + strings.Join(m.Permissions, ", ")
			}
			roles = append(roles, role)
		}
		s.out.line("  %s (%s)", u.Email, strings.Join(roles, "; "))
	}
	var organizations []string
	for _, o := range sum.Organizations {
		organizations = append(organizations, o.Name+" "+o.ID)
	}
	s.out.line("Organizations: %s.", strings.Join(organizations, ", "))
	for _, k := range s.keys {
		s.out.line("API key %s of %s with %s: Authorization: Bearer %s", k.Name, k.Organization, strings.Join(k.Permissions, ", "), k.Value)
	}
	if s.Webhook != "" {
		s.out.line("Webhooks go to %s (none with --no-webhooks).", s.Webhook)
	}
}

// printCommands prints commands that change something in the fake, for the users that it has.
func (s *server) printCommands() {
	control := s.pageURL + "/control/"
	user, m, ok := s.firstMember()
	if !ok {
		return
	}
	member := curlField("email", user.Email) + " " + curlField("organization", m.OrganizationID)
	s.out.line("Change something, on the page or in another terminal:")
	for _, c := range [][2]string{
		{"end the sessions of a user", curlField("email", user.Email) + " " + control + "revoke"},
		{"change a role", member + " -d role=member " + control + "membership"},
		{"remove a member", member + " -d remove=true " + control + "membership"},
		{"delete a user", curlField("email", user.Email) + " " + control + "delete"},
		{"delete an API key", curlField("api_key", s.keys[0].Name) + " " + control + "delete"},
		{"list the events", control + "events"},
		{"let refreshes fail", "-d route=refresh -d fault=503 " + s.pageURL + "/do/fault"},
	} {
		s.out.line("  curl %s    # %s", c[1], c[0])
	}
	for _, slug := range s.FeatureFlags {
		s.out.line("  curl -X POST -H 'Authorization: Bearer %s' %s/feature-flags/%s/targets/%s    # turn %s on for %s, -X DELETE turns it off",
			s.fake.APIKey(), s.fake.URL(), url.PathEscape(slug), m.OrganizationID, slug, s.organizationName(m.OrganizationID))
	}
}

// curlField returns the arguments of curl for a field of a form.
func curlField(name, value string) string {
	if !strings.ContainsFunc(value, needsQuotes) && !strings.ContainsAny(value, "+%") {
		return "-d " + name + "=" + value
	}
	return "--data-urlencode '" + name + "=" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

// printConnect prints what an API and its clients need from the authorization server of Connect.
func (s *server) printConnect() {
	if s.machine == nil {
		return
	}
	s.out.line("The issuer of Connect (AUTHKIT_DOMAIN) is %s. Tokens are for %s; those of machines are for %s.",
		s.fake.URL(), strings.Join(append(s.Resources, s.fake.ClientID()), ", "), s.fake.ClientID())
	s.out.line("  curl -u %s:%s -d grant_type=client_credentials %s/oauth2/token    # a token of a machine of %s",
		s.machine.ClientID, s.machine.ClientSecret, s.fake.URL(), s.machine.Organization)
	for _, resource := range s.Resources {
		s.out.line("  claude mcp add --transport http api '%s'    # Claude Code as a client, if it is an MCP server", resource)
		s.out.line("  curl %s --data-urlencode resource='%s' %s/control/resource-token    # a token of a user",
			curlField("email", s.fake.Users()[0].Email), resource, s.pageURL)
	}
}
