// The command "authkit proxy".

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/authkit-go/authkit/cmd/authkit/internal/proxy"
)

// newProxy returns the command "proxy".
func newProxy() *cobra.Command {
	var file, check, upstream, listen, redirect, admin string
	var public []string
	command := &cobra.Command{
		Use:   "proxy",
		Short: "Put AuthKit in front of an HTTP application",
		Long: `Put AuthKit in front of an HTTP application, without a line of code.

The proxy signs people in and passes their requests to the application, with identity headers such as X-Authkit-User. Every path needs
a session, except those that a rule opens.

The secrets come from WORKOS_API_KEY, WORKOS_CLIENT_ID and WORKOS_COOKIE_PASSWORD, or from files that the configuration names.
With WORKOS_WEBHOOK_SECRET, the proxy answers the webhooks of WorkOS. To try it without an account: authkit dev authkit proxy --upstream URL

SIGHUP reads the configuration again, and so does a change of the file. SIGTERM ends the proxy gracefully, and a second one at once.`,
		Example: `  authkit proxy --upstream http://localhost:3000 --public '/assets/*'
  authkit proxy --config authkit-proxy.yaml
  authkit proxy --check authkit-proxy.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := onlyFlag(cmd, "check", "config"); err != nil {
				return err
			}
			if check != "" {
				return checkProxy(cmd, check)
			}
			config := proxy.Default()
			switch {
			case file != "":
				loaded, err := proxy.Load(file)
				if err != nil {
					return proxyFaults(file, err)
				}
				config = loaded
			case upstream == "":
				return &statusError{exitUsage, errors.New("proxy: give --upstream URL or --config FILE")}
			default:
				config.Upstreams = []proxy.Upstream{{URL: upstream}}
				for _, path := range public {
					config.Rules = append(config.Rules, proxy.Rule{Path: path, Allow: []string{"public"}})
				}
				if listen != "" {
					config.Listen = listen
				}
				if redirect != "" {
					config.WorkOS.RedirectURLs = []string{redirect}
				}
				config.Admin.Listen = admin
				config.Limits.ShutdownDelay = 0 // no load balancer waits for it
			}
			reload, stop := hangUps(cmd.Context())
			defer stop()
			// A second signal ends the program at once.
			defer context.AfterFunc(cmd.Context(), func() { signal.Reset(os.Interrupt, syscall.SIGTERM) })()
			err := proxy.Run(cmd.Context(), config, proxy.Options{
				File: file, Log: cmd.ErrOrStderr(), Reload: reload,
				Ready: func(address string) { fmt.Fprintf(cmd.OutOrStdout(), "Listening on %s\n", address) },
			})
			return proxyFaults(file, err)
		},
	}
	flags := command.Flags()
	flags.StringVar(&file, "config", "", "the configuration `file` (YAML)")
	flags.StringVar(&check, "check", "", "say whether a configuration `file` is right, and exit")
	flags.StringVar(&upstream, "upstream", "", "the `URL` of the application: http://, https://, h2c:// or unix://")
	flags.StringArrayVar(&public, "public", nil, "a `path` that needs no sign-in, such as '/assets/*'; may be repeated")
	flags.StringVar(&listen, "listen", "", "the `address` to listen on (default localhost:8080)")
	flags.StringVar(&redirect, "redirect-url", "", "the `URL` of the callback (default WORKOS_REDIRECT_URI, or http://localhost:8080/callback)")
	flags.StringVar(&admin, "admin", "", "another `address` to listen on, for operators: /metrics, /healthz and /readyz (default none)")
	for _, name := range []string{"config", "check"} {
		_ = command.MarkFlagFilename(name, "yaml", "yml")
	}
	return command
}

// onlyFlag returns an error if one of the flags is set beside another one: a file is the whole configuration.
func onlyFlag(cmd *cobra.Command, names ...string) error {
	for _, name := range names {
		if cmd.Flags().Changed(name) && cmd.Flags().NFlag() > 1 {
			return &statusError{exitUsage, fmt.Errorf("proxy: --%s takes no other flag beside it", name)}
		}
	}
	return nil
}

// checkProxy checks a file.
func checkProxy(cmd *cobra.Command, name string) error {
	config, err := proxy.Load(name)
	if err == nil {
		err = config.Check()
	}
	if err != nil {
		return proxyFaults(name, err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is right.\n", name)
	return nil
}

// proxyFaults returns an error with the status of a wrong configuration, if it is one.
func proxyFaults(name string, err error) error {
	var faults proxy.Faults
	if !errors.As(err, &faults) {
		return err
	}
	if name == "" {
		name = "the configuration"
	}
	return &statusError{exitUsage, fmt.Errorf("proxy: %s is wrong:\n%w", name, faults)}
}

// hangUps returns a channel that receives for each SIGHUP.
func hangUps(ctx context.Context) (reload <-chan struct{}, stop func()) {
	signals, asked := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
				select {
				case asked <- struct{}{}:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return asked, func() { signal.Stop(signals); cancel() }
}
