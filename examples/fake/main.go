// Command fake runs an application with a fake AuthKit, so that you can try the application by hand without a WorkOS account:
//
//	go run github.com/authkit-go/authkit/examples/fake@latest go run .
//
// It starts the fake, sets the WORKOS_ variables that authkit.FromEnv reads, and runs the command. It prints users to sign in
// as, the organizations and an API key. The fake ends with the command. Without a command, it prints the variables as lines for a shell and runs until it is interrupted.
//
// The redirect URL is http://localhost:8080/callback. -redirect sets another one, and so does WORKOS_REDIRECT_URI. For an
// application on several hosts, repeat -redirect. WORKOS_REDIRECT_URI is then the first one.
//
// The fake sends webhooks to the path /webhooks/workos of the host of the redirect URL, signed with WORKOS_WEBHOOK_SECRET, which the
// application gets too. -webhook sets another URL. WORKOS_WEBHOOK_SECRET sets the secret; otherwise it is random. An application
// that has no such path answers 404, and the fake sends the event up to six more times within three days, as WorkOS does.
//
// Mail and SMS are on a page whose address the program prints. The link of an invitation leads to the path /invitation of the host
// of the redirect URL. -invitation sets another page.
//
// -role editor=posts:read,posts:write defines a role and its permissions, -flag beta adds a feature flag, and -provider github adds a
// provider of Pipes. Each can be repeated. The users with which the fake starts keep their permissions until their role is changed.
//
// -resource http://localhost:8080/mcp adds a resource indicator, and -scope posts:read a scope that clients can request. Each can be
// repeated. They are for an MCP server or another API behind WorkOS Connect. With -resource, the application also gets AUTHKIT_DOMAIN,
// the issuer of the tokens. With one of them, the program adds a machine of the first organization, with all of these scopes, and prints
// commands of curl that return a token of it, and one of a user for each API.
//
// For other users, organizations and settings, write a program of your own: authkittest.Start returns the fake, and its options and
// methods have the rest. This program is such a one.
//
// The program prints commands of curl that change something in the fake: they revoke sessions, change a role, remove a member, and
// delete a user or an API key. The routes are those of authkittest.Server.Control, on a port of 127.0.0.1 of their own.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/authkit-go/authkit/authkittest"
)

func main() {
	status, err := run(os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "fake:", err)
	}
	os.Exit(status)
}

// run returns the exit status of the program: that of the command, or 1 with an error.
func run(args []string, stdout, stderr io.Writer) (status int, err error) {
	flags := flag.NewFlagSet("fake", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var redirects []string
	flags.Func("redirect", "the redirect `URL` of the application, once for each host (default WORKOS_REDIRECT_URI, or http://localhost:8080/callback)", func(redirect string) error {
		redirects = append(redirects, redirect)
		return nil
	})
	webhook := ""
	flags.Func("webhook", "the `URL` to which webhooks are sent (default /webhooks/workos on the host of the redirect URL)", func(address string) error {
		if _, ok := webOrigin(address); !ok {
			return errors.New("it must be an http or https URL")
		}
		webhook = address
		return nil
	})
	invitation := ""
	flags.Func("invitation", "the `URL` of the page that an invitation leads to (default /invitation on the host of the redirect URL)", func(address string) error {
		if _, ok := webOrigin(address); !ok {
			return errors.New("it must be an http or https URL")
		}
		invitation = address
		return nil
	})
	var roles []authkittest.Option
	flags.Func("role", "a `role` and its permissions, such as editor=posts:read,posts:write", func(text string) error {
		slug, permissions, _ := strings.Cut(text, "=")
		if slug == "" {
			return errors.New("it has no slug")
		}
		roles = append(roles, authkittest.WithRole(slug, strings.FieldsFunc(permissions, func(r rune) bool { return r == ',' })...))
		return nil
	})
	var featureFlags, providers []string
	flags.Func("flag", "the `slug` of a feature flag", addSlug(&featureFlags))
	flags.Func("provider", "the `slug` of a provider of Pipes", addSlug(&providers))
	var resources, scopes []string
	flags.Func("resource", "the `URL` of an API, as a resource indicator", func(resource string) error {
		if _, ok := webOrigin(resource); !ok || strings.Contains(resource, "#") {
			return errors.New("it must be an http or https URL without a fragment")
		}
		resources = append(resources, resource)
		return nil
	})
	flags.Func("scope", "a `scope` that clients of the API can request", addSlug(&scopes))
	if err := flags.Parse(args); err != nil {
		return 2, err
	}
	if len(redirects) == 0 {
		redirects = []string{cmp.Or(os.Getenv("WORKOS_REDIRECT_URI"), "http://localhost:8080/callback")}
	}
	opts := append(roles, authkittest.WithRedirectURIs(redirects...), authkittest.WithResourceIndicators(resources...), authkittest.WithScopes(scopes...))
	if address := pageURL(invitation, redirects[0], "/invitation"); address != "" {
		opts = append(opts, authkittest.WithInvitationURL(address))
	}
	fake, err := authkittest.Start(opts...)
	if err != nil {
		return 1, err
	}
	defer fake.Close()
	for _, slug := range featureFlags {
		fake.AddFeatureFlag(authkittest.FeatureFlag{Slug: slug, Enabled: true})
	}
	for _, slug := range providers {
		fake.AddDataProvider(authkittest.DataProvider{Slug: slug})
	}
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1, err
	}
	server := &http.Server{Handler: fake.Control(), ReadHeaderTimeout: 5 * time.Second}
	defer server.Close()
	go func() { _ = server.Serve(control) }() // it returns when the server is closed
	variables := fake.Env()
	variables["WORKOS_REDIRECT_URI"] = redirects[0]
	// The sessions end with this fake, so a new password at each start is enough.
	variables["WORKOS_COOKIE_PASSWORD"] = rand.Text() + rand.Text()
	variables["WORKOS_WEBHOOK_SECRET"] = cmp.Or(os.Getenv("WORKOS_WEBHOOK_SECRET"), rand.Text())
	if len(resources) > 0 {
		variables["AUTHKIT_DOMAIN"] = fake.URL()
	}
	printDirectory(stderr, fake, redirects, resources)
	if address := pageURL(webhook, redirects[0], "/webhooks/workos"); address != "" {
		fake.AddWebhookEndpoint(address, variables["WORKOS_WEBHOOK_SECRET"])
		fmt.Fprintf(stderr, "fake: Webhooks go to %s.\n", address)
	}
	printCommands(stderr, fake, "http://"+control.Addr().String())
	printFlags(stderr, fake, featureFlags)
	printConnect(stderr, fake, resources, scopes, "http://"+control.Addr().String())

	if flags.NArg() == 0 {
		// Before the variables are printed: the reader may interrupt the program at once.
		interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		for _, name := range slices.Sorted(maps.Keys(variables)) {
			fmt.Fprintf(stdout, "export %s='%s'\n", name, variables[name]) // no value contains a quote
		}
		<-interrupted.Done()
		return 0, nil
	}
	return runCommand(flags.Args(), variables)
}

// addSlug returns the function of a flag whose values are slugs, each once.
func addSlug(slugs *[]string) func(string) error {
	return func(slug string) error {
		if slug == "" || slices.Contains(*slugs, slug) {
			return errors.New("it is empty or repeated")
		}
		*slugs = append(*slugs, slug)
		return nil
	}
}

// pageURL returns an address of the application: the one that was set, or else a path on the host of the redirect URL. It is "" if
// the redirect URL has no host, such as that of a native application.
func pageURL(set, redirect, path string) string {
	if set != "" {
		return set
	}
	origin, ok := webOrigin(redirect)
	if !ok {
		return ""
	}
	return origin + path
}

// webOrigin returns the origin of an http or https URL, and whether address is one.
func webOrigin(address string) (origin string, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", false
	}
	return u.Scheme + "://" + u.Host, true
}

// printDirectory prints on stderr, because stdout is for a shell or for the command.
func printDirectory(w io.Writer, fake *authkittest.Server, redirects, resources []string) {
	names := map[string]string{}
	var organizations []string
	for _, o := range fake.Organizations() {
		names[o.ID] = o.Name
		organizations = append(organizations, o.Name+" "+o.ID)
	}
	next := "Open the pages of your application"
	if len(resources) > 0 {
		next += ", or connect a client to " + strings.Join(resources, " or ")
	}
	fmt.Fprintf(w, "fake: AuthKit is at %s. It redirects to %s. %s.\n", fake.URL(), strings.Join(redirects, ", "), next)
	fmt.Fprint(w, "fake: Sign in as\n")
	for _, u := range fake.Users() {
		roles := []string{"no organization"}
		if len(u.Memberships) > 0 {
			roles = nil
		}
		for _, m := range u.Memberships {
			roles = append(roles, fmt.Sprintf("%s of %s with %s", m.Role, names[m.OrganizationID], strings.Join(m.Permissions, ", ")))
		}
		fmt.Fprintf(w, "fake:   %s (%s)\n", u.Email, strings.Join(roles, "; "))
	}
	fmt.Fprintf(w, "fake: Organizations: %s.\n", strings.Join(organizations, ", "))
	fmt.Fprintf(w, "fake: Mail and SMS are at %s/mailbox.\n", fake.URL())
	m := fake.Users()[0].Memberships[0]
	key := fake.AddAPIKey(authkittest.APIKey{Name: "fake", OrganizationID: m.OrganizationID, Permissions: m.Permissions})
	fmt.Fprintf(w, "fake: API key of %s with %s: Authorization: Bearer %s\n", names[m.OrganizationID], strings.Join(m.Permissions, ", "), key)
}

// printCommands prints commands that change something in the fake.
func printCommands(w io.Writer, fake *authkittest.Server, control string) {
	user, organization := fake.Users()[0].Email, fake.Organizations()[0].Name
	member := fmt.Sprintf("-d email=%s -d organization='%s'", user, organization)
	fmt.Fprint(w, "fake: Change something in the fake, in another terminal:\n")
	for _, c := range [][2]string{
		{"end the sessions of a user", "-d email=" + user + " " + control + "/revoke"},
		{"change a role", member + " -d role=member " + control + "/membership"},
		{"remove a member", member + " -d remove=true " + control + "/membership"},
		{"delete a user", "-d email=" + user + " " + control + "/delete"},
		{"delete the API key", "-d api_key=fake " + control + "/delete"},
		{"list the events", control + "/events"},
	} {
		fmt.Fprintf(w, "fake:   curl %s    # %s\n", c[1], c[0])
	}
}

// printFlags prints commands that turn the feature flags on, with calls of the API.
func printFlags(w io.Writer, fake *authkittest.Server, slugs []string) {
	organization := fake.Organizations()[0]
	for _, slug := range slugs {
		fmt.Fprintf(w, "fake:   curl -X POST -H 'Authorization: Bearer %s' %s/feature-flags/%s/targets/%s    # turn %s on for %s, -X DELETE turns it off\n",
			fake.APIKey(), fake.URL(), url.PathEscape(slug), organization.ID, slug, organization.Name)
	}
}

// printConnect prints what an API and its clients need from the authorization server of Connect.
func printConnect(w io.Writer, fake *authkittest.Server, resources, scopes []string, control string) {
	if len(resources)+len(scopes) == 0 {
		return
	}
	organization := fake.Organizations()[0]
	id, secret := fake.AddMachine(organization.ID, scopes...)
	fmt.Fprintf(w, "fake: The issuer of Connect (AUTHKIT_DOMAIN) is %s. Tokens are for %s; those of machines are for %s.\n",
		fake.URL(), strings.Join(append(resources, fake.ClientID()), ", "), fake.ClientID())
	fmt.Fprintf(w, "fake:   curl -u %s:%s -d grant_type=client_credentials %s/oauth2/token    # a token of a machine of %s\n",
		id, secret, fake.URL(), organization.Name)
	for _, resource := range resources {
		fmt.Fprintf(w, "fake:   claude mcp add --transport http api '%s'    # Claude Code as a client, if it is an MCP server\n",
			strings.ReplaceAll(resource, "'", "%27"))
		fmt.Fprintf(w, "fake:   curl -d email=%s --data-urlencode resource='%s' %s/resource-token    # a token of a user\n",
			fake.Users()[0].Email, strings.ReplaceAll(resource, "'", "%27"), control)
	}
}

// runCommand runs a command with variables until it ends. A terminal sends signals to the command too. Without a terminal, the command
// is a process group of its own, and gets the signals of this program: "go run" does not pass them to the program that it runs.
func runCommand(command []string, variables map[string]string) (status int, err error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = os.Environ()
	for name, value := range variables {
		cmd.Env = append(cmd.Env, name+"="+value) // the last one of a name counts
	}
	ownGroup := !hasTerminal()
	if ownGroup {
		setGroup(cmd)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			switch {
			case ownGroup:
				signalGroup(cmd, s)
			case s == syscall.SIGTERM:
				_ = cmd.Process.Signal(s) // an error means that the command has ended
			}
		case err := <-ended:
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return max(exit.ExitCode(), 1), nil // -1: a signal ended it
			}
			return 0, err
		}
	}
}
