// The command "authkit dev": its flags.

package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/authkit-go/authkit/cmd/authkit/internal/dev"
)

func newDev() *cobra.Command {
	var cfg dev.Config
	cmd := &cobra.Command{
		Use:   "dev [flags] [--] [command]",
		Short: "Run an application with a fake AuthKit, without a WorkOS account",
		Long: `Run an application in any language with a fake AuthKit, without a WorkOS account.

The command gets the variables that the AuthKit libraries of WorkOS read. Without a command, authkit dev prints them as a .env
file and runs until it is interrupted. A page shows people to sign in as, organizations, events and requests, and has
buttons for faults, the clock, sessions and roles. Its address is printed.

The redirect URI is http://localhost:8080/callback. --redirect and the seed file set others, and otherwise WORKOS_REDIRECT_URI. For an application on
several hosts, repeat --redirect; WORKOS_REDIRECT_URI is then the first one. Webhooks go to /webhooks/workos of its host, signed
with WORKOS_WEBHOOK_SECRET, and the link of an invitation leads to /invitation.

With --port, the address, the keys and the cookie password are the same at each start. Users, sessions and events are not kept.

Exit status: that of the command; 1 for a fault, or after a finding of --strict; 2 for wrong flags or a wrong seed file.`,
		Example: `  authkit dev go run .                                run an application
  authkit dev --port 4000 --env-file .env.local       for an application that reads .env.local
  authkit dev --export | tee env.sh                   then ". ./env.sh" in the shell of the application
  authkit dev --seed seed.yaml --strict npm run dev   own users, and findings about wrong requests
  authkit dev --fault refresh=503,times:2 go run .    the first two refreshes fail`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg.Command = args
			cfg.WebhookSecret = os.Getenv("WORKOS_WEBHOOK_SECRET")
			cfg.DefaultRedirect = os.Getenv("WORKOS_REDIRECT_URI")
			status, err := dev.Run(cmd.Context(), cfg, dev.Streams{
				In: os.Stdin, Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr(), Colour: hasColours(cmd.ErrOrStderr()),
			})
			return withStatus(status, err)
		},
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false) // the flags behind the command are its own
	flags.StringArrayVar(&cfg.Redirects, "redirect", nil, "redirect `URI` of the application, once for each host")
	flags.StringArrayVar(&cfg.SignOutRedirects, "sign-out-redirect", nil, "registered `URL` after sign-out (default every one on a loopback host)")
	flags.StringVar(&cfg.Webhook, "webhook", "", "`URL` to which webhooks are sent (default /webhooks/workos on the host of the redirect URI)")
	flags.BoolVar(&cfg.NoWebhooks, "no-webhooks", false, "send no webhooks")
	flags.StringVar(&cfg.Invitation, "invitation", "", "`URL` of the page that an invitation leads to (default /invitation on that host)")
	flags.StringVar(&cfg.Seed, "seed", "", "YAML `file` of users, organizations, roles, flags and API keys; see docs/dev.md")
	flags.StringArrayVar(&cfg.Roles, "role", nil, "`role` and its permissions, such as editor=posts:read,posts:write")
	flags.StringArrayVar(&cfg.FeatureFlags, "flag", nil, "`slug` of a feature flag")
	flags.StringArrayVar(&cfg.Providers, "provider", nil, "`slug` of a provider of Pipes")
	flags.StringArrayVar(&cfg.Resources, "resource", nil, "`URL` of an API or MCP server, as a resource indicator")
	flags.StringArrayVar(&cfg.Scopes, "scope", nil, "`scope` that clients of the API can request")
	flags.StringArrayVar(&cfg.Faults, "fault", nil, "`fault` of a route, such as refresh=503, keys=slow:5s or code=429,times:1")
	flags.DurationVar(&cfg.ClockOffset, "clock-offset", 0, "how far the clock of the fake is ahead, such as 90s or -10m")
	flags.DurationVar(&cfg.AccessTokenLifetime, "access-token-lifetime", 0, "lifetime of access tokens (default 5m)")
	flags.BoolVar(&cfg.Strict, "strict", false, "report requests that WorkOS would refuse or does not describe, and end with status 1 after one")
	flags.IntVar(&cfg.Port, "port", 0, "port of the fake, with the same keys at each start (default any free port)")
	flags.IntVar(&cfg.PagePort, "page-port", 0, "port of the page (default any free port)")
	flags.StringVar(&cfg.EnvFile, "env-file", "", "`file` into which the variables are written; a file of somebody else is not overwritten")
	flags.BoolVar(&cfg.Export, "export", false, "print the variables as export lines for a shell")
	flags.BoolVar(&cfg.JSON, "json", false, "print one JSON object with the variables, users and addresses; findings are JSON lines on standard error")
	return cmd
}
