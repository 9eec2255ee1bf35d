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
	if err := flags.Parse(args); err != nil {
		return 2, err
	}
	if len(redirects) == 0 {
		redirects = []string{cmp.Or(os.Getenv("WORKOS_REDIRECT_URI"), "http://localhost:8080/callback")}
	}
	fake, err := authkittest.Start(authkittest.WithRedirectURIs(redirects...))
	if err != nil {
		return 1, err
	}
	defer fake.Close()
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
	printDirectory(stderr, fake, redirects)
	if address := webhookURL(webhook, redirects[0]); address != "" {
		fake.AddWebhookEndpoint(address, variables["WORKOS_WEBHOOK_SECRET"])
		fmt.Fprintf(stderr, "fake: Webhooks go to %s.\n", address)
	}
	printCommands(stderr, fake, "http://"+control.Addr().String())

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

// webhookURL returns the URL to which webhooks are sent, or "" if the redirect URL has no host, such as that of a native
// application.
func webhookURL(webhook, redirect string) string {
	if webhook != "" {
		return webhook
	}
	origin, ok := webOrigin(redirect)
	if !ok {
		return ""
	}
	return origin + "/webhooks/workos"
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
func printDirectory(w io.Writer, fake *authkittest.Server, redirects []string) {
	names := map[string]string{}
	var organizations []string
	for _, o := range fake.Organizations() {
		names[o.ID] = o.Name
		organizations = append(organizations, o.Name+" "+o.ID)
	}
	fmt.Fprintf(w, "fake: AuthKit is at %s. It redirects to %s. Open the pages of your application.\n", fake.URL(), strings.Join(redirects, ", "))
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

// runCommand runs a command with variables until it ends. It passes SIGTERM on. A terminal sends SIGINT to the command too, so
// it only waits then.
func runCommand(command []string, variables map[string]string) (status int, err error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = os.Environ()
	for name, value := range variables {
		cmd.Env = append(cmd.Env, name+"="+value) // the last one of a name counts
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
			if s == syscall.SIGTERM {
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
