// The command "authkit doctor": its flags and its output.

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authkit-go/authkit/cmd/authkit/internal/doctor"
)

func newDoctor() *cobra.Command {
	var cfg doctor.Config
	var envFiles []string
	asJSON := false
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check the configuration of an application against WorkOS",
		Long: `Check the configuration of an application against WorkOS.

It reads the variables that authkit.FromEnv reads, and asks WorkOS: whether it knows the client ID and accepts the API key,
whether the redirect URI is registered exactly, whether tokens of its issuer are accepted, and what its clock shows. With --url it
asks the application too, through the proxy in front of it. It changes nothing, and prints no secret.

What the application sets by options in its code is not in the environment: see --shared-session and --public-client.

Exit status: 0 without a fault, 1 with one, 2 for wrong flags.`,
		Example: `  authkit doctor --env-file .env
  authkit doctor --url https://app.example.com --store redis://localhost:6379
  authkit doctor --json | jq '.results[] | select(.status == "fault")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cfg.Timeout <= 0 {
				return &statusError{exitUsage, errors.New("--timeout must be positive")}
			}
			if !strings.HasPrefix(cfg.LoginPath, "/") {
				return &statusError{exitUsage, errors.New("--login-path must begin with /")}
			}
			if cfg.StandIn != "" && cfg.URL == "" {
				return &statusError{exitUsage, errors.New("--stand-in needs --url, the address of the proxy")}
			}
			for _, path := range envFiles {
				if err := doctor.LoadEnvFile(path); err != nil {
					return &statusError{exitUsage, err}
				}
			}
			stderr := cmd.ErrOrStderr()
			if isTerminal(stderr) && os.Getenv("TERM") != "dumb" {
				cfg.Progress = func(check string) { fmt.Fprintf(stderr, "\r\x1b[K%s …", check) }
			}
			results := doctor.Run(cmd.Context(), cfg)
			if cfg.Progress != nil {
				fmt.Fprint(stderr, "\r\x1b[K")
			}
			if cmd.Context().Err() != nil {
				return &statusError{exitFault, errors.New("interrupted")}
			}
			if err := writeResults(cmd.OutOrStdout(), results, asJSON); err != nil {
				return err
			}
			if doctor.HasFault(results) {
				return &statusError{exitFault, nil} // the output says why
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&envFiles, "env-file", nil, "`file` with variables that the environment lacks, such as .env; can be repeated")
	flags.StringVar(&cfg.URL, "url", "", "`URL` of the application as users open it, for checks through its proxy")
	flags.StringVar(&cfg.LoginPath, "login-path", "/login", "`path` of the application that begins a sign-in")
	flags.StringVar(&cfg.StandIn, "stand-in", "", "`address` at which the proxy expects the application, such as 127.0.0.1:8080: doctor serves there meanwhile and\nanswers with large headers; the application must not run")
	flags.StringVar(&cfg.SignOutRedirect, "sign-out-redirect", "", "`URL` after a sign-out (default the root of the host of the redirect URI)")
	flags.StringVar(&cfg.Store, "store", "", "`URL` of the store: redis://…, rediss://… or postgres://…")
	flags.BoolVar(&cfg.SharedSession, "shared-session", false, "the application uses WithSharedSession")
	flags.BoolVar(&cfg.PublicClient, "public-client", false, "the application uses WithPublicClient")
	flags.DurationVar(&cfg.Timeout, "timeout", 10*time.Second, "the longest time for one call")
	flags.BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// writeResults writes the results for a person or for a program.
func writeResults(w io.Writer, results []doctor.Result, asJSON bool) error {
	count := map[doctor.Status]int{}
	for _, r := range results {
		count[r.Status]++
	}
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(struct {
			Faults   int             `json:"faults"`
			Warnings int             `json:"warnings"`
			Results  []doctor.Result `json:"results"`
		}{count[doctor.Fault], count[doctor.Warning], results})
	}
	colours := map[doctor.Status]string{doctor.OK: "\x1b[32m", doctor.Warning: "\x1b[33m", doctor.Fault: "\x1b[1;31m", doctor.Skipped: "\x1b[2m"}
	isColoured := hasColours(w)
	for _, r := range results {
		status := fmt.Sprintf("%-7s", r.Status)
		if isColoured {
			status = colours[r.Status] + status + "\x1b[0m"
		}
		fmt.Fprintf(w, "%s  %s: %s\n", status, r.Check, r.Finding)
		for line := range strings.Lines(r.Cure) {
			fmt.Fprintf(w, "         %s\n", strings.TrimSuffix(line, "\n"))
		}
	}
	_, err := fmt.Fprintf(w, "%d faults, %d warnings.\n", count[doctor.Fault], count[doctor.Warning])
	return err
}
